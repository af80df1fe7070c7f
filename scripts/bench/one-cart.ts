import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SlotState } from '../../app/contract/device-host.ts';
import type { PolicyBundle } from '../../app/contract/policy-bundle.ts';
import type { StatementFacts } from '../../app/contract/statement.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { createStation, type Station } from '../../app/station/station.ts';
import { openStore } from '../../app/storage/open.ts';
import type { Store } from '../../app/storage/store.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import ward from '../../resources/demo/ward.json' with { type: 'json' };

/** A station on a real database with sixteen proven tablets and twelve people within their grace period. */
export interface BenchCart {
  readonly station: Station;
  readonly store: Store;
  readonly uids: readonly string[];
  /** Tells the station what its slots hold; a new device host does that. */
  slots(): readonly SlotState[];
  close(): Promise<void>;
}

/** A ledger that is open already, and who its station is. */
export interface Enrolled {
  readonly tenant: string;
  readonly station: string;
  readonly store: Store;
}

const BADGE_KEY = randomBytes(32);
const bootId = 'bench';
const wallMs = Date.now;
const monoMs = (): number => Math.floor(performance.now());

/** On a ledger of its own, or on `enrolled`'s: one with a history, whose station a server knows. */
export async function openBenchCart(enrolled?: Enrolled): Promise<BenchCart> {
  if (enrolled) return openCartOn(enrolled, () => Promise.resolve());
  const folder = await mkdtemp(join(tmpdir(), 'bench-cart-'));
  const opened = await openStore({
    path: join(folder, 'ledger.db'),
    station: 'bench',
    epoch: 1,
    origin: 'bench/station/bench/e1',
    signingKey: generateKeyPairSync('ed25519').privateKey,
    project: projectEntry,
    clock: { wallMs, monoMs, bootId },
  });
  if (!opened.ok) throw new Error(`the bench ledger cannot be opened: ${opened.reason}`);
  return openCartOn({ tenant: 'bench', station: 'bench', store: opened.value }, () => rm(folder, { recursive: true }));
}

async function openCartOn({ tenant, station: name, store }: Enrolled, sweep: () => Promise<void>): Promise<BenchCart> {
  const bundle = benchBundle(tenant, name);
  const station = await createStation(
    {
      place: { tenant, station: name, ward: 'Ward 7 East', cart: 'Cart A', shelves: ward.cart.shelves, timeZone: 'UTC', language: 'en' },
      store,
      clock: { wallMs, monoMs, bootId, after: (ms, call) => { const timer = setTimeout(call, ms); return () => clearTimeout(timer); } },
      program: 'bench',
      randomId: () => randomBytes(16).toString('hex'),
      badgeHmacs: (uid) => [{ hmac: hmac(uid), version: 1 }],
      pins: { knows: () => true, check: () => Promise.resolve(true), renew: () => Promise.resolve(undefined) },
      rekeyed: () => undefined,
      keepBundle: () => Promise.resolve(),
      log: ({ level, what, ...detail }) => { if (level === 'error') process.stderr.write(`${what} ${JSON.stringify(detail)}\n`); },
      onFailure: (error) => { throw error; },
    },
    undefined,
  );
  const slots = bundle.devices.map(({ serial }, n): SlotState => ({ slot: n + 1, present: true, serial, battery: { percent: 60 + n, monoMs: 0 } }));
  const [host, hostEnd] = inMemoryPair();
  station.attachHost(hostEnd);
  station.submit({ kind: 'cosigned', atMs: wallMs() });
  station.submit({ kind: 'online' });
  station.submit({ kind: 'bundle', bundle: { digest: '00'.repeat(32), jws: '', bundle } });
  host.send({ event: 'slots', monoMs: 0, slots });
  host.send({ event: 'reader', monoMs: 0, reader: 'bench', state: 'present' });
  await new Promise((resolve) => setImmediate(resolve));
  await station.settled();
  await proveAll(bundle, station, store);
  for (const { actor } of bundle.staff) {
    const accepted = await store.append([{ type: 'pin-attempted', actor, body: { attempt: 1 } }, { type: 'pin-accepted', actor, body: { attempt: 1 } }]);
    if (!accepted.ok) throw new Error('the bench ledger cannot be written');
  }
  return {
    station,
    store,
    uids: ward.staff.map(({ badgeUid }) => badgeUid),
    slots: () => slots,
    close: async () => {
      await station.stop();
      await store.close();
      await sweep();
    },
  };
}

/** Every docked tablet's sanitization, stated as a server would: the station asks for as many at once as its rules allow. */
async function proveAll(bundle: PolicyBundle, station: Station, store: Store): Promise<void> {
  const left = new Set(bundle.devices.map(({ serial }) => serial));
  for (let cursor = 1; left.size > 0; cursor += 1) {
    const serial = [...left].find((each) => store.view.get('device', each)?.request !== undefined);
    if (serial === undefined) throw new Error(`the station asked for no sanitization of ${[...left].join(', ')}`);
    prove(bundle, serial, cursor, station, store);
    left.delete(serial);
    await station.settled();
  }
}

function prove({ tenant, stations: [name = ''] }: PolicyBundle, serial: string, cursor: number, station: Station, store: Store): void {
  const device = store.view.get('device', serial);
  const request = device?.request;
  if (!device || !request) throw new Error(`the station asked for no sanitization of ${serial}`);
  const previous = `old-${serial}`;
  const enrolment = `new-${serial}`;
  const issued = { command: 'c', issuedMdmMs: 1_000 };
  const facts: StatementFacts[] = [
    { kind: 'wipe-confirmed', enrolment: previous, ...issued, confirmedMdmMs: 2_000 },
    { kind: 'enrolled', enrolment, previous, ...issued, enrolledMdmMs: 3_000, unseenAtSize: request.settledSeq + 1 },
    { kind: 'credentials-revoked', previous },
    { kind: 'queue-clear', enrolment, unlockTokenKept: false },
    { kind: 'profile-present', enrolment, profile: device.profile },
    { kind: 'posture', enrolment, osAtFloor: true, compliant: true, rooted: false, adbEnabled: false },
  ];
  station.submit({
    kind: 'statements',
    cursor,
    statements: facts.map((fact, n) => ({ digest: `${cursor}-${n}`, claims: { tenant, station: name, serial, request: request.request, nonce: request.nonce, issuedAtMs: wallMs(), facts: fact } })),
  });
}

function benchBundle(tenant: string, station: string): PolicyBundle {
  const devices = Array.from({ length: 16 }, (_, n) => ({ serial: `BENCH${n}`, asset: `T-${n}`, ward: '7e', model: 'SM-X306B', platform: 'android' as const, profile: 'ward-7-east', standing: 'admitted' as const }));
  return {
    tenant,
    stations: [station],
    // Above any that a server has issued: what comes down leaves it in force.
    version: 1_000_000,
    issuedAtMs: wallMs(),
    expiresAtMs: wallMs() + 30 * 86_400_000,
    secretsVersion: 1,
    cards: { authorities: [], revoked: [] },
    wards: ward.wards,
    staff: ward.staff.map(({ id, short, badgeUid }) => ({ actor: createHmac('sha256', 'actor').update(id).digest('hex'), name: short, roles: ['clinician'], wards: ['7e'], badges: [{ hmac: hmac(badgeUid), badgeKeyVersion: 1 }], pin: { salt: '00'.repeat(16), hash: '00'.repeat(32), pepperVersion: 1 }, revoked: false })),
    devices,
    rules: { ...(ward.rules as unknown as PolicyBundle['rules']), offerMs: 600_000 },
    keys: { server: [{ kid: 'k', x: 'x', kty: 'OKP', crv: 'Ed25519' }], formerServer: [], witness: 'w', formerWitnesses: [] },
    rotateKeys: [],
    revokedKeys: [],
  };
}

const hmac = (uid: string): string => createHmac('sha256', BADGE_KEY).update(uid).digest('hex');
