import { z } from 'zod';
import { slotNumber, usbSerial } from '../contract/device-host.ts';
import { SLOT_FAULTS, TABLET_FAULTS } from './world/cart.ts';
import { MISBEHAVIOURS } from './world/mdm-records.ts';
import { DEFAULT_SPEED, MOST_SPEED } from './night/night-view.ts';

/** What the simulator's HTTP API takes; the panel and the OpenAPI document use the same schemas. */

const DAY_MS = 86_400_000;

export const tapRequest = z
  .strictObject({
    staff: z.string().min(1).max(64).optional().describe('Whose badge is tapped, by staff id.'),
    uid: z.string().regex(/^(?:[0-9A-F]{2}){4,10}$/).optional().describe('Or any card, by its number: upper-case hex.'),
    proves: z.boolean().default(false).describe('The card proves itself (PIV), so that no PIN is owed.'),
  })
  .refine((tap) => (tap.staff === undefined) !== (tap.uid === undefined), 'give either staff or uid');
export const undockRequest = z.strictObject({ slot: slotNumber, staff: z.string().max(64).optional().describe('Who pulls it; otherwise whoever tapped in the last minute.') });
export const dockRequest = z.strictObject({ serial: usbSerial, slot: slotNumber });
export const breakRequest = z.union([
  z.strictObject({ slot: slotNumber, fault: z.enum(SLOT_FAULTS) }),
  z.strictObject({ serial: usbSerial, fault: z.enum(TABLET_FAULTS) }),
]);
export const networkRequest = z.strictObject({ up: z.boolean(), delayMs: z.int().min(0).max(10_000).optional().describe('Added each way.') });
export const advanceRequest = z.strictObject({ ms: z.int().min(1).max(31 * DAY_MS) });
export const misbehaveRequest = z.strictObject({
  fault: z.enum(MISBEHAVIOURS),
  serial: usbSerial.optional().describe('Only this tablet; otherwise the next one it can happen to.'),
  times: z.int().min(1).max(1000).default(1),
  ms: z.int().min(1).max(7 * DAY_MS).optional().describe('How long, where the fault has a length.'),
});
export const readersRequest = z.strictObject({ present: z.boolean() });
export const nightRequest = z.strictObject({
  speed: z.int().min(2).max(MOST_SPEED).default(DEFAULT_SPEED).describe('World seconds to a real one, while there is work; hours without any go by faster, and what takes real seconds is never sped up.'),
  evening: z.boolean().default(true).describe('First the day goes by, the late shift takes tablets, and they come back in the evening.'),
  bad: z.boolean().default(false).describe('Much goes wrong: tablets, the network, the power.'),
  seed: z.int().min(0).max(0xffff_ffff).optional().describe('The same seed is the same script.'),
});
export const nothing = z.strictObject({});

export const API_REASONS = [
  'malformed',
  'unknown-slot',
  'unknown-tablet',
  'unknown-staff',
  'slot-empty',
  'slot-taken',
  'tablet-docked',
  'no-reader',
  'no-process',
  'no-night',
  'night-running',
  'foreign-origin',
  'not-found',
  'failed',
] as const;
export type ApiReason = (typeof API_REASONS)[number];
export const apiError = z.strictObject({ reason: z.enum(API_REASONS), message: z.string() });

export const tapAnswer = z.strictObject({ heard: z.boolean().describe('False: no device host was there to hear it, as when it has just been killed.') });
export const done = z.strictObject({ done: z.literal(true) });
export const undockAnswer = z.strictObject({ serial: usbSerial });
export const nightAnswer = z.strictObject({ seed: z.int(), until: z.string().describe('When the night is over, ISO 8601.') });
export const clockAnswer = z.strictObject({ at: z.string().describe('The simulated time, ISO 8601.') });
