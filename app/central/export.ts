import { writeBundle } from '../ledger/bundle.ts';
import { publicKeyFrom, verifierKey, type VerifierKey } from '../ledger/note.ts';
import type { Database } from './database.ts';

export interface LogRow {
  readonly origin: string;
  readonly size: number;
  readonly ledger_key: Buffer;
  /** Both or neither: the last checkpoint and the witness's line under it. */
  readonly checkpoint: string | null;
  readonly cosignature: string | null;
}

/**
 * A ledger as a bundle (app/ledger/bundle.ts), read as it is sent, 256 entries at a time. What `log` says stays true while
 * the ledger grows: entries below a size never change.
 */
export async function exportBundle(database: Database, log: Pick<LogRow, 'origin' | 'size' | 'ledger_key'>, cosigned: string, witness: VerifierKey): Promise<AsyncGenerator<Buffer>> {
  const { origin, size } = log;
  return writeBundle({
    checkpoint: cosigned,
    cosigned: undefined,
    size,
    keys: { ranges: [{ key: verifierKey(origin, publicKeyFrom(log.ledger_key)), from: 0, to: size }], witness },
    policies: await policiesOf(database, origin, size),
    entries: (from, count) => entriesOf(database, origin, from, count),
  });
}

/** `count` entries from `from` on; fewer where the ledger ends before. */
export async function entriesOf(database: Database, origin: string, from: number, count: number): Promise<readonly Buffer[]> {
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
