import { generateKeyPairSync } from 'node:crypto';
import { cosign, signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { EMPTY_FRONTIER, frontierBytes, rootOf } from '../../app/ledger/merkle.ts';
import { rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import { grow } from '../../app/ledger/subtrees.ts';
import type { TestCentral } from './demo-central.ts';

/** A station of its own whose ledger holds `size` small entries, cosigned; put into the database as an older program left it: without subtrees. */
export async function syntheticLog({ database, keys, clock }: TestCentral, station: string, size: number): Promise<string> {
  const { privateKey } = generateKeyPairSync('ed25519');
  const origin = `${keys.tenant}/station/${station}/e1`;
  await database.query(`insert into station (id, ward, cart, shelves, encryption_key, certificate_until_ms, enrolled_at_ms) values ($1, '7e', $1, '[]', '{}', 0, 0)`, [station]);
  await database.query('insert into origin (origin, station, epoch, ledger_key) values ($1, $2, 1, $3)', [origin, station, rawPublicKey(privateKey)]);
  await database.query(
    `insert into entry (origin, seq, bytes, leaf, type, at_ms)
     select $1, seq, bytes, sha256('\\x00'::bytea || bytes), 'synthetic', 0 from (select seq, convert_to('{"seq":' || seq || '}', 'UTF8') as bytes from generate_series(0::bigint, $2::bigint - 1) seq) made`,
    [origin, size],
  );
  const leaves = await database.query<{ leaf: Buffer }>('select leaf from entry where origin = $1 order by seq', [origin]);
  const frontier = grow(EMPTY_FRONTIER, leaves.rows.map(({ leaf }) => leaf));
  const note = signCheckpoint(origin, size, rootOf(frontier), verifierKey(origin, privateKey), privateKey);
  const cosignature = cosign(note, keys.witness.verifier, keys.witness.key, Math.floor(clock.ms / 1_000));
  await database.query('update origin set size = $2, frontier = $3, last_leaf = $4, checkpoint = $5, cosignature = $6, cosigned_at_ms = $7 where origin = $1', [origin, size, frontierBytes(frontier), leaves.rows.at(-1)?.leaf.toString('hex') ?? null, note, cosignature, clock.ms]);
  return origin;
}
