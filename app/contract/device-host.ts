import { z } from 'zod';
import { ASSURANCES } from '../domain/terms.ts';

/** Upper-case hex of a badge's bytes. It crosses from host to station in memory and is never stored. */
const hexBytes = z.string().regex(/^(?:[0-9A-F]{2}){4,32}$/);
export const slotNumber = z.int().min(1).max(99);
/** USB serial as the tablet reports it. */
export const usbSerial = z.string().min(1).max(64).regex(/^[\x21-\x7e]+$/);

export const slotState = z.strictObject({
  slot: slotNumber,
  /** True while something is enumerated or draws current in the slot. */
  present: z.boolean(),
  /** Absent while the tablet has not told its serial (not enumerated, charge-only, broken cable). */
  serial: usbSerial.optional(),
  /** Whole per cent, from the hub or the tablet; `atMs` of the host's monotonic clock. */
  battery: z.strictObject({ percent: z.int().min(0).max(100), monoMs: z.int().min(0) }).optional(),
});
export type SlotState = z.infer<typeof slotState>;

/** What the device host tells the station. Every event carries the host's monotonic time in whole milliseconds. */
export const hostEvent = z.discriminatedUnion('event', [
  z.strictObject({ event: z.literal('hello'), monoMs: z.int().min(0), version: z.string(), pid: z.int(), adapters: z.array(z.strictObject({ name: z.string(), state: z.enum(['working', 'absent', 'failing']), detail: z.string().max(300).optional() })) }),
  z.strictObject({ event: z.literal('heartbeat'), monoMs: z.int().min(0) }),
  z.strictObject({ event: z.literal('adapter'), monoMs: z.int().min(0), name: z.string(), state: z.enum(['working', 'absent', 'failing']), detail: z.string().max(300).optional() }),
  z.strictObject({ event: z.literal('reader'), monoMs: z.int().min(0), reader: z.string().max(200), state: z.enum(['present', 'gone']) }),
  z.strictObject({
    event: z.literal('tap'),
    monoMs: z.int().min(0),
    /** Unique per run of the host. */
    tap: z.string().max(64),
    reader: z.string().max(200),
    assurance: z.enum(ASSURANCES),
    uid: hexBytes,
  }),
  /** A card was in the field and could not be read. */
  z.strictObject({ event: z.literal('tap-unreadable'), monoMs: z.int().min(0), reader: z.string().max(200), cause: z.enum(['mute', 'removed', 'random-uid', 'protocol', 'uid-length']) }),
  z.strictObject({ event: z.literal('card-removed'), monoMs: z.int().min(0), reader: z.string().max(200) }),
  /** The whole cart, sent after every (re)connection and on demand; replaces all the station knew of the slots. */
  z.strictObject({ event: z.literal('slots'), monoMs: z.int().min(0), slots: z.array(slotState).max(99) }),
  z.strictObject({ event: z.literal('slot'), monoMs: z.int().min(0), ...slotState.shape }),
]);
export type HostEvent = z.infer<typeof hostEvent>;

export const LIGHTS = ['off', 'take', 'put-back', 'attention'] as const;
export const hostCommand = z.discriminatedUnion('command', [
  z.strictObject({ command: z.literal('light'), slot: slotNumber, light: z.enum(LIGHTS) }),
  z.strictObject({ command: z.literal('port-power'), slot: slotNumber, on: z.boolean() }),
  z.strictObject({ command: z.literal('slots') }),
]);
export type HostCommand = z.infer<typeof hostCommand>;

/** Commands are answered with the same id; a refusal names why, nothing hangs. */
export const hostRequest = z.strictObject({ id: z.int().min(1), request: hostCommand });
export const HOST_REFUSALS = ['no-light', 'no-power-control', 'no-slot', 'adapter-failing'] as const;
export const hostReply = z.union([
  z.strictObject({ id: z.int().min(1), ok: z.literal(true) }),
  z.strictObject({ id: z.int().min(1), ok: z.literal(false), reason: z.enum(HOST_REFUSALS) }),
]);
/** Everything a host sends is one of these two. */
export const hostMessage = z.union([hostEvent, hostReply]);
