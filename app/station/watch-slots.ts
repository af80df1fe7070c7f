import type { SlotState } from '../contract/device-host.ts';
import { judgeDocking } from '../domain/docking.ts';
import type { EntryDraft } from '../domain/entries.ts';
import { restartsFor } from '../domain/os-update.ts';
import { judgeRemoval } from '../domain/removal.ts';
import type { DeviceRow } from '../domain/tables.ts';
import { createAttachments } from './attachments.ts';
import type { Record } from './record.ts';
import { say } from './say.ts';
import type { SlotNow, StationContext } from './state.ts';

/** Something sits in a slot and has not told its serial for this long (R2.1): a named path. */
export const UNREADABLE_MS = 10_000;

/** How long the page says so; the map goes on showing it. */
const UNREADABLE_NOTICE_MS = 15_000;

/** What the cart sees of its slots: arrivals end custody, departures begin it, gaps in sight are exposures. */
export interface WatchSlots {
  /** One slot changed while the cart was watching. */
  changed(next: SlotState): Promise<void>;
  /** The whole cart after a (re)connection: everything is compared with what the ledger says. */
  seenWhole(slots: readonly SlotState[]): Promise<void>;
  lost(cause: string): Promise<void>;
  /** A hub went or came back; the slots' own changes follow, each judged by the rule for any absence. */
  hub(hub: string, state: 'present' | 'gone', slots: readonly number[]): Promise<void>;
  /** Removals nobody claimed, restarts that took too long, slots that stay unreadable. */
  lapse(): Promise<void>;
  /** Brings slots the ledger could not record about, or whose devices have just become known, up to date. */
  reconcile(): Promise<void>;
}

/** `watchedUntilMs`: monotonic time at which the station's last life still watched; undefined in another boot or a first life. */
export function createWatchSlots(context: StationContext, record: Record, watchedUntilMs: number | undefined): WatchSlots {
  const { deps, state } = context;
  const { clock, store } = deps;
  const attachments = createAttachments(context);

  /** Devices that came or went while the ledger could not say so, or stood where nobody could watch: it says it once it can, whatever stands in the slot by then. */
  const owed = new Set<string>();

  /** Facts come before judgement: removal is judged by what the gate said while the device was docked. */
  const removed = async (device: DeviceRow, slot: number, unobservedMs: number | undefined): Promise<void> => {
    const rules = state.bundle?.rules;
    const nowMs = clock.wallMs();
    const unproven = state.lastUnproven.get(device.serial) ?? ['exposed'];
    const openOffers = [...store.view.all('offer')];
    const removal = judgeRemoval({ device, slot, unproven, openOffers, restarts: restartsFor(device, unobservedMs === 0), nowMs, claimUntilMs: nowMs + (rules?.claimMs ?? 60_000), release: deps.randomId() });
    const done = await record([removal.draft]);
    if (!done) return void owed.add(device.serial);
    owed.delete(device.serial);
    switch (removal.kind) {
      case 'released':
        return say(context, { kind: 'taken', name: context.nameOf(removal.actor), slot }, 4_000);
      case 'other-clean':
        return say(context, { kind: 'wrong-slot', pulled: slot, yours: removal.offeredSlot, name: context.nameOf(removal.actor), clean: true }, 6_000);
      case 'wrong-pull':
        return say(context, { kind: 'wrong-slot', pulled: slot, yours: removal.offeredSlot, name: context.nameOf(removal.actor), clean: false, ...(unproven[0] ? { reason: unproven[0] } : {}) }, 30_000);
      case 'unidentified':
      case 'rebooting':
        return;
    }
  };

  const docked = async (serial: string, slot: number, unobservedMs: number | undefined, quiet: boolean): Promise<void> => {
    const rules = state.bundle?.rules ?? { gapMaxMs: 0, rebootMaxMs: 0 };
    const device = store.view.get('device', serial);
    const docking = judgeDocking({ serial, slot, device, rules, unobservedMs, detached: attachments.changed(slot), nowMs: clock.wallMs() });
    if (docking.kind === 'foreign' && docking.standing === 'unknown' && !state.bundle) return;
    const done = await record(docking.drafts, attachments.toKeep(slot));
    if (!done) return void owed.add(serial);
    // Without a word about it, what is owed stays so.
    if (docking.drafts.length > 0) owed.delete(serial);
    if (quiet) return;
    if (docking.kind === 'returned') {
      state.notices = state.notices.filter(({ message }) => !(message.kind === 'wrong-slot' && message.pulled === slot));
      say(context, { kind: 'returned', slot, how: docking.how, waitsForNetwork: !state.online, ...(docking.actor ? { name: context.nameOf(docking.actor) } : {}) }, 4_000);
    }
    if (docking.kind === 'foreign') say(context, { kind: 'foreign', slot, standing: docking.standing }, 10_000);
  };

  const sinceMonoMs = ({ slot, present, serial }: SlotState): number => {
    const before = state.slots.get(slot);
    return before?.present === present && before.serial === serial ? before.sinceMonoMs : clock.monoMs();
  };

  const look = (next: SlotState): SlotNow => ({
    slot: next.slot,
    present: next.present,
    sinceMonoMs: sinceMonoMs(next),
    ...(next.serial === undefined ? {} : { serial: next.serial }),
    ...(next.attachment === undefined ? {} : { attachment: next.attachment }),
    ...(next.battery ? { battery: { percent: next.battery.percent, atMonoMs: clock.monoMs() } } : {}),
    ...(next.present && next.serial === undefined ? { unreadableSinceMs: state.slots.get(next.slot)?.unreadableSinceMs ?? clock.monoMs(), unreadableRecorded: state.slots.get(next.slot)?.unreadableRecorded ?? false } : {}),
  });

  /** Devices that the ledger holds in this slot though another serial, or nothing, answers there. */
  const missingFrom = (slot: number, serial: string | undefined): readonly DeviceRow[] =>
    [...store.view.all('device')].filter(({ custody, serial: bound }) => custody.kind === 'cart' && custody.slot === slot && bound !== serial);

  const compare = async (next: SlotState, before: string | undefined, unobservedMs: number | undefined, quiet: boolean): Promise<void> => {
    if (!next.present || next.serial !== undefined) state.notices = state.notices.filter(({ message }) => !(message.kind === 'unreadable' && message.slot === next.slot));
    for (const device of missingFrom(next.slot, next.serial)) {
      const elsewhere = [...state.slots.values()].find(({ serial, slot }) => serial === device.serial && slot !== next.slot);
      if (!elsewhere) await removed(device, next.slot, unobservedMs);
      // Two slots told one serial and this one has stopped: what stays in the other cannot be vouched for.
      else if (unobservedMs === 0) await docked(device.serial, elsewhere.slot, 0, true);
    }
    if (next.serial === undefined) return;
    if (before === next.serial && unobservedMs === 0 && !attachments.changed(next.slot)) return;
    await docked(next.serial, next.slot, unobservedMs, quiet);
  };

  return {
    changed: async (next) => {
      if (state.sight !== 'watching') return;
      const before = state.slots.get(next.slot)?.serial;
      state.slots.set(next.slot, look(next));
      await compare(next, before, 0, false);
    },
    seenWhole: async (slots) => {
      const first = state.sight === 'none';
      const sinceMs = state.sight === 'none' ? watchedUntilMs : state.sight === 'watching' ? clock.monoMs() : state.sight.lostMonoMs;
      const gapMs = sinceMs === undefined ? undefined : Math.max(0, clock.monoMs() - sinceMs);
      if (!first && state.sight !== 'watching') await record([{ type: 'host-restored', body: { gapMs: gapMs ?? 0 } }]);
      state.sight = 'watching';
      // After so long without sight, what the gate said before it says nothing of a tablet that has gone.
      if (gapMs === undefined || gapMs > (state.bundle?.rules.gapMaxMs ?? 0)) state.lastUnproven.clear();
      const before = new Map([...state.slots].map(([slot, { serial }]) => [slot, serial]));
      for (const slot of slots) state.slots.set(slot.slot, look(slot));
      for (const slot of slots) await compare(slot, before.get(slot.slot), gapMs, first);
    },
    lost: async (cause) => {
      if (state.sight !== 'watching') return;
      state.sight = { lostMonoMs: state.hostHeardMonoMs };
      await record([{ type: 'host-lost', body: { cause: cause.slice(0, 100) } }]);
    },
    hub: async (hub, standing, slots) => {
      await record([standing === 'gone' ? { type: 'hub-lost', body: { hub, slots } } : { type: 'hub-restored', body: { hub } }]);
    },
    lapse: async () => {
      const nowMs = clock.wallMs();
      const rules = state.bundle?.rules;
      const drafts: EntryDraft[] = [];
      for (const { serial, custody } of store.view.all('device')) {
        if (custody.kind === 'unidentified' && custody.claimUntilMs <= nowMs) drafts.push({ type: 'removal-unclaimed', device: serial, slot: custody.slot, body: { release: custody.release } });
        if (custody.kind === 'rebooting' && rules && nowMs - custody.sinceMs > rules.rebootMaxMs) {
          drafts.push({ type: 'unidentified-removal', device: serial, slot: custody.slot, body: { release: deps.randomId(), claimUntilMs: nowMs + rules.claimMs } });
        }
      }
      for (const slot of state.slots.values()) {
        if (slot.unreadableSinceMs === undefined || slot.unreadableRecorded || clock.monoMs() - slot.unreadableSinceMs < UNREADABLE_MS) continue;
        state.slots.set(slot.slot, { ...slot, unreadableRecorded: true });
        state.notices = [...state.notices, { message: { kind: 'unreadable', slot: slot.slot }, atMs: nowMs, untilMs: nowMs + UNREADABLE_NOTICE_MS }];
        drafts.push({ type: 'dock-unreadable', slot: slot.slot, body: { waitedMs: UNREADABLE_MS } });
      }
      await record(drafts);
    },
    reconcile: async () => {
      if (state.sight !== 'watching') return;
      for (const { slot, serial } of state.slots.values()) {
        for (const device of missingFrom(slot, serial)) await removed(device, slot, undefined);
        if (serial === undefined) continue;
        const device = store.view.get('device', serial);
        const settled = device?.custody.kind === 'cart' && device.custody.slot === slot;
        // It is where the ledger has it, and was elsewhere or unwatched in between.
        if (owed.has(serial)) await docked(serial, slot, settled ? undefined : 0, true);
        else if (device && !settled && device.standing !== 'retired') await docked(serial, slot, 0, true);
      }
    },
  };
}
