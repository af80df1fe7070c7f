import { createHash } from 'node:crypto';
import type { EntryDraft } from '../../app/domain/entries.ts';
import type { TimedEntry } from '../../app/domain/custody-intervals.ts';

/**
 * A true history: tablets that move between carts, carts whose clocks are wrong, that restart, go blind and lose the network. It
 * keeps what really happened apart from what the carts wrote down, and knows nothing of the code that reads the ledgers.
 */
export interface WorldOptions {
  readonly carts: number;
  readonly tablets: number;
  readonly steps: number;
  /** Shortest and longest time between two events, milliseconds. */
  readonly pace: readonly [number, number];
  /** Carts restart, lose sight and lose the network. */
  readonly troubled: boolean;
  /** The first tablet has a twin that answers to the same serial. */
  readonly twin?: boolean;
}

/** One true stay in a slot. */
export interface Stay {
  readonly tablet: number;
  readonly cart: number;
  readonly fromMs: number;
  toMs: number | undefined;
}

export interface Upload {
  readonly cart: number;
  /** Entries of the cart's ledger that the server holds after it. */
  readonly size: number;
  readonly atMs: number;
}

export interface World {
  readonly stays: readonly Stay[];
  /** By cart: what it recorded; `truth` names the stay that an entry speaks of. */
  readonly ledgers: readonly (readonly { readonly entry: TimedEntry; readonly truth: Stay | undefined }[])[];
  /** In the order in which the server got them. */
  readonly uploads: readonly Upload[];
  readonly endMs: number;
}

export const serialOf = (tablet: number): string => `TAB${tablet}`;
export const originOf = (cart: number): string => `mercy/station/cart-${cart}/e1`;
const START_MS = 1_790_000_000_000;
const YEAR_MS = 365 * 86_400_000;

interface Cart {
  readonly index: number;
  readonly entries: { entry: TimedEntry; truth: Stay | undefined }[];
  wallOffsetMs: number;
  boot: number;
  bootedMs: number;
  monoAtBootMs: number;
  readonly drift: number;
  sight: 'seeing' | 'blind' | 'off';
  online: boolean;
  uploaded: number;
  /** What the cart believes: by serial, the slot or the release that is open. */
  readonly docked: Map<string, { slot: number; truth: Stay }>;
  readonly out: Map<string, { release: string }>;
  /** Gone while its wipe may have restarted it. */
  readonly away: Map<string, { slot: number; truth: Stay; sinceMs: number }>;
  /** Serials that came or went while nobody saw: none of them moves here again until it is seen. */
  readonly unseen: Set<string>;
  hlcMs: number;
  bundle: number;
}

export function randomWorld(seed: number, options: WorldOptions): World {
  const random = mulberry(seed);
  const below = (n: number): number => Math.floor(random() * n);
  const between = (a: number, b: number): number => Math.floor(a + random() * (b - a));
  let nowMs = START_MS;
  let ids = 0;
  const stays: Stay[] = [];
  const uploads: Upload[] = [];
  const carts = Array.from({ length: options.carts }, (_, index): Cart => ({
    index, entries: [], wallOffsetMs: between(-3 * YEAR_MS, 3 * YEAR_MS), boot: 1, bootedMs: nowMs, monoAtBootMs: between(1_000, 100_000), drift: (random() - 0.5) * 3e-4, sight: 'seeing', online: true, uploaded: 0,
    docked: new Map(), out: new Map(), away: new Map(), unseen: new Set(), hlcMs: 0, bundle: 0,
  }));
  const bodies = options.tablets + (options.twin === true ? 1 : 0);
  const nameOf = (body: number): string => serialOf(body === options.tablets ? 0 : body);
  const at: (Stay | undefined)[] = Array.from({ length: bodies }, () => undefined);
  const slotOf = new Map<Stay, number>();

  const record = (cart: Cart, draft: EntryDraft, truth?: Stay): void => {
    cart.hlcMs = Math.max(cart.hlcMs, nowMs + cart.wallOffsetMs);
    const seq = cart.entries.length;
    const leaf = createHash('sha256').update(`${seed} ${cart.index} ${seq}`).digest('hex');
    const monoMs = Math.floor(cart.monoAtBootMs + (nowMs - cart.bootedMs) * (1 + cart.drift));
    cart.entries.push({ entry: { ...draft, seq, leaf, atMs: cart.hlcMs, station: `cart-${cart.index}`, boot: `boot-${cart.index}-${cart.boot}`, monoMs }, truth });
  };
  const upload = (cart: Cart): void => {
    if (cart.uploaded === cart.entries.length) return;
    cart.uploaded = cart.entries.length;
    nowMs += between(5, 500);
    uploads.push({ cart: cart.index, size: cart.uploaded, atMs: nowMs });
  };
  const hear = (cart: Cart): void => {
    const issuedAtMs = nowMs;
    nowMs += between(5, 500);
    record(cart, { type: 'bundle-accepted', body: { version: (cart.bundle += 1), issuedAtMs, expiresAtMs: issuedAtMs + 86_400_000, digest: 'd' } });
    upload(cart);
  };
  const left = (cart: Cart, serial: string): void => {
    const believed = cart.docked.get(serial);
    if (!believed) return;
    cart.docked.delete(serial);
    if (options.troubled && cart.sight === 'seeing' && random() < 0.15) {
      cart.away.set(serial, { ...believed, sinceMs: nowMs });
      record(cart, { type: 'absent', device: serial, slot: believed.slot, body: { request: 'q', sinceMs: 0 } }, believed.truth);
      return;
    }
    const release = `r${(ids += 1)}`;
    cart.out.set(serial, { release });
    record(cart, random() < 0.7 && cart.sight === 'seeing' ? { type: 'released', device: serial, slot: believed.slot, actor: 'ab'.repeat(32), body: { release, offer: `o${ids}`, how: 'offered', offeredSlot: believed.slot } } : { type: 'unidentified-removal', device: serial, slot: believed.slot, body: { release, claimUntilMs: 0 } }, believed.truth);
  };
  const arrived = (cart: Cart, serial: string, stay: Stay): void => {
    const release = cart.out.get(serial)?.release;
    cart.out.delete(serial);
    const away = cart.away.get(serial);
    cart.away.delete(serial);
    if (away && random() < 0.5) {
      slotOf.set(stay, away.slot);
      cart.docked.set(serial, { slot: away.slot, truth: stay });
      record(cart, { type: 'reappeared', device: serial, slot: away.slot, body: { request: 'q', absenceMs: 0 } }, stay);
      return;
    }
    const slot = slotOf.get(stay) ?? 1;
    cart.docked.set(serial, { slot, truth: stay });
    record(cart, { type: 'returned', device: serial, slot, body: { how: release === undefined ? 'unheld' : 'return', ...(release === undefined ? {} : { release }) } }, stay);
  };
  /** What is away too long for a restart is nobody's. */
  const lapse = (cart: Cart): void => {
    if (cart.sight === 'off') return;
    for (const [serial, { slot, truth, sinceMs }] of [...cart.away]) {
      if (nowMs - sinceMs < 900_000) continue;
      cart.away.delete(serial);
      const release = `r${(ids += 1)}`;
      cart.out.set(serial, { release });
      record(cart, { type: 'unidentified-removal', device: serial, slot, body: { release, claimUntilMs: 0 } }, truth);
    }
  };
  /** The cart sees all its slots again and writes down what differs from what it believed. */
  const compare = (cart: Cart): void => {
    cart.sight = 'seeing';
    cart.unseen.clear();
    for (const [serial, { truth }] of [...cart.docked]) if (truth.toMs !== undefined) left(cart, serial);
    for (const stay of at) {
      if (stay?.cart !== cart.index) continue;
      const serial = nameOf(stay.tablet);
      const believed = cart.docked.get(serial);
      if (believed?.truth === stay) record(cart, { type: 'exposed', device: serial, slot: believed.slot, body: { cause: 'unobserved' } }, stay);
      else if (!believed) arrived(cart, serial, stay);
    }
  };
  const move = (body: number): void => {
    const serial = nameOf(body);
    const stay = at[body];
    if (stay) {
      const cart = carts[stay.cart];
      if (!cart || cart.unseen.has(serial)) return;
      stay.toMs = nowMs;
      at[body] = undefined;
      if (cart.sight === 'seeing') left(cart, serial);
      else cart.unseen.add(serial);
      return;
    }
    const cart = carts[below(carts.length)];
    // A cart sees a serial once; a twin beside it in the same cart is another story.
    if (!cart || cart.unseen.has(serial) || cart.docked.has(serial)) return;
    const fresh: Stay = { tablet: body, cart: cart.index, fromMs: nowMs, toMs: undefined };
    stays.push(fresh);
    slotOf.set(fresh, 1 + below(16));
    at[body] = fresh;
    if (cart.sight === 'seeing') arrived(cart, serial, fresh);
    else cart.unseen.add(serial);
  };
  const trouble = (cart: Cart): void => {
    const what = random();
    if (cart.sight === 'off') {
      cart.boot += 1;
      cart.bootedMs = nowMs;
      cart.monoAtBootMs = between(1_000, 100_000);
      record(cart, { type: 'station-started', body: { program: 'p' } });
      nowMs += between(100, 5_000);
      compare(cart);
      if (cart.online) hear(cart);
    } else if (cart.sight === 'blind') {
      record(cart, { type: 'host-restored', body: { gapMs: 1 } });
      compare(cart);
    } else if (what < 0.25) cart.sight = 'off';
    else if (what < 0.5) {
      record(cart, { type: 'host-lost', body: { cause: 'x' } });
      cart.sight = 'blind';
    } else if (what < 0.75) cart.online = !cart.online;
    else cart.wallOffsetMs += between(-86_400_000, 86_400_000);
  };

  for (const cart of carts) {
    record(cart, { type: 'station-started', body: { program: 'p' } });
    for (let tablet = 0; tablet < options.tablets; tablet += 1) record(cart, { type: 'device-admitted', device: serialOf(tablet), body: { asset: `T-${tablet}`, ward: '7e', model: 'Tab', profile: 'p', bundleVersion: 1 } });
    compare(cart);
    hear(cart);
  }
  nowMs += 120_000;
  for (let step = 0; step < options.steps; step += 1) {
    nowMs += between(...options.pace);
    for (const each of carts) lapse(each);
    const cart = carts[below(carts.length)];
    if (options.troubled && cart && random() < 0.25) trouble(cart);
    else move(below(bodies));
    for (const each of carts) {
      if (each.online && each.sight !== 'off' && random() < 0.4) {
        if (random() < 0.5) hear(each);
        else upload(each);
      }
    }
  }
  for (let round = 0; round < 2; round += 1) {
    for (const cart of carts) {
      nowMs += 300_000;
      cart.online = true;
      if (cart.sight !== 'seeing') trouble(cart);
      hear(cart);
    }
  }
  return { stays, ledgers: carts.map(({ entries }) => entries), uploads, endMs: nowMs };
}

/** Mulberry32: a seed gives the same world on every machine. */
function mulberry(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
