import type { RecordedEntry } from '../../app/domain/entries.ts';
import type { Rules } from '../../app/domain/rules.ts';
import type { DeviceRow } from '../../app/domain/tables.ts';
import type { DeviceStanding } from '../../app/domain/terms.ts';
import type { Mdm } from '../../app/simulator/world/mdm.ts';
import { uncleanBecause, type Tablet } from '../../app/simulator/world/tablet.ts';

export interface JudgeDeps {
  readonly mdm: Mdm;
  readonly nowMs: () => number;
  readonly rules: () => Rules;
  readonly bundleIssuedAtMs: () => number;
  /** What really stands in the slot. */
  readonly inSlot: (slot: number) => Tablet | undefined;
  readonly standings: ReadonlyMap<string, DeviceStanding>;
  readonly updatesAtOnce: number;
}

/** Holds the ward to its promise by the tablets themselves. Of the ledger it reads what was asked for, what ended and what was called an exposure, by its own count. */
export interface WardJudge {
  readonly unclean: string[];
  /** Offers of a tablet that somebody had for no longer than a restart may take, while an update was open that then succeeded: the exposure rule's own limit. */
  readonly quick: string[];
  /** The update of this tablet that the cart has asked for and that has not ended. */
  openUpdate(serial: string): string | undefined;
  recorded(entry: RecordedEntry, before: DeviceRow | undefined, after: DeviceRow | undefined): void;
  /** What the cart sees in its slots now, by serial, and for how long before this look it did not see. */
  looked(seen: ReadonlyMap<string, number>, unobservedMs: number): void;
  /** Somebody is about to use it. */
  used(tablet: Tablet, person: string): void;
  nightFell(): void;
  dayBroke(): void;
  offered(device: DeviceRow, slot: number): void;
  certified(device: DeviceRow, slot: number): void;
}

interface Absence {
  readonly fromMs: number;
  readonly slot: number;
  /** The update that was open when it began. */
  readonly update: string | undefined;
  /** The cart saw it begin. */
  readonly seen: boolean;
  readonly people: string[];
}

const EXPOSING: ReadonlySet<RecordedEntry['type']> = new Set<RecordedEntry['type']>(['exposed', 'released', 'wrong-pull', 'unidentified-removal']);
const LIST_LIFE_MS = 7 * 86_400_000;

export function createWardJudge({ mdm, nowMs, rules, bundleIssuedAtMs, inSlot, standings, updatesAtOnce }: JudgeDeps): WardJudge {
  const unclean: string[] = [];
  const quick: string[] = [];
  const open = new Map<string, string>();
  const updated = new Set<string>();
  /** Wipes asked for and not certified, updates asked for in this night, and tablets exposed since their update was asked for. */
  const wiping = new Set<string>();
  const updates = new Set<string>();
  const tried = new Set<string>();
  const exposed = new Set<string>();
  /** Serials by the open offer that names them. */
  const offers = new Map<string, string>();
  let isNight = false;
  const present = new Map<string, number>();
  const away = new Map<string, Absence>();
  /** Everybody whose data is on a tablet; the update in whose course somebody had it no longer than a restart may take. */
  const usedBy = new Map<string, Set<string>>();
  const briefly = new Map<string, string>();

  const isBrief = (tablet: Tablet): boolean => [...(usedBy.get(tablet.serial) ?? [''])].every((person) => updated.has(briefly.get(person) ?? ''));

  /** The tablet that really stands in the slot, and what the ward really knows of it. */
  const unfit = (device: DeviceRow, slot: number): string[] => {
    const tablet = inSlot(slot);
    if (!tablet) return ['nothing in the slot'];
    const standing = standings.get(tablet.serial) ?? 'admitted';
    const ordered = tablet.enrolment !== null && (mdm.find(tablet.enrolment)?.policy ?? tablet.wantedProfile) !== tablet.wantedProfile;
    return [
      ...uncleanBecause(tablet, mdm),
      ...(tablet.serial === device.serial ? [] : ['another tablet in the slot']),
      ...(standing === 'admitted' ? [] : [standing]),
      ...(open.has(tablet.serial) || ordered ? ['in the middle of an update'] : []),
      ...(tablet.charge >= rules().batteryFloorPercent ? [] : ['empty']),
      ...(nowMs() - bundleIssuedAtMs() <= LIST_LIFE_MS ? [] : ['list of staff and devices too old']),
      ...(rules().mandatoryLeaves.includes('attestation') ? ['not attested'] : []),
    ];
  };

  /** Why no update may be asked of it: it is not there, not proven, somebody's, or was asked for tonight. */
  const notForUpdate = (serial: string, slot: number): string[] => {
    const tablet = inSlot(slot);
    return [
      ...(tablet?.serial === serial ? [] : ['not in the slot']),
      ...((standings.get(serial) ?? 'admitted') === 'admitted' ? [] : ['not admitted']),
      ...(tablet?.residueOf == null || isBrief(tablet) ? [] : ['residue']),
      ...(open.has(serial) ? ['another is open'] : []),
      ...(wiping.has(serial) ? ['a wipe is open'] : []),
      ...([...offers.values()].includes(serial) ? ['offered to somebody'] : []),
      ...(isNight ? [] : ['by day']),
      ...(open.size < updatesAtOnce ? [] : ['too many at once']),
      ...(tried.has(serial) ? ['tried tonight'] : []),
    ];
  };

  /** What a certificate of sanitization vouches for; whether a clean tablet is also fit to go out is the gate's. */
  const unsanitized = (device: DeviceRow, slot: number): string[] => {
    const tablet = inSlot(slot);
    if (!tablet) return ['nothing in the slot'];
    return [
      ...uncleanBecause(tablet, mdm).filter((reason) => reason !== 'posture' && reason !== 'profile'),
      ...(tablet.unlockKnown && device.evidence.queue?.unlockTokenKept !== true ? ['unlock token'] : []),
      ...(tablet.serial === device.serial ? [] : ['another tablet in the slot']),
    ];
  };

  return {
    unclean,
    quick,
    openUpdate: (serial) => open.get(serial),
    recorded: ({ type, body, slot = 0, device: serial = '' }, before, after) => {
      const wrong = (what: string): void => void unclean.push(`${serial}: ${what}`);
      if (EXPOSING.has(type)) exposed.add(serial);
      if (type.startsWith('update') && before?.exposure?.leaf !== after?.exposure?.leaf) wrong(`${type} changed its exposure`);
      switch (type) {
        case 'update-requested': {
          const why = notForUpdate(serial, slot);
          if (why.length > 0) wrong(`an update was asked for: ${why.join(', ')}`);
          open.set(serial, body.request);
          updates.add(body.request);
          tried.add(serial);
          exposed.delete(serial);
          return;
        }
        case 'updated':
        case 'update-failed':
          if (open.get(serial) !== body.request) wrong(`${type} ends an update that was not open`);
          if (type === 'updated') updated.add(body.request);
          open.delete(serial);
          return;
        case 'absent':
          if (updates.has(body.request) && (open.get(serial) !== body.request || exposed.has(serial))) wrong('an absence was explained by an update that is over, or that it was exposed in');
          return;
        case 'sanitization-requested':
          wiping.add(serial);
          if (open.has(serial)) wrong('a wipe was asked for in the middle of an update');
          return;
        case 'sanitized':
          wiping.delete(serial);
          return;
        case 'offered':
          offers.set(body.offer, serial);
          return;
        case 'offer-lapsed':
          offers.delete(body.offer);
          return;
        case 'released':
          offers.delete(body.offer);
          if (open.has(serial)) wrong('handed out in the middle of an update');
      }
    },
    looked: (seen, unobservedMs) => {
      for (const [serial, slot] of present) {
        if (seen.get(serial) === slot) continue;
        present.delete(serial);
        away.set(serial, { fromMs: nowMs() - unobservedMs, slot, update: open.get(serial), seen: unobservedMs === 0, people: [] });
      }
      for (const [serial, slot] of seen) {
        present.set(serial, slot);
        const absence = away.get(serial);
        if (!absence) continue;
        away.delete(serial);
        const { update, people } = absence;
        if (update === undefined || !absence.seen || absence.slot !== slot || nowMs() - absence.fromMs > rules().rebootMaxMs) continue;
        for (const person of people) briefly.set(person, update);
      }
    },
    used: ({ serial, residueOf }, person) => {
      if (residueOf === null) usedBy.set(serial, new Set());
      usedBy.get(serial)?.add(person);
      away.get(serial)?.people.push(person);
    },
    nightFell: () => {
      isNight = true;
      tried.clear();
    },
    dayBroke: () => {
      isNight = false;
    },
    offered: (device, slot) => {
      const wrong = unfit(device, slot);
      const tablet = inSlot(slot);
      const byHand = wrong.filter((reason) => reason === 'residue' || reason === 'posture');
      const limit = byHand.length > 0 && tablet !== undefined && tablet.residueOf !== null && isBrief(tablet);
      if (limit) quick.push(`slot ${slot}: ${byHand.join(', ')}`);
      const left = limit ? wrong.filter((reason) => reason !== 'residue' && reason !== 'posture') : wrong;
      if (left.length > 0) unclean.push(`slot ${slot}: ${left.join(', ')}`);
    },
    certified: (device, slot) => {
      const wrong = unsanitized(device, slot);
      if (wrong.length > 0) unclean.push(`certified in slot ${slot}: ${wrong.join(', ')}`);
    },
  };
}
