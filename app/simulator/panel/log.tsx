import type { ReactNode } from 'react';
import type { WorldView } from './world.ts';

const TIME = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });

/** What happened, newest first. */
export function Log({ world, refusal }: { world: WorldView; refusal: string | undefined }): ReactNode {
  return (
    <section className="log" aria-label="What happened">
      <h2>What happened</h2>
      <p role="status" className="refusal">
        {refusal}
      </p>
      <ol>
        {world.log.map((line) => (
          <li key={line.number} data-kind={line.kind}>
            <time dateTime={line.at}>{TIME.format(new Date(line.at))}</time>
            {line.text}
          </li>
        ))}
        {world.log.length === 0 && <li>Nothing yet.</li>}
      </ol>
    </section>
  );
}
