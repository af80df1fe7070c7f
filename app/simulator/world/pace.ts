import type { MdmEvent, MdmPace } from './mdm-records.ts';
import { DEMO_PACE } from './mdm-records.ts';

const MINUTE_MS = 60_000;

/** A tablet of the ward as it really is: 7 to 13 minutes from the command to the first report. */
export const REAL_PACE: MdmPace = {
  ...DEMO_PACE,
  deliver: [15_000, MINUTE_MS],
  erase: [4 * MINUTE_MS, 7 * MINUTE_MS],
  enrol: [2 * MINUTE_MS, 4 * MINUTE_MS],
  report: [20_000, MINUTE_MS],
  replay: 20 * MINUTE_MS,
};

export type PaceName = 'demo' | 'real';
const PACES: Record<PaceName, MdmPace> = { demo: DEMO_PACE, real: REAL_PACE };

/** A pace that can be changed under whoever reads it: `demo` to watch a wipe, `real` where the time itself goes fast. */
export function createPace(): { readonly current: MdmPace; name(): PaceName; set(pace: PaceName): void } {
  const current = { ...DEMO_PACE };
  let chosen: PaceName = 'demo';
  return {
    current,
    name: () => chosen,
    set(pace) {
      chosen = pace;
      Object.assign(current, PACES[pace]);
    },
  };
}

/** What is under way at the real pace, brought to its end at the demo's. What was to take longer than usual still does. */
export function hurried(events: readonly MdmEvent[], nowMs: number): MdmEvent[] {
  return events
    .map((event) => {
      if (event.kind === 'expire' || event.kind === 'settle') return event;
      const leftMs = event.atMs - nowMs;
      const [, longestMs] = REAL_PACE[event.kind === 'erased' ? 'erase' : event.kind];
      const [, quickMs] = DEMO_PACE[event.kind === 'erased' ? 'erase' : event.kind];
      return leftMs <= 0 || leftMs > longestMs ? event : { ...event, atMs: nowMs + Math.ceil((leftMs * quickMs) / longestMs) };
    })
    .sort((a, b) => a.atMs - b.atMs || a.order - b.order);
}
