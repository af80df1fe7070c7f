import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CustodyInterval } from '../../../app/domain/custody-intervals.ts';
import { judgeCustody, type CustodyVerdict } from '../../../app/domain/custody-order.ts';
import { createLedgerReader, type LedgerReader } from '../../../app/domain/ledger-history.ts';
import { originOf, randomWorld, serialOf, type Stay, type World, type WorldOptions } from '../../support/moving-tablets.ts';

const RUNS = process.env['DOCKWARD_LONG'] === '1' ? 10_000 : 150;
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

/** What a server knows after each upload, made anew from the entries that it holds. */
function* told(world: World): Generator<{ readonly readers: readonly LedgerReader[]; readonly held: readonly number[]; readonly last: boolean }> {
  const readers = world.ledgers.map((_, cart) => createLedgerReader(originOf(cart)));
  const held = world.ledgers.map(() => 0);
  for (const [index, { cart, size, atMs }] of world.uploads.entries()) {
    for (const { entry } of world.ledgers[cart]?.slice(held[cart], size) ?? []) readers[cart]?.push(entry);
    readers[cart]?.cosigned(atMs);
    held[cart] = size;
    yield { readers, held, last: index === world.uploads.length - 1 };
  }
}

function judged(readers: readonly LedgerReader[], serial: string): CustodyVerdict & { readonly rows: readonly CustodyInterval[] } {
  const rows = readers.flatMap((reader) => reader.intervals(serial));
  const byOrigin = new Map(readers.map((reader, cart) => [originOf(cart), reader.times()]));
  return { ...judgeCustody(rows, (origin) => byOrigin.get(origin) ?? { boots: [], newest: undefined }), rows };
}

const cartOf = ({ origin }: CustodyInterval): number => Number(/cart-(\d+)/.exec(origin)?.[1]);

/** The true stay that the entry opening this interval speaks of: for a held one, the stay that was left. */
function truthOf(world: World, row: CustodyInterval): Stay {
  const recorded = world.ledgers[cartOf(row)]?.[row.opened.mark.seq];
  const own = recorded?.truth;
  if (own && recorded.entry.device === row.serial) return own;
  // Opened by an entry about something else: the stay that lasted there at that time, by what was recorded before.
  const before = world.ledgers[cartOf(row)]?.slice(0, row.opened.mark.seq).findLast(({ entry, truth }) => truth && entry.device === row.serial)?.truth;
  if (!before) throw new Error(`nothing true stands behind ${JSON.stringify(row)}`);
  return before;
}

/** Where the tablet really was put in next, of what any cart recorded: the first recorded interval of a later stay; none if that is at the same cart. */
function trueEnd(world: World, held: CustodyInterval, rows: readonly CustodyInterval[]): Stay | 'home' | undefined {
  const left = truthOf(world, held);
  const later = world.stays.filter(({ tablet, fromMs }) => tablet === left.tablet && fromMs > left.fromMs).sort((a, b) => a.fromMs - b.fromMs);
  for (const stay of later) {
    if (!rows.some((row) => row.kind === 'docked' && truthOf(world, row) === stay)) continue;
    return stay.cart === left.cart ? 'home' : stay;
  }
  return undefined;
}

const calm: WorldOptions = { carts: 3, tablets: 2, steps: 30, pace: [10 * MINUTE_MS, 2 * HOUR_MS], troubled: false };
const troubled: WorldOptions = { carts: 3, tablets: 2, steps: 60, pace: [1_000, HOUR_MS], troubled: true };
const seeds = fc.integer({ min: 0, max: 2 ** 31 });

test('tablets move between carts whose clocks are years apart: every join is the true one, every tablet is where it is, nothing is doubted', () => {
  fc.assert(
    fc.property(seeds, (seed) => {
      const world = randomWorld(seed, calm);
      const { readers } = [...told(world)].at(-1) ?? { readers: [] };
      for (const serial of [serialOf(0), serialOf(1)]) {
        const { rows, joins, conflicts, placement } = judged(readers, serial);
        expect(conflicts).toEqual([]);
        for (const held of rows.filter(({ kind }) => kind === 'held')) {
          const join = joins.find((each) => each.held === held);
          const truth = trueEnd(world, held, rows);
          expect(join?.certain ?? true).toBe(true);
          expect(join ? truthOf(world, join.docked) : undefined).toBe(truth === 'home' ? undefined : truth);
        }
        const last = world.stays.filter(({ tablet }) => serialOf(tablet) === serial).sort((a, b) => a.fromMs - b.fromMs).at(-1);
        expect(placement?.kind).toBe(last ? 'placed' : undefined);
        expect(placement?.rows.map(cartOf)).toEqual(last ? [last.cart] : undefined);
        expect(placement?.rows[0]?.kind).toBe(last && (last.toMs === undefined ? 'docked' : 'held'));
      }
    }),
    { numRuns: RUNS },
  );
});

test('carts restart, go blind and are cut off for hours while tablets move: at no upload is there a conflict, and what is certain is true', () => {
  let certain = 0;
  let doubted = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const world = randomWorld(seed, troubled);
      for (const { readers, last } of told(world)) {
        for (const serial of [serialOf(0), serialOf(1)]) {
          const { rows, joins, conflicts, placement } = judged(readers, serial);
          expect(conflicts).toEqual([]);
          expect(placement?.kind).not.toBe('overlap');
          for (const { held, docked, ended, certain: sure } of joins) {
            if (ended) expect(truthOf(world, docked).fromMs).toBeGreaterThan(truthOf(world, held).fromMs);
            if (!last) continue;
            if (sure) expect(truthOf(world, docked)).toBe(trueEnd(world, held, rows));
            certain += Number(sure);
            doubted += Number(!sure);
          }
          if (!last) continue;
          for (const held of rows.filter(({ kind, closed }) => kind === 'held' && !closed)) {
            const truth = trueEnd(world, held, rows);
            if (truth !== undefined && truth !== 'home') expect(joins.map((each) => each.held)).toContain(held);
          }
          if (placement?.kind === 'placed') {
            const newest = rows.map((row) => truthOf(world, row)).sort((a, b) => b.fromMs - a.fromMs)[0];
            expect(placement.rows.map(cartOf)).toEqual([newest?.cart]);
          }
        }
      }
    }),
    { numRuns: RUNS },
  );
  // Doubt is honest where a cart restarted without contact; were it the rule, nothing above would have been asked.
  expect(certain).toBeGreaterThan(20 * doubted);
});

/** Whether the two bodies behind one serial stood in two different carts at once for longer than every clock error of a calm world. */
function trulyOverlap(world: World, twin: number): boolean {
  const end = (stay: Stay): number => stay.toMs ?? world.endMs - HOUR_MS;
  const of = (tablet: number): readonly Stay[] => world.stays.filter((stay) => stay.tablet === tablet);
  return of(0).some((a) => of(twin).some((b) => a.cart !== b.cart && Math.min(end(a), end(b)) - Math.max(a.fromMs, b.fromMs) > HOUR_MS));
}

test('two tablets answer to one serial: once they stood in two carts at once beyond every bound, it is a conflict', () => {
  let found = 0;
  fc.assert(
    fc.property(seeds, (seed) => {
      const world = randomWorld(seed, { ...calm, twin: true });
      const { readers } = [...told(world)].at(-1) ?? { readers: [] };
      const { conflicts } = judged(readers, serialOf(0));
      if (trulyOverlap(world, calm.tablets)) expect(conflicts.length).toBeGreaterThan(0);
      for (const [a, b] of conflicts) {
        expect(cartOf(a)).not.toBe(cartOf(b));
        expect(truthOf(world, a).tablet).not.toBe(truthOf(world, b).tablet);
      }
      found += Number(conflicts.length > 0);
    }),
    { numRuns: RUNS },
  );
  expect(found).toBeGreaterThan(RUNS / 10);
});
