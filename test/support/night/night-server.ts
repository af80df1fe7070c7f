import type { SanitizationPace } from '../../../app/central/sanitization.ts';
import type { ReceivedStatement } from '../../../app/contract/network-event.ts';
import type { StatementFacts } from '../../../app/contract/statement.ts';
import type { RecordedEntry } from '../../../app/domain/entries.ts';
import { projectEntry } from '../../../app/domain/projection.ts';
import { backOff, judgeLook, type StatedFacts } from '../../../app/domain/sanitization-look.ts';
import type { CartView, TableName, Tables } from '../../../app/domain/tables.ts';
import type { SanitizationFailure } from '../../../app/domain/terms.ts';
import { observation, type Mdm } from '../../../app/simulator/world/mdm.ts';
import { HERE } from '../ward-policy.ts';

/**
 * The server's queue of sanitizations without PostgreSQL and without HTTP: a stand-in for app/central/sanitization.ts, in its order
 * of steps and with its judgement (domain/sanitization-look.ts). One cart, one process, an MDM that answers at once.
 */
export interface NightServer {
  /** The cart's ledger as it arrives. */
  read(entries: readonly RecordedEntry[]): void;
  size(): number;
  /** Does every step that is due. */
  work(nowMs: number): void;
  nextDueMs(): number | undefined;
  /** What the cart with this cursor has not had. */
  statementsAfter(cursor: number): readonly { readonly cursor: number; readonly statement: ReceivedStatement }[];
  requests(): readonly Asked[];
}

export interface Asked {
  readonly request: string;
  readonly serial: string;
  readonly state: Order['state'];
  readonly command?: string;
}

interface Order {
  readonly request: string;
  readonly nonce: string;
  readonly serial: string;
  readonly arrivedAtMs: number;
  state: 'requested' | 'issuing' | 'observing' | 'complete' | 'failed' | 'superseded';
  previous?: string;
  command?: string;
  issuedAtMs?: number;
  stated: StatedFacts;
  tries: number;
  unseenAtSize: number;
  nextAtMs: number;
}

/** What the adapter of the Android Management API makes of 429 and 5xx. */
const RETRY_AFTER_MS = 7_000;

export function nightServer({ mdm, pace, profileOf, startMs }: { readonly mdm: Mdm; readonly pace: SanitizationPace; readonly profileOf: (serial: string) => string; readonly startMs: number }): NightServer {
  const tables: { [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() };
  const view: CartView = { get: (table, key) => tables[table].get(key) as never, all: (table) => tables[table].values() as never };
  const orders: Order[] = [];
  const seenEnrolments = new Map<string, string>();
  const outbox: { readonly cursor: number; readonly statement: ReceivedStatement }[] = [];
  let size = 0;
  let nowMs = startMs;

  const say = ({ serial, request, nonce }: Order, facts: StatementFacts): void =>
    void outbox.push({ cursor: outbox.length + 1, statement: { digest: (outbox.length + 1).toString(16).padStart(64, '0'), claims: { ...HERE, serial, request, nonce, issuedAtMs: nowMs, facts } } });
  const fail = (order: Order, failure: SanitizationFailure): void => {
    say(order, { kind: 'sanitization-failed', failure });
    order.state = 'failed';
  };
  const wait = (order: Order, ms: number): void => {
    order.tries += 1;
    order.nextAtMs = nowMs + ms;
  };
  /** True if the MDM does not answer this call; the order waits. */
  const refusedBy = (order: Order): boolean => {
    const throttled = mdm.takeMischief('throttled', order.serial);
    if (!throttled && !mdm.takeMischief('server-error', order.serial)) return false;
    wait(order, Math.max(backOff(pace, order.tries), throttled ? RETRY_AFTER_MS : 0));
    return true;
  };

  const intend = (order: Order): void => {
    const device = tables.device.get(order.serial);
    const wanted = device?.request?.request === order.request && (device.custody.kind === 'cart' || device.custody.kind === 'rebooting');
    if (!wanted) {
      order.state = 'superseded';
      return say(order, { kind: 'sanitization-failed', failure: 'overtaken' });
    }
    for (const older of orders) if (older !== order && older.serial === order.serial && older.state !== 'failed') older.state = 'superseded';
    if (refusedBy(order)) return;
    const active = mdm.listed().filter(({ serial, state }) => serial === order.serial && state === 'active').at(-1);
    if (!active) {
      if (nowMs - order.arrivedAtMs > pace.absencePatienceMs) return fail(order, 'device-unknown');
      return wait(order, backOff(pace, order.tries));
    }
    Object.assign(order, { state: 'issuing', previous: active.name, tries: 0, nextAtMs: nowMs });
  };
  const act = (order: Order, previous: string): void => {
    if (refusedBy(order)) return;
    // As the adapter does: a command of this request that is there already is the one.
    const command = mdm.operationsOf(previous).find(({ reason }) => reason === order.request) ?? mdm.issueWipe(previous, { request: order.request, expiresInMs: pace.commandLifeMs });
    if (!command) return fail(order, 'device-unknown');
    if (!seenEnrolments.has(previous)) seenEnrolments.set(previous, '');
    Object.assign(order, { state: 'observing', command: command.name, issuedAtMs: nowMs, tries: 0, nextAtMs: nowMs });
  };
  const look = (order: Order, previous: string, command: string): void => {
    if (refusedBy(order)) return;
    const before = { ...order, previous, profile: profileOf(order.serial), complete: order.state === 'complete' };
    const { claims, then } = judgeLook(before, observation(mdm, order.serial, previous, command), { nowMs, heldSize: size, pace });
    if (claims) {
      if ((seenEnrolments.get(claims.enrolment) ?? order.request) !== order.request) return fail(order, 'enrolment-reused');
      seenEnrolments.set(claims.enrolment, order.request);
    }
    if (then.failure !== undefined) return fail(order, then.failure);
    for (const fact of then.told) say(order, fact);
    if (then.leftover && !refusedBy(order)) mdm.remove(previous);
    const { stated, tries, unseenAtSize, nextAtMs } = then;
    Object.assign(order, { state: then.complete ? 'complete' : 'observing', stated, tries, unseenAtSize, nextAtMs });
  };
  const step = (order: Order): void => {
    const { previous, command } = order;
    if (order.state === 'requested') return intend(order);
    if (previous === undefined) throw new Error(`request ${order.request} is ${order.state} without an enrolment`);
    if (order.state === 'issuing') return act(order, previous);
    if (command === undefined) throw new Error(`request ${order.request} is ${order.state} without a command`);
    return look(order, previous, command);
  };
  /** Only the newest request of a tablet is worked on. */
  const open = (): readonly Order[] => {
    const newest = new Map(orders.filter(({ state }) => state !== 'superseded').map((order) => [order.serial, order]));
    return [...newest.values()].filter(({ state }) => state !== 'failed');
  };
  const due = (): Order | undefined => open().filter(({ nextAtMs }) => nextAtMs <= nowMs).sort((a, b) => a.nextAtMs - b.nextAtMs)[0];

  return {
    read: (entries) => {
      for (const entry of entries) {
        for (const { table, key, row } of projectEntry(view, entry)) {
          if (row === undefined) tables[table].delete(key);
          else (tables[table] as Map<string, unknown>).set(key, row);
        }
        size = entry.seq + 1;
        if (entry.type === 'sanitization-requested' && entry.device !== undefined) {
          const { request, nonce } = entry.body;
          orders.push({ request, nonce, serial: entry.device, arrivedAtMs: nowMs, state: 'requested', stated: {}, tries: 0, unseenAtSize: 0, nextAtMs: nowMs });
        }
        if (entry.type === 'reappeared') {
          const order = orders.find(({ request, state }) => request === entry.body.request && state === 'observing');
          if (order) Object.assign(order, { nextAtMs: nowMs, tries: 0 });
        }
      }
    },
    size: () => size,
    work: (atMs) => {
      nowMs = atMs;
      for (let order = due(); order; order = due()) step(order);
    },
    nextDueMs: () => open().reduce<number | undefined>((first, { nextAtMs }) => Math.min(first ?? nextAtMs, nextAtMs), undefined),
    statementsAfter: (cursor) => outbox.slice(cursor),
    requests: () => orders.map(({ request, serial, state, command }) => ({ request, serial, state, ...(command === undefined ? {} : { command }) })),
  };
}
