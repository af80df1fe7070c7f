import type { CSSProperties } from 'react';
import type { BoundedTime } from '../contract/custody.ts';
import { ticks } from './span.ts';
import type { Span } from './span.ts';
import { dayOf, timeOfDay } from './times.ts';

/** A stretch of time on the band. `from` and `to`: Unix milliseconds; `opened`, `closed`: how well its ends are known. */
export interface Bar {
  readonly kind: 'held' | 'docked' | 'unwatched';
  readonly possible: boolean;
  readonly words: string;
  readonly from: number;
  readonly to: number;
  readonly opened: BoundedTime;
  readonly closed?: BoundedTime;
}

interface SpanBandProps {
  readonly span: Span;
  readonly lanes: readonly { readonly title?: string; readonly bars: readonly Bar[] }[];
  /** The stretch in which the lanes contradict each other; Unix milliseconds. */
  readonly contradiction?: { readonly from: number; readonly to: number } | undefined;
}

/** Percent of the band that a bar must have before words fit into it. */
const LEAST_FOR_WORDS = 7;
/** A tick further on would have its time cut off. */
const LAST_FOR_TICK = 95;

/** The time asked about, to scale: filled = in a slot, dashed = held, dotted = nobody looked, hatched = when it changed is not known better. Everything it shows stands in words below it. */
export function SpanBand({ span, lanes, contradiction }: SpanBandProps) {
  const [start, end] = [Date.parse(span.from), Date.parse(span.to)];
  const share = (at: number): number => ((Math.min(end, Math.max(start, at)) - start) / (end - start)) * 100;
  const place = (from: number, to: number): CSSProperties => ({ insetInlineStart: `${share(from)}%`, width: `${share(to) - share(from)}%` });
  return (
    <div className="band" aria-hidden="true" data-titled={lanes.some(({ title }) => title !== undefined) || undefined}>
      {lanes.map(({ title, bars }, lane) => (
        <div className="lane" key={lane}>
          {title !== undefined && <span className="lane-title">{title}</span>}
          <div className="lane-track">
            {bars.map((bar) => (
              <span key={`${bar.kind} ${bar.from}`} className="bar" data-kind={bar.kind} data-possible={bar.possible || undefined} style={place(bar.from, bar.to)}>
                {share(bar.to) - share(bar.from) > LEAST_FOR_WORDS && <span style={{ marginInlineStart: `${clearOf(bar, share)}%` }}>{bar.words}</span>}
              </span>
            ))}
            {bars.flatMap(({ opened, closed }) => [opened, ...(closed === undefined ? [] : [closed])]).map((time) => {
              const [low, high] = [share(time.notBefore === undefined ? Date.parse(time.claimed) : Date.parse(time.notBefore)), share(time.notAfter === undefined ? Date.parse(time.claimed) : Date.parse(time.notAfter))];
              return high - low > 0.4 ? <span key={`${time.claimed} ${low}`} className="unsure" style={{ insetInlineStart: `${low}%`, width: `${high - low}%` }} /> : null;
            })}
          </div>
        </div>
      ))}
      <div className="lane scale">
        {lanes.some(({ title }) => title !== undefined) && <span className="lane-title" />}
        <div className="lane-track">
          {contradiction !== undefined && <span className="clash" style={place(contradiction.from, contradiction.to)} />}
          {ticks(span).filter((at) => share(Date.parse(at)) < LAST_FOR_TICK).map((at) => (
            <span key={at} className="tick" style={{ insetInlineStart: `${share(Date.parse(at))}%` }}>
              {isMidnight(at) ? dayOf(at) : timeOfDay(at, at)}
            </span>
          ))}
        </div>
      </div>
    </div>
  );
}

/** How far, in percent of the bar, its words begin after the stretch in which it may have begun. */
function clearOf({ from, to, opened }: Bar, share: (at: number) => number): number {
  const [start, end] = [share(from), share(to)];
  const known = opened.notAfter === undefined ? start : share(Date.parse(opened.notAfter));
  return Math.min(60, Math.max(0, ((known - start) / (end - start)) * 100));
}

function isMidnight(iso: string): boolean {
  const at = new Date(iso);
  return at.getHours() === 0 && at.getMinutes() === 0;
}
