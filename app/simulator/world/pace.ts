import type { MdmEvent, MdmPace } from './mdm-records.ts';
import { DEMO_PACE } from './mdm-records.ts';

const MINUTE_MS = 60_000;

/** A tablet of the ward as it really is: 7 to 13 minutes from the command to the first report, 8 to 15 for an update. */
export const REAL_PACE: Required<MdmPace> = {
  ...DEMO_PACE,
  deliver: [15_000, MINUTE_MS],
  erase: [4 * MINUTE_MS, 7 * MINUTE_MS],
  enrol: [2 * MINUTE_MS, 4 * MINUTE_MS],
  report: [20_000, MINUTE_MS],
  download: [2 * MINUTE_MS, 4 * MINUTE_MS],
  install: [5 * MINUTE_MS, 9 * MINUTE_MS],
  replay: 20 * MINUTE_MS,
};

export type PaceName = 'demo' | 'real';
const PACES: Record<PaceName, Required<MdmPace>> = { demo: DEMO_PACE, real: REAL_PACE };

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

const SPAN_OF = { deliver: 'deliver', erased: 'erase', enrol: 'enrol', report: 'report', policy: 'deliver', downloaded: 'download', installed: 'install' } as const;

/** What is under way at the real pace, brought to its end at the demo's. What was to take longer than usual still does. */
export function hurried(events: readonly MdmEvent[], nowMs: number): MdmEvent[] {
  return events
    .map((event) => {
      if (event.kind === 'expire' || event.kind === 'settle') return event;
      const leftMs = event.atMs - nowMs;
      const [, longestMs] = REAL_PACE[SPAN_OF[event.kind]];
      const [, quickMs] = DEMO_PACE[SPAN_OF[event.kind]];
      return leftMs <= 0 || leftMs > longestMs ? event : { ...event, atMs: nowMs + Math.ceil((leftMs * quickMs) / longestMs) };
    })
    .sort((a, b) => a.atMs - b.atMs || a.order - b.order);
}
