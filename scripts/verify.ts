/**
 * `npm run verify -- --store DIR [--json]`: audits a station's own database while the station is stopped. Every entry's
 * bytes, the hash chain, root and signature; then the projections are rebuilt from the first entry and compared.
 * Exit codes: 0 sound, 1 cannot be read, 2 bytes, 3 chain, 4 root, 5 signature, 6 projections.
 */
import { createPublicKey, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { projectEntry } from '../app/domain/projection.ts';
import { TABLE_NAMES, type CartView, type TableName, type Tables } from '../app/domain/tables.ts';
import { verifierKey } from '../app/ledger/note.ts';
import { startVerification, type LedgerFinding } from '../app/ledger/verify.ts';
import { openStore } from '../app/storage/open.ts';
import type { Store } from '../app/storage/store.ts';

const EXIT = { unreadable: 1, bytes: 2, chain: 3, root: 4, signature: 5, projections: 6 } as const;
const PAGE = 1_000;

const { values } = parseArgs({ options: { store: { type: 'string' }, json: { type: 'boolean', default: false } }, allowPositionals: true });
if (values.store === undefined) end('unreadable', 'Say which station: npm run verify -- --store DIR, where DIR holds its identity.json and ledger.db.');

const identity = z.object({ enrolment: z.object({ tenant: z.string(), station: z.string() }), epoch: z.object({ number: z.int() }), ledgerKey: z.record(z.string(), z.unknown()) });
const folder = values.store ?? '';
const text = await readFile(join(folder, 'identity.json'), 'utf8').catch((error: Error) => end('unreadable', `The station's identity cannot be read: ${error.message}`));
const { enrolment, epoch, ledgerKey } = identity.parse(JSON.parse(text));
const origin = `${enrolment.tenant}/station/${enrolment.station}/e${epoch.number}`;
const signingKey = createPrivateKey({ format: 'jwk', key: ledgerKey as never });

const opened = await openStore({ path: join(folder, 'ledger.db'), station: enrolment.station, epoch: epoch.number, origin, signingKey, project: projectEntry, clock: { wallMs: () => 0, monoMs: () => 0, bootId: 'verify' } });
if (!opened.ok) end('unreadable', opened.reason === 'locked' ? 'The station is running: stop it first, its database is its own.' : `The ledger cannot be opened: ${opened.reason}.`);
else await audit(opened.value);

async function audit(store: Store): Promise<void> {
  const checkpoint = store.latestCheckpoint();
  const verification = startVerification();
  const rebuilt: { [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map() };
  const view: CartView = { get: (table, key) => rebuilt[table].get(key) as never, all: (table) => rebuilt[table].values() as never };
  let covered: ReturnType<typeof verification.finish> | undefined;
  for (let from = 0; from < store.size(); from += PAGE) {
    const [bytes, recorded] = await Promise.all([store.entries(from, PAGE), store.recorded(from, PAGE)]);
    for (const [index, entry] of bytes.entries()) {
      const finding = verification.push(entry.bytes);
      if (finding) return finish(store, finding);
      const fold = recorded[index];
      for (const { table, key, row } of fold ? projectEntry(view, fold) : []) {
        if (row === undefined) rebuilt[table].delete(key);
        else (rebuilt[table] as Map<string, unknown>).set(key, row);
      }
      if (checkpoint && verification.size === checkpoint.size) covered = verification.finish(checkpoint.note, verifierKey(origin, createPublicKey(signingKey)));
    }
  }
  if (covered && 'finding' in covered) return finish(store, covered.finding);
  for (const table of TABLE_NAMES) {
    const stored = new Map([...store.view.all(table)].map((row) => [JSON.stringify(sorted(row)), row]));
    const wanted = [...rebuilt[table].values()].map((row) => JSON.stringify(sorted(row)));
    if (stored.size !== wanted.length || wanted.some((row) => !stored.has(row))) {
      await store.close();
      return end('projections', `The stored table "${table}" is not what the entries make of it. The entries are sound; the table must be rebuilt.`);
    }
  }
  const summary = `${store.size()} entries of ${origin} are whole and in order; ${checkpoint ? `the checkpoint over ${checkpoint.size} is signed by this station` : 'no checkpoint was signed yet'}; the server has cosigned ${store.acked().size}. Custody equals what the entries say.`;
  await store.close();
  process.stdout.write(values.json ? `${JSON.stringify({ finding: 'none', size: store.size(), origin })}\n` : `${summary}\n`);
}

async function finish(store: Store, finding: LedgerFinding): Promise<void> {
  await store.close();
  const where = 'seq' in finding ? `entry ${finding.seq}: ` : '';
  end(finding.kind, `${where}${finding.kind === 'chain' ? `does not follow the one before it (${finding.field})` : finding.kind === 'root' ? `${finding.size} entries, the checkpoint speaks of ${finding.expectedSize}, and the roots differ` : finding.fault}`);
}

function end(kind: keyof typeof EXIT, message: string): never {
  process.stdout.write(values.json ? `${JSON.stringify({ finding: kind, message })}\n` : `${message}\n`);
  process.exit(EXIT[kind]);
}

/** Rows compare by content, not by the order their keys were written in. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, inner]) => [key, sorted(inner)]));
}
