import { writeBundle } from '../ledger/bundle.ts';
import type { VerifierKey } from '../ledger/note.ts';
import type { Database, Queryable } from './database.ts';
import { rangesOf, ROTATIONS, type PublishedColumns } from './key-ranges.ts';

export interface LogRow extends PublishedColumns {
  /** Both or neither: the last checkpoint and the witness's line under it. */
  readonly checkpoint: string | null;
  readonly cosignature: string | null;
}

/** An origin as the segments of an address, `<tenant>/station/<station>/e<epoch>`. */
export const LOG_PLACE = ':tenant/station/:station/:epoch';
export interface LogPlace {
  readonly tenant: string;
  readonly station: string;
  readonly epoch: string;
}
export const originOf = ({ tenant, station, epoch }: LogPlace): string => `${tenant}/station/${station}/${epoch}`;

/** The same of an address whose origin came as one segment, its slashes escaped; `rest` is what follows the origin. */
export function splitPlace(path: string): { readonly origin: string; readonly rest: string } {
  const { origin = '', rest = '' } = /^(?<origin>.+\/e\d+)\/(?<rest>.+)$/.exec(path)?.groups ?? {};
  return { origin, rest };
}

/** A file name for what is saved of a ledger. */
export const fileNameOf = ({ origin }: Pick<LogRow, 'origin'>, rest: string): string => `${origin.replaceAll(/[^A-Za-z0-9.-]/g, '_')}-${rest}`;

export async function readLog(database: Queryable, origin: string): Promise<LogRow | undefined> {
  const found = await database.query<LogRow>(`select origin, size, ledger_key, ${ROTATIONS}, key_revoked_at_ms, checkpoint, cosignature from origin where origin = $1`, [origin]);
  return found.rows[0];
}

/**
 * A ledger as a bundle (app/ledger/bundle.ts), read as it is sent, 256 entries at a time. What `log` says stays true while
 * the ledger grows: entries below a size never change.
 */
export async function exportBundle(database: Database, log: PublishedColumns, cosigned: string, witness: VerifierKey): Promise<AsyncGenerator<Buffer>> {
  const { origin, size } = log;
  return writeBundle({
    checkpoint: cosigned,
    cosigned: undefined,
    size,
    keys: { ranges: rangesOf(log), witness },
    policies: await policiesOf(database, origin, size),
    entries: (from, count) => entriesOf(database, origin, from, count),
  });
}

/** `count` entries from `from` on; fewer where the ledger ends before. */
export async function entriesOf(database: Queryable, origin: string, from: number, count: number): Promise<readonly Buffer[]> {
  const found = await database.query<{ bytes: Buffer }>('select bytes from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, from, from + count]);
  return found.rows.map(({ bytes }) => bytes);
}

/** The policy bundles that the ledger says it accepted, as this server issued them. */
async function policiesOf(database: Database, origin: string, size: number): Promise<readonly { readonly version: number; readonly jws: string }[]> {
  const accepted = await database.query<{ bytes: Buffer }>(`select bytes from entry where origin = $1 and seq < $2 and type = 'bundle-accepted'`, [origin, size]);
  const digests = accepted.rows.map(({ bytes }) => (JSON.parse(bytes.toString()) as { body: { digest?: unknown } }).body.digest).filter((digest) => typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest));
  const found = await database.query<{ version: number; jws: string }>(`select version, jws from bundle where encode(sha256(convert_to(jws, 'UTF8')), 'hex') = any($1::text[]) order by version`, [digests]);
  return found.rows;
}
