import { z } from 'zod';
import { LIGHTS, slotNumber, usbSerial } from '../../contract/device-host.ts';
import { ASSURANCES } from '../../domain/terms.ts';

/** What goes over the `/hardware` WebSocket between a device host and the virtual cart. */

const slot = z.strictObject({ slot: slotNumber, present: z.boolean(), serial: usbSerial.optional(), attachment: z.string().max(32).optional(), chargePercent: z.int().min(0).max(100).optional() });

export const fromCart = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('slots'), slots: z.array(slot) }),
  z.strictObject({ kind: z.literal('slot'), ...slot.shape }),
  z.strictObject({ kind: z.literal('reader'), present: z.boolean() }),
  z.strictObject({ kind: z.literal('tap'), uid: z.string().regex(/^(?:[0-9A-F]{2}){4,32}$/), assurance: z.enum(ASSURANCES) }),
  z.strictObject({ kind: z.literal('tap-unreadable'), cause: z.enum(['mute', 'removed', 'random-uid', 'protocol', 'uid-length']) }),
  z.strictObject({ kind: z.literal('card-removed') }),
]);
export type FromCart = z.infer<typeof fromCart>;

export const fromHost = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('hello'), pid: z.int().min(1) }),
  z.strictObject({ kind: z.literal('light'), slot: slotNumber, light: z.enum(LIGHTS) }),
  z.strictObject({ kind: z.literal('port-power'), slot: slotNumber, on: z.boolean() }),
]);
export type FromHost = z.infer<typeof fromHost>;
