import { certificateSections } from '../ledger/certificate-words.ts';
import type { IssuedCertificate } from './certificates.ts';
import { iso } from './fleet-view.ts';

/** What the public page says. `elsewhere`: the ledger holds it, but not at the index that the QR code names. */
export type PublicAnswer =
  | { readonly kind: 'held'; readonly issued: IssuedCertificate }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unsound'; readonly message: string }
  | { readonly kind: 'slow-down' };

export const PAGE_STATUS: Readonly<Record<PublicAnswer['kind'], number>> = { held: 200, elsewhere: 404, unknown: 404, unsound: 422, 'slow-down': 429 };

/** The page behind a certificate's QR code, for whoever has it in hand: no script, no sign-in, nothing but what the sheet says too. */
export function certificatePage(answer: PublicAnswer): string {
  switch (answer.kind) {
    case 'held':
      return held(answer.issued);
    case 'elsewhere':
      return page('Not this record', 'no', 'A ledger holds a certificate with this leaf hash, but not at the place that the code names.', '<p>The code was changed. Do not rely on the sheet.</p>');
    case 'unknown':
      return page('Not in the ledgers', 'no', 'No ledger of this server holds a certificate with this leaf hash.', '<p>The sheet is of another hospital, or it was not made by this one. Do not rely on it. Ask whoever gave it to you.</p>');
    case 'unsound':
      return page('Not sound', 'no', 'A ledger holds this record, but the records before it do not bear it out.', `<p>${escaped(answer.message)}</p>`);
    case 'slow-down':
      return page('Too many requests', 'no', 'Wait a minute, then open this address again.', '');
  }
}

function held({ certificate, cosignedAtMs }: IssuedCertificate): string {
  const { facts, witnessed } = certificate;
  const seen = cosignedAtMs === undefined ? '' : ` It was first cosigned ${time(cosignedAtMs)}.`;
  const until = witnessed.map(({ timeS }) => timeS * 1_000).reduce((a, b) => Math.max(a, b), 0);
  const sections = certificateSections(certificate)
    .map(({ title, lines }) => `<section><h2>${escaped(title)}</h2><dl>${lines.map(({ label, value }) => `<div><dt>${escaped(label)}</dt><dd>${escaped(value)}</dd></div>`).join('')}</dl></section>`)
    .join('');
  const about = `<p>Compare the serial number with the one on the tablet, and what stands below with your sheet. The server’s witness signed the ledger with this record last ${time(until)}.</p>
<p>It says nothing of what happened to the tablet after the proof was complete.</p>`;
  return page('In the ledger, cosigned', 'yes', `Tablet ${escaped(facts.media.serial)}: this record is entry ${facts.ledger.index} of ${escaped(facts.ledger.origin)}.${seen}`, about + sections);
}

const time = (ms: number): string => iso(ms).replace('T', ' ').replace(/\.\d+Z$/, ' UTC');

function page(verdict: string, mark: 'yes' | 'no', sentence: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${escaped(verdict)} · Certificate of sanitization</title>
<link rel="stylesheet" href="/certificate.css">
</head>
<body>
<main>
<p class="kind">Certificate of sanitization</p>
<h1 class="${mark}"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="${mark === 'yes' ? 'M3 13l6 6L21 5' : 'M5 5l14 14M19 5L5 19'}"/></svg>${escaped(verdict)}</h1>
<p class="lead">${sentence}</p>
${body}
</main>
</body>
</html>
`;
}

const escaped = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/** The page's look: the colours and the face of the other pages (app/ui/tokens.css), which it cannot share because they are built into a bundle. */
export const CERTIFICATE_CSS = `@font-face{font-family:Face;src:url(/certificate-regular.woff2);font-weight:400}
@font-face{font-family:Face;src:url(/certificate-bold.woff2);font-weight:700}
:root{color-scheme:light dark;--ground:#f4f0e6;--ink:#14201d;--soft:#46504b;--line:#cdc6b5;--pos:#0f5f41;--warn:#8a3f00}
@media (prefers-color-scheme:dark){:root{--ground:#0a0e0f;--ink:#d3dbd6;--soft:#a2ada7;--line:#2d3836;--pos:#7cc4a1;--warn:#e2a65a}}
body{margin:0;background:var(--ground);color:var(--ink);font:1.0625rem/1.45 Face,system-ui,sans-serif;overflow-wrap:anywhere}
main{max-width:46rem;margin-inline:auto;padding:clamp(1.25rem,5vw,3rem) clamp(1rem,4vw,3rem)}
.kind{margin:0;color:var(--soft)}
h1{display:flex;gap:.35em;align-items:center;margin:.1em 0 .3em;font-size:clamp(2rem,7vw,3rem);line-height:1.1}
h1 svg{flex:none;width:.8em;height:.8em;fill:none;stroke:currentColor;stroke-width:3.5;stroke-linecap:round;stroke-linejoin:round}
.yes svg{color:var(--pos)}
.no svg{color:var(--warn)}
.lead{font-size:1.375rem;line-height:1.3;margin:0 0 1rem}
h2{font-size:1.25rem;margin:1.75rem 0 .25rem;padding-block-end:.25rem;border-block-end:1px solid var(--line)}
dl{margin:0}
dl div{display:grid;grid-template-columns:10rem 1fr;gap:0 1rem;padding-block:.25rem}
dt{color:var(--soft)}
dd{margin:0}
@media (max-width:34rem){dl div{grid-template-columns:1fr}}
@media print{:root{--ground:#fff;--ink:#000;--soft:#000}}
`;
