import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { compactVerify, importJWK } from 'jose';
import type { Database } from '../../app/central/database.ts';
import { createIngest, type Ingest } from '../../app/central/ingest.ts';
import { addCustodyStatement } from '../../app/central/statements.ts';
import { witnessOnPostgres } from '../../app/central/witness-postgres.ts';
import { custodyClaims, type CustodyClaims } from '../../app/contract/statement.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { signCheckpoint } from '../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS } from '../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, rootOf } from '../../app/ledger/merkle.ts';
import { rawPublicKey, verifierKey } from '../../app/ledger/note.ts';
import type { TestCentral } from './demo-central.ts';

export const NURSE = 'ab'.repeat(32);

/** A cart whose ledger is written by hand. True time is the server's clock; the cart's own may claim anything. */
export interface CustodyCart {
  readonly station: string;
  readonly origin: string;
  /** Milliseconds by which its wall clock is ahead of the truth. */
  wallOffsetMs: number;
  record(...drafts: EntryDraft[]): void;
  /** The next entries are of another boot. */
  reboot(): void;
  /** Uploads what was recorded since, to another process of the server if one is given. */
  upload(process?: Ingest): Promise<void>;
  /** Hears the server's time in a policy bundle, records it, and uploads. */
  contact(process?: Ingest): Promise<void>;
  /** Forgets what was acknowledged: the next upload begins at the first entry. */
  forgetAcknowledged(): void;
  size(): number;
  leaf(seq: number): string;
  /** Custody statements in its queue. */
  told(): Promise<readonly CustodyClaims[]>;
}

/** A process of the server as far as it takes uploads; over a database handle of its own it is as good as another program. */
export function takingUploads(central: TestCentral, database: Database = central.database): Ingest {
  const { keys } = central;
  const now = (): number => central.clock.now();
  return createIngest({ store: witnessOnPostgres(database, (client, claims) => addCustodyStatement(client, keys, { ...claims, tenant: keys.tenant, issuedAtMs: now() })), keys, now, project: projectEntry });
}

let stations = 0;

/** A cart that the server knows; without the certificates of an enrolment. */
export async function custodyCart(central: TestCentral, cart: string): Promise<CustodyCart> {
  const station = `st-${(stations += 1)}`;
  await central.database.query(`insert into station (id, ward, cart, shelves, encryption_key, certificate_until_ms, enrolled_at_ms) values ($1, '7e', $2, '[]', '{}', $3, 0)`, [station, cart, central.clock.ms]);
  const { privateKey } = generateKeyPairSync('ed25519');
  const origin = `${central.keys.tenant}/station/${station}/e1`;
  await central.database.query('insert into origin (origin, station, epoch, ledger_key) values ($1, $2, 1, $3)', [origin, station, rawPublicKey(privateKey)]);
  return cartLedger(central, station, { origin, epoch: 1, ledgerKey: privateKey });
}

export function cartLedger(central: TestCentral, station: string, { origin, epoch, ledgerKey }: { readonly origin: string; readonly epoch: number; readonly ledgerKey: KeyObject }): CustodyCart {
  const entries: Buffer[] = [];
  const leaves: string[] = [];
  const key = verifierKey(origin, ledgerKey);
  let frontier = EMPTY_FRONTIER;
  let uploaded = 0;
  let boot = 1;
  let bootedMs = central.clock.ms - 5_000;
  let hlcMs = 0;
  let bundle = 0;
  const cart: CustodyCart = {
    station,
    origin,
    wallOffsetMs: 0,
    size: () => entries.length,
    forgetAcknowledged: () => void (uploaded = 0),
    leaf: (seq) => leaves[seq] ?? '',
    record(...drafts) {
      for (const draft of drafts) {
        const nowMs = central.clock.ms;
        const wallMs = nowMs + cart.wallOffsetMs;
        const hlc = wallMs > hlcMs ? { ms: wallMs, n: 0 } : { ms: hlcMs, n: entries.length };
        hlcMs = hlc.ms;
        const built = buildEntry(draft, { station, epoch, seq: entries.length, prev: leaves.at(-1) ?? NO_PREVIOUS, hlc, boot: `${origin} ${boot}`, mono: nowMs - bootedMs });
        entries.push(built.bytes);
        leaves.push(built.leaf.toString('hex'));
        frontier = append(frontier, built.leaf);
      }
    },
    reboot() {
      boot += 1;
      bootedMs = central.clock.ms - 5_000;
      cart.record({ type: 'station-started', body: { program: 'test' } });
    },
    async upload(process = takingUploads(central)) {
      const from = uploaded;
      const size = entries.length;
      const taken = await process(station, { origin, from, entries: entries.slice(from).map((bytes) => bytes.toString('base64')), checkpoint: signCheckpoint(origin, size, rootOf(frontier), key, ledgerKey) });
      if (!taken.ok) throw new Error(taken.reason.message);
      uploaded = size;
    },
    async contact(process) {
      cart.record({ type: 'bundle-accepted', body: { version: (bundle += 1), issuedAtMs: central.clock.ms - 40, expiresAtMs: central.clock.ms + 86_400_000, digest: 'b0'.repeat(32) } });
      central.clock.ms += 60;
      await cart.upload(process);
    },
    async told() {
      const queued = await central.database.query<{ jws: string }>(`select jws from statement where station = $1 and kind = 'returned-elsewhere' order by cursor`, [station]);
      return Promise.all(
        queued.rows.map(async ({ jws }) => {
          const { payload, protectedHeader } = await compactVerify(jws, await importJWK({ ...central.keys.statement.jwk }, 'EdDSA'), { algorithms: ['EdDSA'] });
          if (protectedHeader['typ'] !== 'dockward-custody+jwt') throw new Error(`typ is ${String(protectedHeader['typ'])}`);
          return custodyClaims.parse(JSON.parse(Buffer.from(payload).toString()));
        }),
      );
    },
  };
  return cart;
}

export const admitted = (device: string): EntryDraft => ({ type: 'device-admitted', device, body: { asset: 'T-101', ward: '7e', model: 'Samsung SM-X306B', profile: 'ward-7-east', bundleVersion: 1 } });
export const docked = (device: string, slot: number, release?: string): EntryDraft => ({ type: 'returned', device, slot, body: { how: release === undefined ? 'unheld' : 'return', ...(release === undefined ? {} : { release }) } });
/** Pulled with nobody's name to it, and claimed by the nurse at once: needs no offer. */
export const taken = (device: string, slot: number, release: string, actor = NURSE): EntryDraft[] => [
  { type: 'unidentified-removal', device, slot, body: { release, claimUntilMs: 0 } },
  { type: 'removal-claimed', device, slot, actor, body: { release, owed: false } },
];
