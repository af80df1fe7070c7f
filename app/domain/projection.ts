import type { RecordedEntry } from './entries.ts';
import { isHeld } from './label-scan.ts';
import { projectSlotHealth } from './slot-health.ts';
import { ENROLMENTS_KEPT, type CartRow, type CartView, type Change, type Custody, type DeviceRow, type Evidence, type Exposure, type NightRow } from './tables.ts';
import { UPDATE_STANDINGS, type ExposureCause, type UpdateFailure, type UpdateStanding } from './terms.ts';
import { unreachable } from './result.ts';

/**
 * The fold: what one recorded entry changes in the tables. Everything a screen or a rule knows of the past comes
 * through here, so replaying the ledger from its first entry gives the same tables (`verify --store` compares).
 */
export function projectEntry(view: CartView, entry: RecordedEntry): readonly Change[] {
  return [...projectSlotHealth(view, entry), ...projectOne(view, entry), ...countNight(view, entry)];
}

function projectOne(view: CartView, entry: RecordedEntry): readonly Change[] {
  switch (entry.type) {
    case 'station-started':
    case 'epoch-began':
    case 'ledger-key-rotated':
    case 'clock-stepped':
    case 'host-lost':
    case 'host-restored':
    case 'hub-lost':
    case 'hub-restored':
    case 'recording-resumed':
    case 'bundle-refused':
    case 'tap-refused':
    case 'foreign-docked':
    case 'dock-unreadable':
    case 'statement-refused':
      return [];
    case 'port-cycled':
      return change(view, entry, (row) => (row.request?.request === entry.body.request ? { ...row, request: { ...row.request, cycled: entry.body.outcome } } : row));
    case 'bundle-accepted': {
      const { version, issuedAtMs, expiresAtMs, digest } = entry.body;
      return [cart(view, { bundle: { version, issuedAtMs, expiresAtMs, digest } })];
    }
    case 'device-admitted': {
      const serial = deviceOf(entry);
      const known = view.get('device', serial);
      const { asset, ward, model, profile } = entry.body;
      return [device({ ...(known ?? firstSeen(serial, exposureBy(entry, 'admission'))), asset, ward, model, profile })];
    }
    case 'device-standing':
      return change(view, entry, (row) => (row.standing === 'in-service' && entry.body.standing === 'admitted' ? afterService(row, entry) : { ...row, standing: entry.body.standing }));
    case 'pin-attempted':
      return [person(view, entry, { attempts: entry.body.attempt })];
    case 'pin-accepted':
      return [person(view, entry, { attempts: 0, lastPinAtMs: entry.atMs })];
    case 'staff-revoked': {
      const { actor = actorOf(entry), attempts = 0, ...row } = view.get('person', actorOf(entry)) ?? {};
      return [{ table: 'person', key: actor, row: { ...row, actor, attempts, revokedInVersion: entry.body.bundleVersion } }];
    }
    case 'pin-refused':
      return [person(view, entry, { attempts: entry.body.attempt, ...(entry.body.locked ? { lockedUntilMs: entry.body.lockedUntilMs } : {}) })];
    case 'offered': {
      const { offer, release, untilMs } = entry.body;
      return [{ table: 'offer', key: offer, row: { offer, release, serial: deviceOf(entry), slot: slotOf(entry), actor: actorOf(entry), untilMs } }];
    }
    case 'offer-lapsed':
      return [{ table: 'offer', key: entry.body.offer, row: undefined }];
    case 'released':
      return [
        { table: 'offer', key: entry.body.offer, row: undefined },
        ...leaves(view, entry, 'release', { kind: 'person', actor: actorOf(entry), release: entry.body.release, sinceMs: entry.atMs, slot: slotOf(entry), owed: false }),
      ];
    case 'wrong-pull':
      return leaves(view, entry, 'wrong-pull', { kind: 'person', actor: actorOf(entry), release: entry.body.release, sinceMs: entry.atMs, slot: slotOf(entry), owed: true });
    case 'unidentified-removal': {
      const { release, claimUntilMs } = entry.body;
      return leaves(view, entry, 'unidentified-removal', { kind: 'unidentified', release, slot: slotOf(entry), sinceMs: entry.atMs, claimUntilMs });
    }
    case 'removal-claimed':
      return change(view, entry, (row) => ({
        ...row,
        custody: { kind: 'person', actor: actorOf(entry), release: entry.body.release, sinceMs: entry.atMs, slot: slotOf(entry), owed: entry.body.owed },
      }));
    case 'removal-unclaimed':
      return change(view, entry, (row) => ({ ...row, custody: { kind: 'ward', release: entry.body.release, sinceMs: entry.atMs } }));
    case 'returned-elsewhere':
      return change(view, entry, (row) => ({ ...row, custody: { kind: 'elsewhere', station: entry.body.atStation, release: entry.body.release, sinceMs: entry.atMs } }));
    case 'returned':
      return change(view, entry, (row) => ({ ...row, custody: { kind: 'cart', slot: slotOf(entry), sinceMs: entry.atMs } }));
    case 'return-stated':
      return change(view, entry, (row) => (isHeld(row.custody) ? { ...row, custody: { ...row.custody, saidBackMs: entry.atMs } } : row));
    case 'absent':
      return change(view, entry, (row) => ({ ...row, custody: { kind: 'rebooting', slot: slotOf(entry), sinceMs: entry.body.sinceMs, request: entry.body.request } }));
    case 'reappeared':
      return change(view, entry, (row) => ({
        ...row,
        custody: { kind: 'cart', slot: slotOf(entry), sinceMs: entry.atMs },
        ...(row.request?.request === entry.body.request ? { request: { ...row.request, settledSeq: entry.seq } } : {}),
        ...(row.update?.request === entry.body.request ? { update: { ...row.update, backSeq: entry.seq } } : {}),
      }));
    case 'exposed':
      return change(view, entry, (row) => ({ ...row, exposure: exposureBy(entry, entry.body.cause) }));
    case 'sanitization-requested': {
      const { request, nonce, exposure, attempt } = entry.body;
      return change(view, entry, ({ quarantine: _lifted, ...row }) => ({ ...row, evidence: {}, request: { request, nonce, leaf: entry.leaf, exposure, atMs: entry.atMs, attempt, settledSeq: entry.seq } }));
    }
    case 'statement-accepted':
      return acceptStatement(view, entry);
    case 'sanitization-failed':
      return change(view, entry, (row) => (row.request ? { ...row, request: { ...row.request, failure: entry.body.reason, failedAtMs: entry.atMs } } : row));
    case 'sanitized': {
      const { request, grade } = entry.body;
      const model = view.get('device', deviceOf(entry));
      return [
        ...change(view, entry, (row) => ({ ...row, sanitized: { request, leaf: entry.leaf, seq: entry.seq, atMs: entry.atMs, grade } })),
        ...(model ? tookOf(view, model, entry.atMs) : []),
      ];
    }
    case 'update-requested': {
      const { request, nonce } = entry.body;
      return change(view, entry, ({ evidence: { profile: _before, posture: _then, ...evidence }, ...row }) => ({ ...row, evidence, update: { request, nonce, seq: entry.seq, atMs: entry.atMs } }));
    }
    case 'updated':
      return change(view, entry, (row) => withOutcome(row, entry, 'updated'));
    case 'update-failed':
      return change(view, entry, (row) => withOutcome(row, entry, entry.body.reason));
    case 'night-began':
      return [cart(view, { night: { beganAtMs: entry.atMs, beganSeq: entry.seq, shiftMs: entry.body.shiftMs, needs: entry.body.needs, threatened: [], tally: { sanitized: 0, failed: 0, quarantined: 0, starts: 0 } } })];
    case 'need-threatened':
      return changeNight(view, (night) => ({ ...night, threatened: [...night.threatened, entry.body.ward] }));
    case 'night-ended':
      return changeNight(view, (night) => ({ ...night, needs: entry.body.needs, endedAtMs: entry.atMs }));
    case 'quarantined':
      return change(view, entry, (row) => ({ ...row, quarantine: { reason: entry.body.reason, atMs: entry.atMs } }));
    default:
      return unreachable(entry);
  }
}

function acceptStatement(view: CartView, entry: Extract<RecordedEntry, { type: 'statement-accepted' }>): readonly Change[] {
  const { kind, request, issuedAtMs } = entry.body;
  const facts = entry.body.facts;
  const text = (name: string): string => expectKind(facts[name], 'string', name);
  const integer = (name: string): number => expectKind(facts[name], 'number', name);
  const truth = (name: string): boolean => expectKind(facts[name], 'boolean', name);
  const serial = deviceOf(entry);
  const seen = (row: DeviceRow, evidence: Evidence): DeviceRow => ({ ...row, evidence: { ...row.evidence, ...evidence } });
  switch (kind) {
    case 'wipe-confirmed':
      return change(view, entry, (row) =>
        seen(row, { wipe: { atMs: issuedAtMs, enrolment: text('enrolment'), command: text('command'), issuedMdmMs: integer('issuedMdmMs'), confirmedMdmMs: integer('confirmedMdmMs') } }),
      );
    case 'enrolled': {
      const enrolment = text('enrolment');
      const stated = view.get('enrolment', serial)?.stated ?? [];
      const before = stated.find((each) => each.enrolment === enrolment);
      const fresh = before === undefined || before.request === request;
      const evidence: Evidence = {
        enrolment: { atMs: issuedAtMs, enrolment, previous: text('previous'), command: text('command'), issuedMdmMs: integer('issuedMdmMs'), enrolledMdmMs: integer('enrolledMdmMs'), unseenAtSize: integer('unseenAtSize'), fresh },
      };
      return [...change(view, entry, (row) => seen(row, evidence)), ...(before ? [] : [{ table: 'enrolment' as const, key: serial, row: { serial, stated: [...stated.slice(1 - ENROLMENTS_KEPT), { enrolment, request }] } }])];
    }
    case 'credentials-revoked':
      return change(view, entry, (row) => seen(row, { revocation: { atMs: issuedAtMs, previous: text('previous') } }));
    case 'queue-clear':
      return change(view, entry, (row) => seen(row, { queue: { atMs: issuedAtMs, enrolment: text('enrolment'), unlockTokenKept: truth('unlockTokenKept') } }));
    case 'profile-present':
      return change(view, entry, (row) => seen(row, { profile: { atMs: issuedAtMs, enrolment: text('enrolment'), profile: text('profile') } }));
    case 'posture':
      return change(view, entry, (row) =>
        seen(row, {
          posture: { atMs: issuedAtMs, enrolment: text('enrolment'), osAtFloor: truth('osAtFloor'), compliant: truth('compliant'), rooted: truth('rooted'), adbEnabled: truth('adbEnabled'), ...updateIn(facts['update']) },
        }),
      );
    case 'sanitization-failed':
    case 'updated':
    case 'update-failed':
      return [];
    default:
      return unreachable(kind);
  }
}

/** Older servers state nothing of it. */
function updateIn(stated: unknown): { readonly update?: UpdateStanding } {
  const update = UPDATE_STANDINGS.find((one) => one === stated);
  return update === undefined ? {} : { update };
}

function withOutcome(row: DeviceRow, entry: Extract<RecordedEntry, { type: 'updated' | 'update-failed' }>, outcome: 'updated' | UpdateFailure): DeviceRow {
  if (row.update?.request !== entry.body.request) return row;
  return { ...row, update: { ...row.update, outcome, endedAtMs: entry.atMs } };
}

interface Kinds {
  string: string;
  number: number;
  boolean: boolean;
}
function expectKind<K extends keyof Kinds>(value: unknown, kind: K, name: string): Kinds[K] {
  if (typeof value !== kind) throw new Error(`statement fact ${name} is not a ${kind}`);
  return value as Kinds[K];
}

function firstSeen(serial: string, exposure: Exposure): DeviceRow {
  return { serial, asset: '', ward: '', model: '', profile: '', standing: 'admitted', custody: { kind: 'unseen' }, exposure, evidence: {} };
}

const exposureBy = (entry: RecordedEntry, cause: ExposureCause): Exposure => ({ leaf: entry.leaf, seq: entry.seq, cause, atMs: entry.atMs });

/** The device leaves the cart: custody moves and the exposure begins in one step. */
function leaves(view: CartView, entry: RecordedEntry, cause: ExposureCause, custody: Custody): readonly Change[] {
  return change(view, entry, (row) => ({ ...row, custody, exposure: exposureBy(entry, cause) }));
}

function change(view: CartView, entry: RecordedEntry, next: (row: DeviceRow) => DeviceRow): readonly Change[] {
  const row = view.get('device', deviceOf(entry));
  if (!row) throw new Error(`entry ${entry.type} names the device ${deviceOf(entry)}, which was never admitted here`);
  return [device(next(row))];
}

/** Whoever had it on the bench had it out of the cart's sight; what kept it in quarantine has been looked at. */
function afterService({ quarantine: _looked, ...row }: DeviceRow, entry: RecordedEntry): DeviceRow {
  return { ...row, standing: 'admitted', exposure: exposureBy(entry, 'service') };
}

const cart = (view: CartView, next: CartRow): Change => ({ table: 'cart', key: 'cart', row: { ...view.get('cart', 'cart'), ...next } });

function changeNight(view: CartView, next: (night: NightRow) => NightRow): readonly Change[] {
  const night = view.get('cart', 'cart')?.night;
  return night ? [cart(view, { night: next(night) })] : [];
}

function countNight(view: CartView, { type }: RecordedEntry): readonly Change[] {
  const counted = NIGHT_COUNTS[type];
  const night = view.get('cart', 'cart')?.night;
  if (counted === undefined || night === undefined || night.endedAtMs !== undefined) return [];
  return [cart(view, { night: { ...night, tally: { ...night.tally, [counted]: (night.tally[counted] ?? 0) + 1 } } })];
}

const NIGHT_COUNTS: { readonly [T in RecordedEntry['type']]?: keyof NightRow['tally'] } = { sanitized: 'sanitized', 'sanitization-failed': 'failed', quarantined: 'quarantined', 'station-started': 'starts', updated: 'updated', 'update-failed': 'notUpdated' };

/** What is kept of a model's past. */
const TOOK_KEPT = 32;

/** A clock that was turned in between would teach nonsense; what is negative teaches nothing, and the rest is bounded where it is used. */
function tookOf(view: CartView, { model, request }: DeviceRow, atMs: number): readonly Change[] {
  const tookMs = request === undefined ? -1 : atMs - request.atMs;
  if (tookMs < 0) return [];
  return [{ table: 'model', key: model, row: { model, tookMs: [...(view.get('model', model)?.tookMs ?? []), tookMs].slice(-TOOK_KEPT) } }];
}

const device = (row: DeviceRow): Change => ({ table: 'device', key: row.serial, row });

/** A lockout that is not renewed here is over: the attempt that follows it starts the count anew. */
function person(view: CartView, entry: RecordedEntry, next: { attempts: number; lockedUntilMs?: number; lastPinAtMs?: number }): Change {
  const actor = actorOf(entry);
  const { attempts: _before, lockedUntilMs: _over, ...kept } = view.get('person', actor) ?? { attempts: 0 };
  return { table: 'person', key: actor, row: { actor, ...kept, ...next } };
}

function deviceOf(entry: RecordedEntry): string {
  if (entry.device === undefined) throw new Error(`entry ${entry.type} names no device`);
  return entry.device;
}
function actorOf(entry: RecordedEntry): string {
  if (entry.actor === undefined) throw new Error(`entry ${entry.type} names no actor`);
  return entry.actor;
}
function slotOf(entry: RecordedEntry): number {
  if (entry.slot === undefined) throw new Error(`entry ${entry.type} names no slot`);
  return entry.slot;
}
