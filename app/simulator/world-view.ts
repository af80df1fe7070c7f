import { z } from 'zod';
import { LIGHTS, slotNumber } from '../contract/device-host.ts';
import type { Directory } from './directory.ts';
import { logLine } from './log-line.ts';
import { nightView } from './night/night-view.ts';
import type { Cart } from './world/cart.ts';
import { SLOT_FAULTS } from './world/cart.ts';
import { MISBEHAVIOURS } from './world/mdm-records.ts';
import { UNCLEAN_REASONS, uncleanBecause } from './world/tablet.ts';

/** GET /api/world: the truth about everything, as only a simulator can know it. */
export const worldView = z.strictObject({
  at: z.string().describe('The simulated time, ISO 8601.'),
  theme: z.enum(['day', 'night']).describe('By the ward’s rules.'),
  place: z.strictObject({ ward: z.string(), cart: z.string() }),
  shelves: z.array(z.array(slotNumber)),
  slots: z.array(
    z.strictObject({
      slot: slotNumber,
      serial: z.string().nullable().describe('The tablet that stands in it.'),
      fault: z.enum(SLOT_FAULTS),
      powered: z.boolean(),
      light: z.enum(LIGHTS),
      seen: z.enum(['nothing', 'something', 'serial']).describe('What its USB port shows.'),
    }),
  ),
  tablets: z.array(
    z.strictObject({
      serial: z.string(),
      asset: z.string(),
      model: z.string(),
      ward: z.string(),
      slot: slotNumber.nullable(),
      inHandOf: z.string().nullable().describe('Staff id; empty: somebody.'),
      chargePercent: z.int(),
      residueOf: z.string().nullable().describe('Whose data is on it.'),
      clean: z.boolean(),
      uncleanBecause: z.array(z.enum(UNCLEAN_REASONS)),
      enrolment: z.string().nullable(),
      liveCredentials: z.int(),
      profile: z.string().nullable(),
      patchLevel: z.string(),
      rooted: z.boolean(),
      adbEnabled: z.boolean(),
      compliant: z.boolean(),
      asleep: z.boolean(),
      rebooting: z.boolean(),
      commandsWaiting: z.int(),
      updating: z.boolean().describe('It downloads or installs a system update.'),
      wipeAsked: z.boolean().describe('A wipe is on its way or under way.'),
    }),
  ),
  staff: z.array(
    z.strictObject({ id: z.string(), name: z.string(), short: z.string(), roles: z.array(z.string()), ward: z.string(), badgeUid: z.string(), pin: z.string(), holds: z.array(z.string()) }),
  ),
  network: z.strictObject({ up: z.boolean(), delayMs: z.int(), connected: z.boolean() }),
  deviceHost: z.strictObject({ connected: z.boolean(), pid: z.int().nullable() }),
  station: z.strictObject({ pid: z.int().nullable() }),
  readerPresent: z.boolean(),
  mischief: z.array(z.strictObject({ fault: z.enum(MISBEHAVIOURS), serial: z.string().nullable(), times: z.int() })).describe('Waiting to happen.'),
  log: z.array(logLine).describe('What happened, newest first.'),
  night: nightView.nullable().describe('The night that is being played, or the last one that was.'),
});
export type WorldView = z.infer<typeof worldView>;

/** Night from one time of day to another, past midnight, on the machine's own clock. */
export function themeAt({ nightFrom, nightTo }: Directory['rules'], atMs: number): WorldView['theme'] {
  const clock = new Date(atMs).toTimeString().slice(0, 5);
  return clock >= nightFrom || clock < nightTo ? 'night' : 'day';
}

export function cartView(cart: Cart, directory: Directory): Pick<WorldView, 'place' | 'shelves' | 'slots' | 'tablets' | 'staff' | 'mischief'> {
  const wardName = (id: string): string => directory.wards.find((ward) => ward.id === id)?.name ?? id;
  const slotOf = new Map([...cart.slots.values()].flatMap((slot) => (slot.serial === null ? [] : [[slot.serial, slot.slot] as const])));
  const seen = new Map(cart.seen().map((slot) => [slot.slot, slot]));
  return {
    place: { ward: wardName(directory.cart.ward), cart: directory.cart.name },
    shelves: directory.cart.shelves,
    slots: [...cart.slots.values()].map((slot) => {
      const shows = seen.get(slot.slot);
      return { slot: slot.slot, serial: slot.serial, fault: slot.fault, powered: slot.powered, light: slot.light, seen: shows?.serial ? 'serial' : shows?.present ? 'something' : 'nothing' };
    }),
    tablets: directory.devices.flatMap((device) => {
      const tablet = cart.tablets.get(device.serial);
      if (!tablet) return [];
      const reasons = uncleanBecause(tablet, cart.mdm);
      return [
        {
          serial: tablet.serial,
          asset: device.asset,
          model: device.model,
          ward: wardName(device.ward),
          slot: slotOf.get(tablet.serial) ?? null,
          inHandOf: cart.hands.get(tablet.serial) ?? null,
          chargePercent: Math.floor(tablet.charge),
          residueOf: tablet.residueOf,
          clean: reasons.length === 0,
          uncleanBecause: reasons,
          enrolment: tablet.enrolment,
          liveCredentials: tablet.credentials.size,
          profile: tablet.profile,
          patchLevel: tablet.patchLevel,
          rooted: tablet.rooted,
          adbEnabled: tablet.adbEnabled,
          compliant: tablet.compliant,
          asleep: tablet.asleep,
          rebooting: tablet.rebooting,
          commandsWaiting: cart.mdm.waitingFor(tablet.serial),
          updating: tablet.updating ?? false,
          wipeAsked: (tablet.rebooting && !tablet.updating) || tablet.enrolment === null || cart.mdm.waitingFor(tablet.serial) > 0,
        },
      ];
    }),
    staff: directory.staff.map((person) => ({
      id: person.id,
      name: person.name,
      short: person.short,
      roles: person.roles,
      ward: person.wards.map(wardName).join(', '),
      badgeUid: person.badgeUid,
      pin: person.pin,
      holds: [...cart.hands].flatMap(([serial, holder]) => (holder === person.id ? [serial] : [])),
    })),
    mischief: cart.mdm.state.mischief.map(({ fault, serial, times }) => ({ fault, serial: serial ?? null, times })),
  };
}
