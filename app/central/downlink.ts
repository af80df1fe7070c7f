import type { z } from 'zod';
import type { downlinkResponse } from '../contract/station-http.ts';
import type { BundleStore } from './bundle.ts';
import { EVERY_STATION, type Wakener } from './wakener.ts';

/** A waiting station looks again this often even if no notice reached this process. */
const LOOK_AGAIN_MS = 5_000;

/** What an answer is made of. `monoMs`: this process's monotonic time. */
export interface DownlinkSource {
  readonly bundles: BundleStore;
  /** Statements for a station with a cursor above `after`, in order. */
  readonly statementsAfter: (station: string, after: number) => Promise<{ cursor: number; jws: string }[]>;
  readonly wakener: Pick<Wakener, 'wait'>;
  readonly monoMs: () => number;
}

export interface DownlinkQuery {
  readonly station: string;
  /** Version of the bundle that the station holds; 0 for none. */
  readonly bundle: number;
  /** Cursor of the last statement it holds; 0 for none. */
  readonly after: number;
  readonly waitMs: number;
}

/** Answers as soon as there is anything newer than the station holds, else with nothing once the wait is over. */
export async function answerDownlink({ bundles, statementsAfter, wakener, monoMs }: DownlinkSource, query: DownlinkQuery, aborted: AbortSignal): Promise<z.infer<typeof downlinkResponse>> {
  const until = monoMs() + query.waitMs;
  for (;;) {
    // The wait begins before the look, so that what is announced in between is not slept through.
    const looked = new AbortController();
    const stop = AbortSignal.any([aborted, looked.signal]);
    const left = until - monoMs();
    const announced = wakener.wait([query.station, EVERY_STATION], Math.max(0, Math.min(left, LOOK_AGAIN_MS)), stop);
    const [current, statements] = await Promise.all([bundles.current(query.bundle), statementsAfter(query.station, query.after)]);
    const bundle = current && current.version > query.bundle ? { bundle: current.jws } : {};
    if (left <= 0 || aborted.aborted || 'bundle' in bundle || statements.length > 0) {
      looked.abort();
      return { ...bundle, statements };
    }
    await announced;
  }
}
