import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeDocking, type DockFacts } from '../../../app/domain/docking.ts';
import type { Custody, DeviceRow } from '../../../app/domain/tables.ts';
import { DEVICE_STANDINGS } from '../../../app/domain/terms.ts';
import { ACTOR, provenDevice, SERIAL } from './rows.ts';

const RULES = { gapMaxMs: 10_000, rebootMaxMs: 900_000 };
const dock = (custody: Custody, change: Partial<DockFacts> = {}, row: Partial<DeviceRow> = {}) =>
  judgeDocking({ serial: SERIAL, slot: 4, device: provenDevice({ custody, ...row }), rules: RULES, unobservedMs: 0, detached: false, nowMs: 1_000_000, ...change });
const types = ({ drafts }: ReturnType<typeof judgeDocking>) => drafts.map(({ type }) => type);
const held: Custody = { kind: 'person', actor: ACTOR, release: 'rel-1', sinceMs: 0, slot: 4, owed: false };

test('hers, in any slot: returned, with her name and the release it ends', () => {
  expect(dock(held, { slot: 9 })).toMatchObject({ kind: 'returned', how: 'return', actor: ACTOR, drafts: [{ type: 'returned', device: SERIAL, actor: ACTOR, slot: 9, body: { how: 'return', release: 'rel-1' } }] });
});

test('pulled though not clean: put back when it is the same slot, returned when it is another', () => {
  const owed = { ...held, owed: true };
  expect(dock(owed)).toMatchObject({ how: 'put-back', actor: ACTOR });
  expect(dock(owed, { slot: 5 })).toMatchObject({ how: 'return', actor: ACTOR });
});

test.each([
  ['nobody had said whose it was', { kind: 'unidentified', release: 'rel-1', slot: 4, sinceMs: 0, claimUntilMs: 9 }, 'put-back'],
  ['the ward answered for it', { kind: 'ward', release: 'rel-1', sinceMs: 0 }, 'found'],
] as const)('%s: %s', (_, custody, how) => expect(dock(custody)).toMatchObject({ kind: 'returned', how, drafts: [{ body: { how, release: 'rel-1' } }] }));

test('never seen before: present, held by nobody', () => expect(dock({ kind: 'unseen' })).toMatchObject({ kind: 'present', drafts: [{ type: 'returned', body: { how: 'unheld' } }] }));

test.each([
  ['back within the time of a restart, same slot', 4, 900_000, ['reappeared']],
  ['a millisecond too late', 4, 900_001, ['exposed', 'returned']],
  ['in time, but in another slot', 5, 1, ['exposed', 'returned']],
] as const)('restarting in its wipe: %s', (_, slot, absentMs, expected) => {
  expect(types(dock({ kind: 'rebooting', slot: 4, sinceMs: 1_000_000 - absentMs, request: 'r1' }, { slot }))).toEqual(expected);
});

test.each([
  ['watched all the time', 4, 0, []],
  ['unseen just short enough', 4, 10_000, []],
  ['unseen a millisecond too long', 4, 10_001, ['exposed']],
  ['unseen for nobody knows how long', 4, undefined, ['exposed']],
  ['in another slot than the ledger says', 5, 0, ['exposed', 'returned']],
] as const)('still there: %s', (_, slot, unobservedMs, expected) => expect(types(dock({ kind: 'cart', slot: 4, sinceMs: 0 }, { slot, unobservedMs }))).toEqual(expected));

test.each([
  ['it stayed on the bus', false, undefined, []],
  ['it left the bus and came back', true, undefined, ['exposed']],
  ['it left the bus as its wipe has it do', true, 'wiping' as const, ['absent', 'reappeared']],
] as const)('unseen for a moment: %s', (_, detached, work, expected) => {
  const row = provenDevice({ custody: { kind: 'cart', slot: 4, sinceMs: 0 } });
  const device = work === undefined ? row : { ...row, evidence: {} };
  expect(types(dock({ kind: 'cart', slot: 4, sinceMs: 0 }, { device, unobservedMs: 1_000, detached }))).toEqual(expected);
});

test('nobody admitted it, or it is retired: foreign; a retired one still ends the custody of whoever held it', () => {
  expect(dock(held, { device: undefined })).toMatchObject({ kind: 'foreign', standing: 'unknown', drafts: [{ type: 'foreign-docked' }] });
  expect(types(dock({ kind: 'cart', slot: 4, sinceMs: 0 }, {}, { standing: 'retired' }))).toEqual(['foreign-docked']);
  expect(types(dock({ kind: 'unseen' }, {}, { standing: 'retired' }))).toEqual(['foreign-docked']);
  expect(dock(held, {}, { standing: 'retired' })).toMatchObject({ kind: 'foreign', standing: 'retired', drafts: [{ type: 'returned', actor: ACTOR }, { type: 'foreign-docked' }] });
});

const custody: fc.Arbitrary<Custody> = fc.oneof(
  fc.record({ kind: fc.constant('cart' as const), slot: fc.integer({ min: 1, max: 3 }), sinceMs: fc.nat(2_000_000) }),
  fc.record({ kind: fc.constant('person' as const), actor: fc.constant(ACTOR), release: fc.constant('r'), sinceMs: fc.nat(2_000_000), slot: fc.integer({ min: 1, max: 3 }), owed: fc.boolean() }),
  fc.record({ kind: fc.constant('unidentified' as const), release: fc.constant('r'), slot: fc.integer({ min: 1, max: 3 }), sinceMs: fc.nat(2_000_000), claimUntilMs: fc.nat() }),
  fc.record({ kind: fc.constant('ward' as const), release: fc.constant('r'), sinceMs: fc.nat(2_000_000) }),
  fc.record({ kind: fc.constant('rebooting' as const), slot: fc.integer({ min: 1, max: 3 }), sinceMs: fc.nat(2_000_000), request: fc.constant('r1') }),
  fc.constant({ kind: 'unseen' as const }),
);

test('whatever is docked wherever: nobody holds it afterwards, and only what was watched without a break escapes a new exposure', () => {
  fc.assert(
    fc.property(custody, fc.constantFrom(...DEVICE_STANDINGS), fc.integer({ min: 1, max: 3 }), fc.option(fc.nat(20_000), { nil: undefined }), fc.boolean(), (before, standing, slot, unobservedMs, detached) => {
      const docking = dock(before, { slot, unobservedMs, detached }, { standing });
      const arrival = docking.drafts.find(({ type }) => type === 'returned');
      if (before.kind === 'person' || before.kind === 'unidentified' || before.kind === 'ward') expect(arrival).toMatchObject({ slot, body: { release: before.release } });
      for (const draft of docking.drafts) expect(draft).toMatchObject({ device: SERIAL, slot });
      if (standing === 'retired' || (before.kind !== 'cart' && before.kind !== 'rebooting')) return;
      const unbroken = before.slot === slot && (before.kind === 'rebooting' ? 1_000_000 - before.sinceMs <= RULES.rebootMaxMs : unobservedMs !== undefined && unobservedMs <= RULES.gapMaxMs && !detached);
      expect(docking.drafts.some(({ type }) => type === 'exposed')).toBe(!unbroken);
    }),
  );
});
