import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { EntryDraft, RecordedEntry } from '../../app/domain/entries.ts';
import type { Result } from '../../app/domain/result.ts';
import { TABLE_NAMES, type CartView, type Change, type DeviceRow } from '../../app/domain/tables.ts';
import { encodeVkey, verifierKey } from '../../app/ledger/note.ts';
import { startVerification } from '../../app/ledger/verify.ts';
import type { LedgerKeys } from '../../app/storage/ledger-keys.ts';
import { openStore } from '../../app/storage/open.ts';
import { createOverlay, createProjections } from '../../app/storage/projections.ts';
import type { OpenFailure, Store, StoreOptions } from '../../app/storage/store.ts';

/** A small ward of our own: just enough fold to see every way in which storage can fail one. */
export const ORIGIN = 'mercy/station/cart-7/e1';
const PKCS8_ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
/** One fixed key, so that a child process signs as its parent does. */
export const SIGNING_KEY: KeyObject = createPrivateKey({ key: Buffer.concat([PKCS8_ED25519_PREFIX, Buffer.alloc(32, 7)]), format: 'der', type: 'pkcs8' });
export const VERIFIER = verifierKey(ORIGIN, SIGNING_KEY);
export const KEYS: LedgerKeys = { key: VERIFIER, privateKey: SIGNING_KEY, ranges: [{ vkey: encodeVkey(VERIFIER), from: 0 }] };

export class RuleBroken extends Error {}

/** Devices, offers and the cart; a return of a device that nobody admitted breaks the rules and throws. */
export function fold(view: CartView, entry: RecordedEntry): readonly Change[] {
  const serial = entry.device ?? '';
  const device = view.get('device', serial);
  switch (entry.type) {
    case 'device-admitted': {
      const { asset, ward, model, profile } = entry.body;
      const row: DeviceRow = { serial, asset, ward, model, profile, standing: 'admitted', custody: { kind: 'unseen' }, evidence: {} };
      return [{ table: 'device', key: serial, row }];
    }
    case 'offered': {
      const { offer, release, untilMs } = entry.body;
      return [{ table: 'offer', key: offer, row: { offer, release, serial, slot: entry.slot ?? 0, actor: entry.actor ?? '', untilMs } }];
    }
    case 'released': {
      if (device === undefined) throw new RuleBroken(`${serial} was never admitted`);
      const custody = { kind: 'person', actor: entry.actor ?? '', release: entry.body.release, sinceMs: entry.atMs, slot: entry.slot ?? 0, owed: false } as const;
      return [
        { table: 'offer', key: entry.body.offer, row: undefined },
        { table: 'device', key: serial, row: { ...device, custody } },
      ];
    }
    case 'returned': {
      if (device === undefined) throw new RuleBroken(`${serial} was never admitted`);
      const version = (view.get('cart', 'cart')?.bundle?.version ?? 0) + 1;
      return [
        { table: 'device', key: serial, row: { ...device, custody: { kind: 'cart', slot: entry.slot ?? 0, sinceMs: entry.atMs } } },
        // Not what a cart does: a count of returns, so that a return folded twice or not at all shows.
        { table: 'cart', key: 'cart', row: { bundle: { version, issuedAtMs: entry.atMs, expiresAtMs: entry.atMs, digest: entry.leaf } } },
      ];
    }
    default:
      return [];
  }
}

export const admitted = (device: string): EntryDraft => ({
  type: 'device-admitted', device,
  body: { asset: `A-${device}`, ward: 'w1', model: 'Tab', profile: 'p1', bundleVersion: 1 },
});
export const offered = (device: string, offer: string): EntryDraft => ({
  type: 'offered', device, slot: 7, actor: 'ab'.repeat(32), covered: true,
  body: { offer, release: `r-${offer}`, assurance: 'crypto', stale: false, request: 'q-1', chargePercent: 97, untilMs: 1_790_000_030_000 },
});
export const released = (device: string, offer: string): EntryDraft => ({
  type: 'released', device, slot: 7, actor: 'ab'.repeat(32),
  body: { release: `r-${offer}`, offer, how: 'offered', offeredSlot: 7 },
});
export const returned = (device: string, release = 'r-1'): EntryDraft => ({ type: 'returned', device, slot: 3, body: { release, how: 'return' } });
export const heard = (cause: string): EntryDraft => ({ type: 'host-lost', body: { cause } });

/** A clock that says what it is told and moves one millisecond with every reading. */
export function handClock(startMs = 1_790_000_000_000): StoreOptions['clock'] & { wall: number } {
  const clock = { wall: startMs, mono: 0, wallMs: () => (clock.wall += 1), monoMs: () => (clock.mono += 1), bootId: 'boot-1' };
  return clock;
}

export const optionsFor = (path: string, change: Partial<StoreOptions> = {}): StoreOptions => ({
  path, station: 'cart-7', epoch: 1, origin: ORIGIN, signingKey: SIGNING_KEY, project: fold, clock: handClock(), ...change,
});

export function known<T>(result: Result<T, string>): T {
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  return result.value;
}

export const open = async (path: string, change: Partial<StoreOptions> = {}): Promise<Store> => known(await openStore(optionsFor(path, change)));
export const tryOpen = (path: string, change: Partial<StoreOptions> = {}): Promise<Result<Store, OpenFailure>> => openStore(optionsFor(path, change));

/** Every row of every projection, by table and key. */
export function rowsOf(view: CartView): Record<string, unknown[]> {
  return Object.fromEntries(TABLE_NAMES.map((name) => [name, [...view.all(name)]]));
}

/** What the fold makes of the whole ledger from nothing: the oracle of every projection. */
export async function rebuilt(store: Store): Promise<Record<string, unknown[]>> {
  const projections = createProjections();
  for (const entry of await store.recorded(0, store.size())) {
    const overlay = createOverlay(projections);
    for (const change of fold(overlay, entry)) overlay.write(change);
    projections.apply(overlay.changes());
  }
  return rowsOf(projections);
}

/** Throws unless bytes, chain, root and signature of the whole ledger hold. */
export async function assertSound(store: Store): Promise<void> {
  const verification = startVerification();
  for (const { bytes } of await store.entries(0, store.size())) {
    const finding = verification.push(bytes);
    if (finding !== undefined) throw new Error(`unsound: ${JSON.stringify(finding)}`);
  }
  const { note } = known(await store.checkpoint());
  const end = verification.finish(note, VERIFIER);
  if ('finding' in end) throw new Error(`unsound: ${JSON.stringify(end.finding)}`);
}
