import type { LedgerState, StationStateAnswer } from '../contract/custody.ts';
import type { RecordedEntry } from '../domain/entries.ts';
import { createPastReader, type PastState } from '../domain/past-state.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CartView, Change } from '../domain/tables.ts';
import type { BootTimes } from '../domain/time-bounds.ts';
import { parseEntry } from '../ledger/entry.ts';
import { timedEntry } from '../ledger/timed-entry.ts';
import { boundedAnswer, FORGOTTEN, isoTime, type Names } from './custody-words.ts';
import type { Database } from './database.ts';
import { staffNames } from './fleet-view.ts';
import type { Refusal } from './http-reply.ts';
import { unstorable } from './poison.ts';

export interface PastStateDeps {
  readonly database: Database;
  readonly project: (view: CartView, entry: RecordedEntry) => readonly Change[];
}

const PAGE = 1_000;

/**
 * The ledgers of a station as they stood at an instant, folded from their first entries. It costs as much as those ledgers are
 * long up to then; entries are read and let go page by page.
 */
export async function readPastState({ database, project }: PastStateDeps, station: string, atMs: number): Promise<Result<StationStateAnswer, Refusal>> {
  const found = await database.query<{ origin: string; size: number; cart: string }>('select o.origin, o.size, s.cart from origin o join station s on s.id = o.station where s.id = $1 order by o.epoch', [station]);
  const cart = found.rows[0]?.cart;
  if (cart === undefined) return refused({ reason: 'not-found', message: `There is no station "${station}".` });
  const names: Names = { people: await staffNames(database), carts: new Map() };
  const ledgers: LedgerState[] = [];
  for (const { origin, size } of found.rows) {
    const boots = await database.query<{ times: BootTimes }>('select times from ledger_boot where origin = $1 order by first_seq', [origin]);
    const reader = createPastReader(boots.rows.map(({ times }) => times), atMs, project);
    for (let from = 0, more = true; more && from < size; from += PAGE) {
      const page = await database.query<{ bytes: Buffer; leaf: Buffer }>('select bytes, leaf from entry where origin = $1 and seq >= $2 and seq < $3 order by seq', [origin, from, Math.min(size, from + PAGE)]);
      for (const { bytes, leaf } of page.rows) {
        const parsed = parseEntry(bytes);
        if (parsed.ok && !unstorable(parsed.value)) more = reader.push(timedEntry(parsed.value, leaf));
        if (!more) break;
      }
    }
    const state = reader.state();
    if (state.last || state.uncertain) ledgers.push(ledgerState(origin, state, names));
  }
  return ok({ station, cart, at: isoTime(atMs), ledgers });
}

/** The tables as people read them. */
export function ledgerState(origin: string, { view, size, last, uncertain }: PastState, { people }: Names): LedgerState {
  const nameOf = (actor: string): string => people.get(actor) ?? FORGOTTEN;
  const offered = new Set([...view.all('offer')].map(({ slot }) => slot));
  const devices = [...view.all('device')].sort((a, b) => (a.serial < b.serial ? -1 : 1));
  const policyVersion = view.get('cart', 'cart')?.bundle?.version;
  return {
    origin,
    size,
    ...(last ? { last: { time: boundedAnswer(last.entry.atMs, last.moment.bounds), evidence: { origin, seq: last.entry.seq, leaf: last.entry.leaf } } } : {}),
    ...(uncertain ? { uncertain } : {}),
    ...(policyVersion === undefined ? {} : { policyVersion }),
    slots: devices.flatMap(({ serial, custody }) => (custody.kind === 'cart' || custody.kind === 'rebooting' ? [{ slot: custody.slot, device: serial, since: isoTime(custody.sinceMs), offered: offered.has(custody.slot) }] : [])).sort((a, b) => a.slot - b.slot),
    out: devices.flatMap(({ serial, custody }): LedgerState['out'] => {
      if (custody.kind === 'person') return [{ device: serial, holder: { kind: 'person', name: nameOf(custody.actor) }, release: custody.release, since: isoTime(custody.sinceMs), slot: custody.slot, owed: custody.owed }];
      if (custody.kind === 'unidentified') return [{ device: serial, holder: { kind: 'unidentified' }, release: custody.release, since: isoTime(custody.sinceMs), slot: custody.slot, owed: true }];
      if (custody.kind === 'ward') return [{ device: serial, holder: { kind: 'ward' }, release: custody.release, since: isoTime(custody.sinceMs), owed: true }];
      return [];
    }),
    offers: [...view.all('offer')].map(({ offer, release, serial, slot, actor, untilMs }) => ({ offer, release, device: serial, slot, person: nameOf(actor), until: isoTime(untilMs) })),
    devices: devices.map(({ serial, asset, ward, standing, custody, exposure, request, quarantine }) => ({
      device: serial,
      asset,
      ward,
      standing,
      custody: custody.kind,
      exposed: exposure !== undefined && request?.exposure !== exposure.leaf,
      ...(quarantine ? { quarantine: quarantine.reason } : {}),
    })),
  };
}
