import type { EntryType, RecordedEntry } from '../domain/entries.ts';
import { isUpdateOpen, isWipeProven } from '../domain/os-update.ts';
import { projectEntry } from '../domain/projection.ts';
import { releaseGate, type GateFacts } from '../domain/release-gate.ts';
import type { Rules } from '../domain/rules.ts';
import { completedSanitization } from '../domain/sanitized.ts';
import { TABLE_NAMES, type CartView, type DeviceRow, type TableName, type Tables } from '../domain/tables.ts';
import type { GateLeafName } from '../domain/terms.ts';
import type { AuditPolicy } from './policy.ts';
import { createTextSet } from './text-set.ts';

/** Folds a ledger as the cart did and asks of each entry whether the ones before it allow it. Memory: devices and release ids. */
export interface CustodyJudge {
  /** What is wrong with the entry, in words; undefined where nothing is. */
  push(entry: RecordedEntry): string | undefined;
  readonly view: CartView;
  readonly counts: CustodyCounts;
}

export interface CustodyCounts {
  offers: number;
  releases: number;
  /** Pulled though not offered, or with nobody there. */
  otherRemovals: number;
  returns: number;
  /** Entries of types that only a newer program knows: chained and hashed, but not judged. */
  unknown: number;
}

/** What no policy can waive: a request after the last exposure and the MDM's confirmation of the wipe. */
const ALWAYS: readonly GateLeafName[] = ['standing', 'serial-in-slot', 'no-exposure', 'wipe-confirmed'];
/** Pulled beside the one offered: proven clean before, its charge and place not recorded again. */
const OF_ANOTHER: readonly GateLeafName[] = ['no-exposure', 'wipe-confirmed'];

/** `policyAt` gives the policy of a digest that the ledger accepted, where the auditor has it. */
export function createCustodyJudge(policyAt: (digest: string) => AuditPolicy | undefined): CustodyJudge {
  const tables: { readonly [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() };
  const view: CartView = { get: (table, key) => tables[table].get(key), all: (table) => tables[table].values() };
  const releases = createTextSet();
  const counts: CustodyCounts = { offers: 0, releases: 0, otherRemovals: 0, returns: 0, unknown: 0 };

  const fold = (entry: RecordedEntry): string | undefined => {
    try {
      for (const { table, key, row } of projectEntry(view, entry)) {
        if (row === undefined) tables[table].delete(key);
        else (tables[table] as Map<string, unknown>).set(key, row);
      }
      return undefined;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  };

  const begins = (release: string): string | undefined => (releases.add(release) ? undefined : `the release ${release} was already begun`);

  /** Reads only what is asked for here: the bodies of a forger's entries hold whatever the forger liked. */
  const judge = (entry: RecordedEntry): string | undefined => {
    const device = entry.device === undefined ? undefined : view.get('device', entry.device);
    switch (entry.type) {
      case 'offered': {
        counts.offers += 1;
        if ([...view.all('offer')].some(({ serial }) => serial === entry.device)) return `${entry.device} was offered while another offer of it was open`;
        if (device?.request?.request !== entry.body.request) return `the sanitization ${entry.body.request} that the offer names is not the device's last one`;
        return begins(entry.body.release) ?? unprovenOf(device, entry, policyAt(view.get('cart', 'cart')?.bundle?.digest ?? ''));
      }
      case 'released': {
        counts.releases += 1;
        const offer = view.get('offer', entry.body.offer);
        if (!offer) return `no offer ${entry.body.offer} was open`;
        if (offer.actor !== entry.actor || offer.release !== entry.body.release || offer.slot !== entry.body.offeredSlot) return `the offer ${offer.offer} was for another person, release or slot`;
        if (entry.body.how === 'offered' && (offer.serial !== entry.device || offer.slot !== entry.slot)) return `the offer ${offer.offer} was for ${offer.serial} in slot ${offer.slot}`;
        return leaving(device, entry) ?? (entry.body.how === 'other-clean' ? unprovenOf(device, entry, undefined, OF_ANOTHER) : undefined);
      }
      case 'wrong-pull':
        counts.otherRemovals += 1;
        if (view.get('offer', entry.body.offer)?.actor !== entry.actor) return `no offer ${entry.body.offer} was open for this person`;
        return begins(entry.body.release) ?? leaving(device, entry);
      case 'unidentified-removal':
        counts.otherRemovals += 1;
        return begins(entry.body.release) ?? leaving(device, entry);
      case 'removal-claimed':
      case 'removal-unclaimed':
        return device?.custody.kind === 'unidentified' && device.custody.release === entry.body.release ? undefined : `no unidentified removal ${entry.body.release} of ${entry.device} was open`;
      case 'returned': {
        counts.returns += 1;
        const held = heldRelease(device);
        return held === entry.body.release ? undefined : `it ends the release ${entry.body.release ?? 'of nobody'}; ${held === undefined ? 'none was open' : `open was ${held}`}`;
      }
      case 'return-stated':
        return heldRelease(device) === entry.body.release ? undefined : `it says that the release ${entry.body.release} is back, which was not open`;
      case 'returned-elsewhere':
        return heldRelease(device) === entry.body.release ? undefined : `it ends the release ${entry.body.release}, which was not open`;
      case 'statement-accepted':
        return device?.request?.request === entry.body.request ? undefined : `its evidence is for the request ${entry.body.request}, which is not the device's last one`;
      case 'sanitization-requested':
        return device && isUpdateOpen(device) ? `a wipe of ${entry.device} was asked for while an update of it was open` : undefined;
      case 'update-requested':
        if (device && isUpdateOpen(device)) return `an update of ${entry.device} was asked for while another was open`;
        return device && isWipeProven(device) ? undefined : `an update of ${entry.device} was asked for while its wipe was not proven`;
      case 'updated':
      case 'update-failed':
        return device?.update?.request === entry.body.request && isUpdateOpen(device) ? undefined : `it ends the update ${entry.body.request}, which was not open`;
      case 'sanitized':
        return overclaimed(device, entry, policyAt(view.get('cart', 'cart')?.bundle?.digest ?? ''));
      default:
        return undefined;
    }
  };

  return {
    view,
    counts,
    push(entry) {
      if (!KNOWN_TYPES.has(entry.type)) {
        counts.unknown += 1;
        return undefined;
      }
      const wrong = judge(entry);
      return fold(entry) ?? wrong;
    },
  };
}

/** The release that is open of this device. */
const heldRelease = (device: DeviceRow | undefined): string | undefined => (device && 'release' in device.custody && device.custody.kind !== 'elsewhere' ? device.custody.release : undefined);

/** Custody is told once: only what the cart holds, or has let out of sight to restart, can leave it. */
function leaving(device: DeviceRow | undefined, entry: RecordedEntry): string | undefined {
  const kind = device?.custody.kind;
  if (kind === 'cart' || (kind === 'rebooting' && entry.type === 'unidentified-removal')) return device?.custody.kind === 'cart' && device.custody.slot !== entry.slot ? `${entry.device} was in slot ${device.custody.slot}` : undefined;
  return `${entry.device} was not in the cart: its custody is told twice`;
}

/** A certificate may claim what the entries before it prove, and nothing else. */
export function overclaimed(device: DeviceRow | undefined, entry: Extract<RecordedEntry, { type: 'sanitized' }>, policy: AuditPolicy | undefined): string | undefined {
  const due = completedSanitization(gateFacts(device, entry, policy, policy?.mandatoryLeaves ?? []));
  if (due?.type !== 'sanitized') return `it says that ${entry.device} is sanitized; the entries before it do not prove that, or said it before`;
  const { proven: claimed, ...said } = entry.body;
  const { proven: provable, ...known } = due.body;
  if (JSON.stringify(sorted(said)) !== JSON.stringify(sorted(known))) return `what it says of the sanitization of ${entry.device} is not what the entries before it say`;
  const more = Array.isArray(claimed) ? claimed.filter((leaf) => !provable.includes(leaf)) : ['nothing readable'];
  return more.length === 0 ? undefined : `it claims of ${entry.device} what is not proven: ${more.join(', ')}`;
}

function gateFacts(device: DeviceRow | undefined, entry: RecordedEntry, policy: AuditPolicy | undefined, leaves: readonly GateLeafName[]): GateFacts {
  const percent = entry.type === 'offered' ? entry.body.chargePercent : 0;
  const rules: Rules = { ...NO_RULES, mandatoryLeaves: leaves, batteryFloorPercent: policy?.batteryFloorPercent ?? 0 };
  const live = { slot: entry.slot ?? 0, ...(entry.device === undefined ? {} : { serial: entry.device }), twice: false, battery: { percent, ageMs: 0 } };
  return { device, live, rules, ladder: 'fresh', nowMs: entry.atMs };
}

function unprovenOf(device: DeviceRow | undefined, entry: RecordedEntry, policy: AuditPolicy | undefined, leaves: readonly GateLeafName[] = [...ALWAYS, ...(policy?.mandatoryLeaves ?? [])]): string | undefined {
  const unproven = releaseGate(gateFacts(device, entry, policy, leaves));
  return unproven.length === 0 ? undefined : `${entry.device} went out unproven: ${unproven.map(({ reason }) => reason).join(', ')}`;
}

/** How old evidence was in trusted time, and the ladder of the policy's age, are not in the entries: those two are not judged. */
const NO_RULES: Rules = {
  mandatoryLeaves: [], batteryFloorPercent: 0, batteryDriftPercentPerHour: 0, evidenceMaxAgeMs: Number.MAX_SAFE_INTEGER, offerMs: 0, claimMs: 0, graceMs: 0, devicesPerPerson: 1,
  pinLockoutMs: 0, gapMaxMs: 0, rebootMaxMs: 0, sanitizationOverdueMs: 0, rolesThatMayTake: [], nightFrom: '', nightTo: '', ledgerKeyLifeMs: 0, cardPin: false,
};

const KNOWN: Readonly<Record<EntryType, true>> = {
  'station-started': true, 'epoch-began': true, 'ledger-key-rotated': true, 'clock-stepped': true, 'host-lost': true, 'host-restored': true, 'hub-lost': true, 'hub-restored': true, 'recording-resumed': true, 'bundle-accepted': true, 'bundle-refused': true, 'staff-revoked': true, 'device-admitted': true, 'device-standing': true,
  'tap-refused': true, 'pin-attempted': true, 'pin-accepted': true, 'pin-refused': true, offered: true, 'offer-lapsed': true, released: true, 'wrong-pull': true, 'unidentified-removal': true,
  'removal-claimed': true, 'removal-unclaimed': true, returned: true, 'returned-elsewhere': true, 'foreign-docked': true, 'dock-unreadable': true, absent: true, reappeared: true, exposed: true,
  'sanitization-requested': true, 'statement-accepted': true, 'statement-refused': true, 'sanitization-failed': true, sanitized: true, quarantined: true, 'port-cycled': true, 'return-stated': true, 'update-requested': true, updated: true, 'update-failed': true, 'night-began': true, 'need-threatened': true, 'night-ended': true,
};

const KNOWN_TYPES: ReadonlySet<string> = new Set(Object.keys(KNOWN));

/** Tables in which `view` differs from what was stored beside the ledger. */
export function differingTables(view: CartView, stored: CartView): readonly TableName[] {
  const rows = (of: CartView, table: TableName): readonly string[] => [...of.all(table)].map((row) => JSON.stringify(sorted(row))).sort();
  return TABLE_NAMES.filter((table) => {
    const wanted = rows(view, table);
    const held = rows(stored, table);
    return wanted.length !== held.length || wanted.some((row, at) => row !== held[at]);
  });
}

/** Rows compare by content, not by the order their keys were written in. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}
