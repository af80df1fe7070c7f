import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIngest } from '../../app/central/ingest.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import type { EntryDraft, LedgerValue } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import type { StatementKind } from '../../app/domain/terms.ts';
import { signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS, type BuiltEntry } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, rootOf } from '../../app/ledger/merkle.ts';
import { rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import { startTestCentral } from '../../test/central/demo-central.ts';
import { startTestPostgres } from '../../test/support/postgres.ts';
import type { Row } from './ledger.ts';

const BATCH = 500;
const WARM_UP = 8;
const BATCHES = 48;
const DEVICES = 16;

/**
 * The server's ingest, from the body of an upload to its cosignature, beside PostgreSQL's COPY of the rows that it makes of
 * them into a table with the same indexes: the same batches, each durable on its own, turn by turn on one server, medians. COPY reads a
 * file that is already in its own format; ingest also checks chain, tree and signature, folds and stores the projections.
 */
export async function benchIngest(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-ingest-'));
  await chmod(folder, 0o755);
  const postgres = await startTestPostgres();
  const central = await startTestCentral(await postgres.createDatabase());
  try {
    const { database } = central;
    const { privateKey } = generateKeyPairSync('ed25519');
    const [station, origin] = ['st-bench', `${central.keys.tenant}/station/st-bench/e1`];
    await database.query(`insert into station (id, ward, cart, shelves, encryption_key, certificate_until_ms, enrolled_at_ms) values ($1, '7e', 'Bench', '[]', '{}', 0, 0)`, [station]);
    await database.query('insert into origin (origin, station, epoch, ledger_key) values ($1, $2, 1, $3)', [origin, station, rawPublicKey(privateKey)]);
    await database.query('create table floor (like entry including all)');
    const ingest = createIngest({ store: witnessOnPostgres(database), keys: central.keys, now: Date.now, project: projectEntry });
    const spent = { ingest: [] as number[], copy: [] as number[] };
    for (const [turn, batch] of batches(station, origin, privateKey).entries()) {
      const file = join(folder, `${turn}.copy`);
      await writeFile(file, batch.entries.map((entry) => copyLine(origin, entry)).join(''), { mode: 0o644 });
      const copied = await milliseconds(() => database.query(`copy floor (origin, seq, bytes, leaf, type, device, actor, slot, at_ms) from '${file}'`));
      const ingested = await milliseconds(async () => {
        const taken = await ingest(station, { origin, from: batch.from, entries: batch.entries.map(({ bytes }) => bytes.toString('base64')), checkpoint: batch.checkpoint });
        if (!taken.ok) throw new Error(taken.reason.message);
      });
      if (turn < WARM_UP) continue;
      spent.copy.push(copied);
      spent.ingest.push(ingested);
    }
    const poison = await database.query('select 1 from poison_entry');
    if (poison.rowCount !== 0) throw new Error('the bench made entries that cannot be folded');
    const [value, floor] = [(BATCH * 1_000) / median(spent.ingest), (BATCH * 1_000) / median(spent.copy)];
    return [{ name: `ingest on the server, batches of ${BATCH}`, value, unit: 'entries/s', floor, ratio: value / floor, goal: 'at least 0.3 ×', met: value >= 0.3 * floor }];
  } finally {
    await central.close();
    await postgres.stop();
    await rm(folder, { recursive: true });
  }
}

interface Batch {
  readonly from: number;
  readonly entries: readonly BuiltEntry[];
  readonly checkpoint: string;
}

function batches(station: string, origin: string, key: KeyObject): readonly Batch[] {
  let frontier = EMPTY_FRONTIER;
  let prev = NO_PREVIOUS;
  return Array.from({ length: BATCHES }, (_, turn) => {
    const from = turn * BATCH;
    const entries = Array.from({ length: BATCH }, (__, n) => {
      const seq = from + n;
      const built = buildEntry(draft(seq), { station, epoch: 1, seq, prev, hlc: { ms: 1_790_000_000_000 + seq * 1_000, n: 0 }, boot: '4f8d2a3e-9c1b-4d57-8f60-1b2c3d4e5f60', mono: seq * 1_000 });
      prev = built.leaf.toString('hex');
      frontier = append(frontier, built.leaf);
      return built;
    });
    return { from, entries, checkpoint: signCheckpoint(origin, from + BATCH, rootOf(frontier), verifierKey(origin, key), key) };
  });
}

/** A ward's day, over and over: admitted once, then per use of a tablet a PIN, an offer, a release, a return, a request and the six facts that prove its wipe. */
function draft(seq: number): EntryDraft {
  if (seq < DEVICES) return { type: 'device-admitted', device: serialOf(seq), body: { asset: `T-${seq + 1}`, ward: '7e', model: 'Samsung SM-X306B', profile: 'ward-7-east', bundleVersion: 1 } };
  const use = Math.floor((seq - DEVICES) / USE.length);
  const step = USE[(seq - DEVICES) % USE.length];
  if (!step) throw new Error('a use of a tablet has no such step');
  const [device, slot] = [serialOf(use % DEVICES), 1 + (use % DEVICES)];
  return { device, slot, actor: 'ab'.repeat(32), ...step(use.toString(16).padStart(32, '0'), seq) };
}

const serialOf = (n: number): string => `R52T1000${n}`;
const fact = (kind: Exclude<StatementKind, 'sanitization-failed'>, facts: (use: string) => Readonly<Record<string, LedgerValue>>) => (use: string, seq: number): EntryDraft => ({
  type: 'statement-accepted',
  body: { kind, request: use, digest: seq.toString(16).padStart(64, '0'), issuedAtMs: 1_790_000_000_000 + seq * 1_000, facts: facts(use) },
});
const command = (use: string): string => `enterprises/LC0/devices/${use.slice(-12)}/operations/${use}`;
const USE: readonly ((use: string, seq: number) => EntryDraft)[] = [
  (use) => ({ type: 'returned', body: { how: 'return', release: `${use}r` } }),
  (use, seq) => ({ type: 'sanitization-requested', body: { request: use, nonce: use, exposure: seq.toString(16).padStart(64, '0'), attempt: 1 } }),
  fact('wipe-confirmed', (use) => ({ enrolment: `devices/${use}`, command: command(use), issuedMdmMs: 1_790_000_000_000, confirmedMdmMs: 1_790_000_060_000 })),
  fact('enrolled', (use) => ({ enrolment: `devices/${use}n`, previous: `devices/${use}`, command: command(use), issuedMdmMs: 1_790_000_000_000, enrolledMdmMs: 1_790_000_090_000, unseenAtSize: 1 })),
  fact('credentials-revoked', (use) => ({ previous: `devices/${use}` })),
  fact('queue-clear', (use) => ({ enrolment: `devices/${use}n`, unlockTokenKept: false })),
  fact('profile-present', (use) => ({ enrolment: `devices/${use}n`, profile: 'ward-7-east' })),
  fact('posture', (use) => ({ enrolment: `devices/${use}n`, osAtFloor: true, compliant: true, rooted: false, adbEnabled: false })),
  () => ({ type: 'pin-attempted', body: { attempt: 1 } }),
  () => ({ type: 'pin-accepted', body: { attempt: 1 } }),
  (use, seq) => ({ type: 'offered', covered: true, body: { offer: `${use}o`, release: `${use}s`, assurance: 'uid', stale: false, request: use, chargePercent: 91, untilMs: 1_790_000_000_000 + seq } }),
  (use) => ({ type: 'released', body: { release: `${use}s`, offer: `${use}o`, how: 'offered', offeredSlot: 1 } }),
];

function copyLine(origin: string, { entry, bytes, leaf }: BuiltEntry): string {
  const columns = [origin, entry.seq, `\\\\x${bytes.toString('hex')}`, `\\\\x${leaf.toString('hex')}`, entry.type, entry.device ?? '\\N', entry.actor ?? '\\N', entry.place?.slot ?? '\\N', entry.hlc.ms];
  return `${columns.join('\t')}\n`;
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
