import { z } from 'zod';
import { MINUTES_TO_FIX, NEXT_STEPS } from '../domain/morning-sheet.ts';
import { NOT_STARTED_REASONS, SHORT_REASONS } from '../domain/night-problem.ts';
import { QUARANTINE_REASONS, UNPROVEN_REASONS } from '../domain/terms.ts';
import { slotNumber, usbSerial } from './device-host.ts';

const count = z.int().min(0);
const ward = z.string().max(80);

/** The night as it stands: what the morning needs, what is ready now, what will be by the shift, and by when it is enough. Times are Unix milliseconds. */
export const nightBoard = z.strictObject({
  shiftMs: z.int(),
  wards: z.array(z.strictObject({ ward, needed: count, ready: count, byShift: count, metMs: z.int().optional(), shortBy: count.optional(), because: z.enum(SHORT_REASONS).optional() })),
  slots: z.array(z.strictObject({ slot: slotNumber, readyMs: z.int().optional() })),
  /** Tablets whose system is being updated, and those that are not though an update waits for them, with the commonest reason. */
  updates: z.strictObject({ running: count, left: count, because: z.enum(NOT_STARTED_REASONS).optional() }).optional(),
});
export type NightBoard = z.infer<typeof nightBoard>;

export const MORNING_REASONS = [...UNPROVEN_REASONS, ...QUARANTINE_REASONS, 'update-failed', 'in-hand', 'unidentified', 'with-ward', 'said-back', 'unreadable'] as const;

/** One page for whoever opens the shift (R4.4): exceptions first, by the time they take to mend. */
export const morningPage = z.strictObject({
  fromMs: z.int(),
  shiftMs: z.int(),
  needs: z.array(z.strictObject({ ward, needed: count, ready: count, shortBy: count, dueMs: z.int() })),
  exceptions: z.array(
    z.strictObject({
      slot: slotNumber.optional(),
      serial: usbSerial.optional(),
      asset: z.string().max(40).optional(),
      ward: ward.optional(),
      reason: z.enum(MORNING_REASONS),
      suspect: z.enum(['slot', 'tablet', 'unclear']).optional(),
      next: z.enum(NEXT_STEPS),
      minutes: z.int().min(0).max(Math.max(...Object.values(MINUTES_TO_FIX))),
    }),
  ),
  done: z.strictObject({ sanitized: count, failed: count, quarantined: count, starts: count, updated: count.optional(), notUpdated: count.optional() }),
});
export type MorningPage = z.infer<typeof morningPage>;
