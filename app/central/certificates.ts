import { certificateLeaf, type CertificateRow, type CertificatesAnswer, type CertificatesQuery } from '../contract/certificates.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import { GRADES } from '../domain/terms.ts';
import { entriesToProve, writeCertificate, type Certificate, type ProvenEntry } from '../ledger/certificate.ts';
import { parseEntry } from '../ledger/entry.ts';
import type { Database, Queryable } from './database.ts';
import { readLog } from './export.ts';
import { iso } from './fleet-view.ts';
import type { Refusal } from './http-reply.ts';
import { rangesOf } from './key-ranges.ts';
import type { TenantKeys } from './keys.ts';
import { proveEntry } from './proofs.ts';
import { witnessOf } from './server-keys.ts';

export interface CertificateDeps {
  readonly database: Database;
  readonly keys: TenantKeys;
  /** Unix milliseconds. */
  readonly now: () => number;
}

export interface IssuedCertificate {
  readonly certificate: Certificate;
  /** When the witness first cosigned the ledger with this entry, Unix milliseconds; the file bears a later cosignature. */
  readonly cosignedAtMs: number | undefined;
}

const NONE = { reason: 'not-found', message: 'No ledger of this server holds a certificate with this leaf hash.' } as const satisfies Refusal;

/** The certificate over the entry with this leaf, in the last cosigned checkpoint: never provisional, since the server holds nothing that is not cosigned. */
export async function certificateOf({ database, keys }: CertificateDeps, leaf: string): Promise<Result<IssuedCertificate, Refusal>> {
  if (!certificateLeaf.safeParse(leaf).success) return refused(NONE);
  const found = await database.query<{ origin: string; seq: number; bytes: Buffer; cosigned_at_ms: number | null }>(`select origin, seq, bytes, ${FIRST_COSIGNED} from entry where leaf = $1 and type = 'sanitized' limit 1`, [Buffer.from(leaf, 'hex')]);
  const [row] = found.rows;
  const log = row && (await readLog(database, row.origin));
  if (!log || !log.checkpoint || !log.cosignature) return refused(NONE);
  const chosen = entriesToProve(row.bytes, await entriesBefore(database, row));
  const proven: ProvenEntry[] = [];
  for (const { bytes, entry } of chosen) {
    const proof = await proveEntry(database, log, entry.seq);
    if (!proof.ok) return proof;
    proven.push({ bytes, hashes: proof.value.hashes });
  }
  const checkpoint = log.checkpoint + log.cosignature;
  const certificate = writeCertificate({ entries: proven, checkpoint, ledgerKeys: rangesOf(log).map(({ key }) => key), witnesses: [await witnessOf(database, keys, checkpoint)] });
  if (!certificate.ok && (certificate.reason.kind === 'custody' || certificate.reason.kind === 'chain')) {
    return refused({ reason: 'inconsistent', message: `Record ${row.seq} of ${row.origin} says that a tablet was sanitized, and the records before it do not bear that out: ${certificate.reason.message}. Treat the tablet as not sanitized.` });
  }
  if (!certificate.ok) throw new Error(`the certificate over entry ${row.seq} of ${row.origin}: ${certificate.reason.message}`);
  if (certificate.value.witnessed.length === 0) throw new Error(`the checkpoint of ${row.origin} does not bear this server's signature`);
  return ok({ certificate: certificate.value, cosignedAtMs: row.cosigned_at_ms ?? undefined });
}

/** The first cosignature over an entry, as a column beside it. */
const FIRST_COSIGNED = '(select at_ms from cosignature where cosignature.origin = entry.origin and cosignature.size > entry.seq order by cosignature.size limit 1) as cosigned_at_ms';

/** Of the entries before a `sanitized` one, those among which are all that a certificate needs. */
async function entriesBefore(database: Queryable, { origin, seq, bytes }: { readonly origin: string; readonly seq: number; readonly bytes: Buffer }): Promise<readonly Buffer[]> {
  const entry = parseEntry(bytes);
  const asked = entry.ok ? entry.value.body['asked'] : undefined;
  const serial = entry.ok ? entry.value.device : undefined;
  if (typeof asked !== 'string' || !certificateLeaf.safeParse(asked).success || serial === undefined) return [];
  const found = await database.query<{ bytes: Buffer }>(
    `with asked as (select seq from entry where leaf = $4 and origin = $1 and seq < $2 limit 1)
     (select bytes from entry where origin = $1 and seq < $2 and type = 'station-started' order by seq desc limit 1)
     union all (select bytes from entry where origin = $1 and seq < $2 and type = 'bundle-accepted' order by seq desc limit 1)
     union all (select bytes from entry where device = $3 and origin = $1 and seq < $2 and type = 'device-admitted' order by seq desc limit 1)
     union all (select bytes from entry where device = $3 and origin = $1 and seq >= (select seq from asked) and seq < $2 and type in ('sanitization-requested', 'statement-accepted', 'reappeared'))`,
    [origin, seq, serial, Buffer.from(asked, 'hex')],
  );
  return found.rows.map((row) => row.bytes);
}

/** The certificates of all ledgers, newest first by the carts' clocks. */
export async function listCertificates({ database, now }: CertificateDeps, { q, from, to, after, limit }: CertificatesQuery): Promise<CertificatesAnswer> {
  const found = await database.query<ListedRow>(
    `select entry.origin, entry.seq, entry.leaf, entry.bytes, entry.device, entry.slot, entry.at_ms, origin.station, station.cart, device.asset, device.model, ${FIRST_COSIGNED}
     from entry join origin on origin.origin = entry.origin join station on station.id = origin.station left join device on device.serial = entry.device
     where entry.type = 'sanitized' and entry.device is not null
       and ($1 = '' or strpos(lower(entry.device), lower($1)) > 0 or strpos(lower(device.asset), lower($1)) > 0)
       and ($2::bigint is null or entry.at_ms >= $2) and ($3::bigint is null or entry.at_ms <= $3)
       and ($4::bytea is null or (entry.at_ms, entry.origin, entry.seq) < (select e.at_ms, e.origin, e.seq from entry e where e.leaf = $4 and e.type = 'sanitized' limit 1))
     order by entry.at_ms desc, entry.origin desc, entry.seq desc limit $5`,
    [q, from === undefined ? null : Date.parse(from), to === undefined ? null : Date.parse(to), after === undefined ? null : Buffer.from(after, 'hex'), limit + 1],
  );
  return { at: iso(now()), certificates: found.rows.slice(0, limit).map(rowOf), more: found.rows.length > limit };
}

interface ListedRow {
  readonly origin: string;
  readonly seq: number;
  readonly leaf: Buffer;
  readonly bytes: Buffer;
  readonly device: string;
  readonly slot: number | null;
  readonly at_ms: number;
  readonly station: string;
  readonly cart: string;
  readonly asset: string | null;
  readonly model: string | null;
  readonly cosigned_at_ms: number | null;
}

function rowOf({ origin, seq, leaf, bytes, device, slot, at_ms, station, cart, asset, model, cosigned_at_ms }: ListedRow): CertificateRow {
  const entry = parseEntry(bytes);
  return {
    leaf: leaf.toString('hex'),
    origin,
    index: seq,
    serial: device,
    ...(asset === null ? {} : { asset }),
    ...(model === null ? {} : { model }),
    station,
    cart,
    ...(slot === null ? {} : { slot }),
    grade: GRADES.find((grade) => entry.ok && entry.value.body['grade'] === grade) ?? 'E0',
    completedAt: iso(at_ms),
    ...(cosigned_at_ms === null ? {} : { cosignedAt: iso(cosigned_at_ms) }),
  };
}
