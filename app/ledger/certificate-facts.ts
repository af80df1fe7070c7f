import type { RecordedEntry } from '../domain/entries.ts';
import { projectEntry } from '../domain/projection.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CartView, DeviceRow, TableName, Tables } from '../domain/tables.ts';
import { GATE_LEAVES, GRADES, type GateLeafName, type Grade } from '../domain/terms.ts';
import { overclaimed } from './custody.ts';
import { recordedEntry, type LedgerEntry } from './entry.ts';
import type { Hash } from './merkle.ts';
import type { AuditPolicy } from './policy.ts';

/** An entry as it lies in a ledger. */
export interface HeldEntry {
  readonly bytes: Buffer;
  readonly entry: LedgerEntry;
  readonly leaf: Hash;
}

/**
 * What a certificate of sanitization says (NIST SP 800-88), nothing of which is not in its entries. Times are Unix milliseconds:
 * `…MdmMs` by the clock of the device management, the others by the cart's own.
 */
export interface CertificateFacts {
  readonly organisation: string;
  readonly media: {
    /** Make and model as the hospital recorded them, in one text. */
    readonly model: string;
    readonly serial: string;
    readonly asset: string;
    readonly type: 'tablet';
    readonly source: { readonly ward: string; readonly station: string; readonly slot: number };
  };
  readonly sanitization: {
    /** `purge` would need a record that the storage was encrypted (README); there is none. */
    readonly method: 'clear';
    readonly technique: 'factory-reset-by-mdm';
    readonly command: string;
    readonly request: string;
    readonly nonce: string;
    readonly attempt: number;
    /** Version of the station's program, where its start is in the ledger. */
    readonly tool?: string;
    readonly requestedMs: number;
    readonly confirmedMdmMs: number;
    readonly completedMs: number;
  };
  readonly verification: {
    readonly grade: Grade;
    readonly proven: readonly GateLeafName[];
    readonly previous: string;
    readonly enrolment?: string;
    readonly enrolledMdmMs?: number;
    /** What the server stated: `digest` is SHA-256 of the signed statement, hex. */
    readonly statements: readonly { readonly kind: string; readonly issuedAtMs: number; readonly digest: string }[];
    /** In force; `digest` is SHA-256 of the policy bundle, hex. */
    readonly policy?: { readonly version: number; readonly digest: string };
  };
  readonly ledger: { readonly origin: string; readonly index: number; readonly leaf: string };
}

/** Statements that speak of the last user's traces and rights; the others are about fitness to go out again. */
const STATED = ['wipe-confirmed', 'enrolled', 'credentials-revoked', 'queue-clear'];

/**
 * Of the entries of a ledger before `sanitized`, those that a certificate over it is derived from, in their order, itself last. The
 * entries of the exposure that the wipe answers are not among them: they can name a person, and the request cites them.
 */
export function certificateEntries(sanitized: HeldEntry, before: readonly HeldEntry[]): readonly HeldEntry[] {
  const { device, seq, body } = sanitized.entry;
  const earlier = before.filter(({ entry }) => entry.seq < seq).sort((a, b) => a.entry.seq - b.entry.seq);
  const own = earlier.filter(({ entry }) => entry.device === device);
  const last = (held: readonly HeldEntry[], type: string): HeldEntry | undefined => held.findLast(({ entry }) => entry.type === type);
  const asked = own.findLast(({ entry, leaf }) => entry.type === 'sanitization-requested' && leaf.toString('hex') === body['asked']);
  const since = own.filter(({ entry }) => entry.seq > (asked?.entry.seq ?? seq));
  const stated = STATED.map((kind) => since.findLast(({ entry }) => entry.type === 'statement-accepted' && entry.body['kind'] === kind && entry.body['request'] === body['request']));
  const chosen = [last(earlier, 'station-started'), last(earlier, 'bundle-accepted'), last(own, 'device-admitted'), asked, last(since, 'reappeared'), ...stated];
  return [...chosen.filter((held) => held !== undefined).sort((a, b) => a.entry.seq - b.entry.seq), sanitized];
}

/** What these entries, as `certificateEntries` chooses and orders them, say of the ledger `origin`; refused in words where they do not belong together. */
export function certificateFacts(held: readonly HeldEntry[], origin: string): Result<CertificateFacts, string> {
  const sanitized = held.at(-1);
  if (sanitized?.entry.type !== 'sanitized') return refused('no entry in it says that a tablet was sanitized');
  const chosen = certificateEntries(sanitized, held.slice(0, -1));
  if (chosen.length !== held.length || chosen.some((each, at) => each !== held[at])) return refused('it holds entries that do not belong to this sanitization, or not in their order');
  const of = (type: string): LedgerEntry | undefined => held.find(({ entry }) => entry.type === type)?.entry;
  const [admitted, asked, started, accepted] = ['device-admitted', 'sanitization-requested', 'station-started', 'bundle-accepted'].map(of);
  const { entry, leaf } = sanitized;
  if (!admitted || !asked || entry.device === undefined || entry.place === undefined) return refused('the admission of the tablet, or the request for this wipe, is missing');

  const faults: string[] = [];
  const text = ({ body }: LedgerEntry, name: string): string => (typeof body[name] === 'string' ? body[name] : (faults.push(name), ''));
  const count = ({ body }: LedgerEntry, name: string): number => (typeof body[name] === 'number' ? body[name] : (faults.push(name), 0));
  const listed = entry.body['proven'];
  const facts: CertificateFacts = {
    organisation: origin.split('/')[0] ?? '',
    media: { model: text(admitted, 'model'), serial: entry.device, asset: text(admitted, 'asset'), type: 'tablet', source: { ward: text(admitted, 'ward'), station: entry.station, slot: entry.place.slot } },
    sanitization: {
      method: 'clear', technique: 'factory-reset-by-mdm', command: text(entry, 'command'), request: text(entry, 'request'), nonce: text(entry, 'nonce'), attempt: count(entry, 'attempt'),
      ...(started ? { tool: text(started, 'program') } : {}),
      requestedMs: asked.hlc.ms, confirmedMdmMs: count(entry, 'confirmedMdmMs'), completedMs: entry.hlc.ms,
    },
    verification: {
      grade: GRADES.find((grade) => grade === entry.body['grade']) ?? (faults.push('grade'), 'E0'),
      proven: GATE_LEAVES.filter((name) => Array.isArray(listed) && listed.includes(name)),
      previous: text(entry, 'previous'),
      ...(entry.body['enrolment'] === undefined ? {} : { enrolment: text(entry, 'enrolment'), enrolledMdmMs: count(entry, 'enrolledMdmMs') }),
      statements: held.filter((each) => each.entry.type === 'statement-accepted').map((each) => ({ kind: text(each.entry, 'kind'), issuedAtMs: count(each.entry, 'issuedAtMs'), digest: text(each.entry, 'digest') })),
      ...(accepted ? { policy: { version: count(accepted, 'version'), digest: text(accepted, 'digest') } } : {}),
    },
    ledger: { origin, index: entry.seq, leaf: leaf.toString('hex') },
  };
  return faults.length === 0 ? ok(facts) : refused(`its entries lack what a certificate says: ${faults.join(', ')}`);
}

/**
 * What the entry claims beyond the entries before it, in words; undefined where nothing. The audit's own judgement, except that the
 * tablet stayed where it was since the request is believed: only the whole ledger can show that.
 */
export function overclaimOf(held: readonly HeldEntry[], policy: AuditPolicy | undefined): string | undefined {
  const recorded = held.map(({ entry, leaf }) => recordedEntry(entry, leaf));
  const sanitized = recorded.at(-1);
  const asked = recorded.find((entry) => entry.type === 'sanitization-requested');
  if (sanitized?.type !== 'sanitized' || asked?.type !== 'sanitization-requested') return 'it lacks the request for this wipe';
  try {
    const rows = folded(recorded.slice(0, -1));
    const row = rows.get('device', sanitized.device ?? '');
    const slot = recorded.findLast(({ type }) => type === 'reappeared' || type === 'sanitization-requested')?.slot;
    if (!row?.exposure || slot === undefined) return 'the admission of the tablet or its slot is missing';
    const docked: DeviceRow = { ...row, exposure: { ...row.exposure, leaf: asked.body.exposure }, custody: { kind: 'cart', slot, sinceMs: asked.atMs } };
    return overclaimed(docked, sanitized, policy?.digest === rows.get('cart', 'cart')?.bundle?.digest ? policy : undefined);
  } catch (error) {
    // The bodies are as whoever held the cart's key wrote them.
    return error instanceof Error ? error.message : String(error);
  }
}

/** The tables that these entries make, as every fold does. */
function folded(entries: readonly RecordedEntry[]): CartView {
  const rows = new Map<string, { readonly table: TableName; readonly row: unknown }>();
  const view: CartView = {
    get: <T extends TableName>(table: T, key: string) => rows.get(`${table} ${key}`)?.row as Tables[T] | undefined,
    all: <T extends TableName>(table: T) => [...rows.values()].flatMap((each) => (each.table === table ? [each.row as Tables[T]] : [])),
  };
  for (const entry of entries) {
    for (const { table, key, row } of projectEntry(view, entry)) {
      if (row === undefined) rows.delete(`${table} ${key}`);
      else rows.set(`${table} ${key}`, { table, row });
    }
  }
  return view;
}
