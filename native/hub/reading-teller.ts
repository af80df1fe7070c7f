import type { PortReading } from '../../app/contract/device-host.ts';
import type { HubEvent } from '../adapters.ts';
import { changeMatters } from './port-readings.ts';

/** Told again after this long without a change, so that a reading is never a minute old while its hub is seen. */
const AGAIN_MS = 50_000;
const AT_MOST_EVERY_MS = 1_000;

/** Tells readings of ports on changes that matter, at least once a minute, and at most once a second per slot. */
export function readingTeller(sink: (event: HubEvent) => void): {
  tell(slot: number, reading: PortReading, readMonoMs: number): void;
} {
  const last = new Map<number, { readonly reading: PortReading; readonly monoMs: number }>();
  return {
    tell(slot, reading, readMonoMs) {
      const told = last.get(slot);
      const age = told === undefined ? Infinity : readMonoMs - told.monoMs;
      if (age < AT_MOST_EVERY_MS || (age < AGAIN_MS && told !== undefined && !changeMatters(told.reading, reading))) return;
      last.set(slot, { reading, monoMs: readMonoMs });
      sink({ event: 'port', slot, readMonoMs, reading });
    },
  };
}
