import { useState } from 'react';
import type { CertificateView } from '../contract/certificates.ts';
import { AnswerTo } from './answer-to.tsx';
import type { Refusal } from './api.ts';
import { Seal } from './certificate-seal.tsx';
import { readCertificateFile } from './certificates-api.ts';
import { whatHappened } from './contact.tsx';
import { CopyButton } from './copy-button.tsx';
import { hrefOf } from './route.ts';
import { save } from './save-file.ts';
import { useFleet } from './store.ts';
import { instant } from './times.ts';

/** One certificate of sanitization, as it is read and as it is printed. */
export function CertificatePage({ leaf }: { leaf: string }) {
  const asked = useFleet((state) => state.certificate);
  const certificate = asked?.question.leaf === leaf ? asked.feed.held?.value : undefined;
  return (
    <section className="list" aria-labelledby="certificate">
      <div className="list-head">
        <h1 id="certificate" tabIndex={-1}>
          Certificate of sanitization
        </h1>
      </div>
      <AnswerTo asked={asked} asking="Putting the certificate together…" />
      {certificate !== undefined && <Sheet certificate={certificate} />}
    </section>
  );
}

function Sheet({ certificate }: { certificate: CertificateView }) {
  const { leaf, at, serial, asset, standing, standingWords, sections, publicUrl } = certificate;
  return (
    <article className="document certificate" aria-label={`Certificate of tablet ${asset}`}>
      <p className="standing" data-standing={standing}>
        <Seal standing={standing} />
        <span>
          <strong>{standing === 'cosigned' ? 'Cosigned' : 'PROVISIONAL'}</strong>
          <span className="under">{standingWords.replace(/^PROVISIONAL\. /, '')}</span>
        </span>
      </p>
      <p className="asked">
        <span>As of {instant(at)}, by the server’s clock</span>
        <Keep leaf={leaf} kind="pdf" words="PDF with QR code" />
        <Keep leaf={leaf} kind="file" words="File to verify offline" />
        <button type="button" className="link" onClick={() => print()}>
          Print
        </button>
        <CopyButton look="link" text={publicUrl} what="the public address" />
        <a href={hrefOf({ page: 'device', serial, q: '' })}>Tablet {asset}</a>
      </p>
      <div className="certificate-sections">
        {sections.map(({ title, lines }) => (
          <section key={title}>
            <h2>{title}</h2>
            <dl>
              {lines.map(({ label, value }) => (
                <div key={label}>
                  <dt>{label}</dt>
                  <dd>{value}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="on-paper">Check it: {publicUrl}</p>
    </article>
  );
}

/** Fetches the certificate as a file; a refusal is said in words, never saved as if it were one. */
function Keep({ leaf, kind, words }: { leaf: string; kind: 'pdf' | 'file'; words: string }) {
  const [refusal, setRefusal] = useState<Refusal>();
  const [busy, setBusy] = useState(false);
  const download = async () => {
    setBusy(true);
    const answer = await readCertificateFile(leaf, kind);
    setBusy(false);
    setRefusal(answer.ok ? undefined : answer.refusal);
    if (answer.ok) save(answer.value.name, answer.value.file);
  };
  return (
    <span>
      <button type="button" className="link" disabled={busy} onClick={() => void download()}>
        {words}
      </button>
      <span role="status">{refusal !== undefined && <span className="under">Not saved: {whatHappened(refusal)}</span>}</span>
    </span>
  );
}
