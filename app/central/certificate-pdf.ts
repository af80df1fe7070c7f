import type { Certificate } from '../ledger/certificate.ts';
import { certificateSections, standingWords, type CertificateSection } from '../ledger/certificate-words.ts';
import { bytesOf, createPaper, drawQr, MM, PAGE, printable, type Face, type Paper } from './paper.ts';

/** What a certificate's QR code holds: where to look it up, its leaf hash and its place in the ledger. Nothing else. */
export function certificateUrl(base: string, { facts: { ledger } }: Pick<Certificate, 'facts'>): string {
  return `${base}/certificate/${ledger.leaf}?index=${ledger.index}`;
}

/** The name under which a certificate is saved. */
export const certificateFileName = ({ facts: { media, ledger } }: Pick<Certificate, 'facts'>, ending: 'certificate' | 'pdf'): string => `${media.serial.replaceAll(/[^A-Za-z0-9.-]/g, '_')}-${ledger.leaf.slice(0, 12)}.${ending}`;

const EDGE = 18 * MM;
const TOP = 14 * MM;
const LABEL = 40 * MM;
const SIDE = 38 * MM;
const INNER = PAGE.width - 2 * EDGE;
const SIZE = 9;

/** One sheet A4, black on white, with the certificate's file attached. `base`: the address of this server's people, as `https://host`. */
export async function certificatePdf(certificate: Certificate, base: string): Promise<Buffer> {
  const { facts, witnessed, text } = certificate;
  const url = certificateUrl(base, certificate);
  const atMs = Math.min(...witnessed.map(({ timeS }) => timeS * 1_000), facts.sanitization.completedMs, 8.64e15);
  const paper = createPaper({ title: `Certificate of sanitization ${facts.media.serial}`, author: facts.organisation, subject: url, atMs });
  paper.file(Buffer.from(text), { name: certificateFileName(certificate, 'certificate'), type: 'application/json', description: 'The certificate, for “npm run verify”', creationDate: new Date(atMs), modifiedDate: new Date(atMs) });

  const top = drawHead(paper, certificate);
  const foot = PAGE.height - TOP - SIDE;
  const sections = certificateSections(certificate);
  const lines = [6, 4, 3, 2, 1].find((most) => sectionsHeight(paper, sections, most) <= foot - top ) ?? 1;
  drawSections(paper, sections, top, lines);
  drawFoot(paper, url, foot);
  return bytesOf(paper);
}

function write(paper: Paper, text: string, x: number, y: number, { face = 'regular', size = SIZE, width = INNER, height }: { face?: Face; size?: number; width?: number; height?: number } = {}): number {
  const options = { width, ...(height === undefined ? {} : { height, ellipsis: '…' }) };
  paper.font(face).fontSize(size).fillColor('#000000').text(printable(text), x, y, options);
  return paper.y;
}

/** Title and standing; the y below them. */
function drawHead(paper: Paper, certificate: Certificate): number {
  let y = write(paper, 'Certificate of sanitization', EDGE, TOP, { face: 'bold', size: 24 });
  y = write(paper, 'With the fields of NIST SP 800-88; derived from the signed records of the cart', EDGE, y + 1, { size: 10 }) + 2 * MM;
  const provisional = certificate.witnessed.length === 0;
  const from = y;
  const inset = 2.5 * MM;
  y += inset;
  if (provisional) y = write(paper, 'PROVISIONAL', EDGE + inset, y - 4, { face: 'bold', size: 34, width: INNER - 2 * inset });
  y = write(paper, standingWords(certificate).replace(/^PROVISIONAL\. /, ''), EDGE + inset, y, { face: 'bold', size: 10, width: INNER - 2 * inset, height: 60 }) + inset;
  paper.lineWidth(provisional ? 3 : 1).strokeColor('#000000').rect(EDGE, from, INNER, y - from).stroke();
  return y + 2 * MM;
}

const lineHeight = (paper: Paper): number => paper.font('regular').fontSize(SIZE).currentLineHeight(true);
const TITLE_HEIGHT = 16;
const GAP = 1;

function valueHeight(paper: Paper, value: string, most: number): number {
  const height = paper.font('regular').fontSize(SIZE).heightOfString(printable(value), { width: INNER - LABEL });
  return Math.min(height, most * lineHeight(paper) + 0.1);
}

const sectionsHeight = (paper: Paper, sections: readonly CertificateSection[], most: number): number =>
  sections.reduce((sum, { lines }) => lines.reduce((total, { value }) => total + valueHeight(paper, value, most) + GAP, sum + TITLE_HEIGHT + 4), 0);

/** `most`: of a value's lines; what is longer ends in “…” and stands whole in the attached file. */
function drawSections(paper: Paper, sections: readonly CertificateSection[], top: number, most: number): void {
  let y = top;
  for (const { title, lines } of sections) {
    write(paper, title, EDGE, y + 2, { face: 'bold', size: 11 });
    y += TITLE_HEIGHT;
    paper.lineWidth(0.5).strokeColor('#000000').moveTo(EDGE, y - 1.5).lineTo(EDGE + INNER, y - 1.5).stroke();
    for (const { label, value } of lines) {
      const height = valueHeight(paper, value, most);
      write(paper, label, EDGE, y, { face: 'bold', width: LABEL });
      write(paper, value, EDGE + LABEL, y, { width: INNER - LABEL, height });
      y += height + GAP;
    }
    y += 4;
  }
}

function drawFoot(paper: Paper, url: string, top: number): void {
  drawQr(paper, url, { x: EDGE, y: top, side: SIDE });
  const x = EDGE + SIDE + 4 * MM;
  const width = INNER - SIDE - 4 * MM;
  let y = write(paper, 'Check it', x, top + 4 * MM, { face: 'bold', size: 11, width });
  y = write(paper, 'Scan the code, or open the address below: the server says whether this record is in its ledgers and what it says. The code holds the address, the leaf hash and the index, nothing else.', x, y + 1, { width });
  y = write(paper, 'Without the server: the certificate itself is attached to this PDF file. “npm run verify -- FILE.certificate” checks every signature and record of it offline.', x, y + 2, { width });
  write(paper, url, x, y + 2, { size: 8, width });
}
