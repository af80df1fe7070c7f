import type { ReactNode } from 'react';
import type { NightView } from './world.ts';

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const HOUR_MS = 3_600_000;
/** Of the strip, per cent. */
const SIGN_WIDTH = 2.8;

/** The night as a strip: how much of it has gone, since when each ward has what it needs, and what went wrong when. */
export function NightStrip({ night, at: nowAt }: { night: NightView; at: string }): ReactNode {
  const fromMs = Date.parse(night.from);
  const shiftMs = Date.parse(night.shift);
  const at = (time: string): number => Math.min(100, Math.max(0, ((Date.parse(time) - fromMs) / (shiftMs - fromMs)) * 100));
  const now = at(nowAt);
  return (
    <div className="night-strip">
      <div className="night-sky">
        <span className="night-gone" style={{ width: `${now}%` }} />
        {outages(night, nowAt).map(([from, to]) => (
          <span key={from} className="night-outage" style={{ left: `${at(from)}%`, width: `${at(to) - at(from)}%` }} title={`No network from ${clock(from)} to ${clock(to)}`} />
        ))}
        {apart(signsOf(night).map((sign) => ({ ...sign, left: at(sign.at) }))).map((sign) => (
          <Sign key={sign.words} {...sign} />
        ))}
        <span className="night-now" style={{ left: `${now}%` }} />
      </div>
      <ol className="night-hours" aria-hidden="true">
        {hours(fromMs, shiftMs).map((ms) => (
          <li key={ms} style={{ left: `${at(new Date(ms).toISOString())}%` }}>
            {clock(new Date(ms).toISOString())}
          </li>
        ))}
      </ol>
    </div>
  );
}

const clock = (time: string): string => CLOCK.format(new Date(time));

interface SignProps {
  readonly kind: keyof typeof SIGNS;
  /** Per cent of the strip. */
  readonly left: number;
  readonly words: string;
}

type SignAt = Pick<SignProps, 'kind' | 'words'> & { readonly at: string };

function signsOf({ wards, marks }: NightView): readonly SignAt[] {
  return [
    ...wards.flatMap(({ name, metAt }): readonly SignAt[] => (metAt === null ? [] : [{ kind: 'met', at: metAt, words: `${name} has what it needs since ${clock(metAt)}` }])),
    ...marks.flatMap(({ kind, at }): readonly SignAt[] => (kind === 'power' || kind === 'stuck' ? [{ kind, at, words: `${kind === 'power' ? 'The station was gone' : 'A tablet got stuck'} at ${clock(at)}` }] : [])),
  ];
}

/** In their order, each beside the one before where they would hide each other. */
function apart(signs: readonly SignProps[]): readonly SignProps[] {
  const placed: SignProps[] = [];
  for (const sign of signs.toSorted((a, b) => a.left - b.left)) placed.push({ ...sign, left: Math.max(sign.left, (placed.at(-1)?.left ?? -SIGN_WIDTH) + SIGN_WIDTH) });
  return placed;
}

/** From the network's going to its coming back, or to now. */
function outages({ marks }: NightView, now: string): readonly (readonly [string, string])[] {
  const spans: (readonly [string, string])[] = [];
  for (const [index, { kind, at }] of marks.entries()) {
    if (kind === 'network-down') spans.push([at, marks.slice(index).find((mark) => mark.kind === 'network-up')?.at ?? now]);
  }
  return spans;
}

/** Every second full hour, and the start of the shift. */
function hours(fromMs: number, shiftMs: number): readonly number[] {
  const marks: number[] = [];
  for (let ms = fromMs; ms < shiftMs - HOUR_MS; ms += 2 * HOUR_MS) marks.push(ms);
  return [...marks, shiftMs];
}

const SIGNS = {
  met: 'M3 8.5l3.4 3.4L13 5',
  power: 'M9.6 2L4 9.2h3.6L6.4 14 12 6.8H8.4z',
  stuck: 'M4 4l8 8M12 4l-8 8',
} as const;

function Sign({ kind, left, words }: SignProps): ReactNode {
  return (
    <span className="night-sign" data-kind={kind} style={{ left: `${left}%` }} title={words}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SIGNS[kind]} />
      </svg>
      <span className="unseen">{words}</span>
    </span>
  );
}
