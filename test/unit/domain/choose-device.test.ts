import fc from 'fast-check';
import { expect, test } from 'vitest';
import { candidates, chooseDevice, commonestReason, held, type Candidate } from '../../../app/domain/choose-device.ts';
import type { UnprovenReason } from '../../../app/domain/terms.ts';
import { RULES } from '../../support/ward-rules.ts';
import { foldedLedger } from './folded-ledger.ts';
import { ACTOR, provenDevice } from './rows.ts';

const one = (slot: number, change: { charge?: number; ward?: string; missing?: UnprovenReason } = {}): Candidate => ({
  device: provenDevice({ serial: `T${slot}`, ward: change.ward ?? '7e', custody: { kind: 'cart', slot, sinceMs: 0 } }),
  live: { slot, serial: `T${slot}`, twice: false },
  chargePercent: change.charge ?? 80,
  unproven: change.missing ? [{ leaf: 'no-exposure', reason: change.missing }] : [],
});
const none: ReadonlySet<string> = new Set();

test('the fullest; of two equally full ones the lower slot', () => {
  expect(chooseDevice([one(1), one(2, { charge: 90 }), one(3, { charge: 90 })], ['7e'], none)?.live.slot).toBe(2);
});

test('never an unproven one, another ward’s, or one that somebody else is asked to take', () => {
  expect(chooseDevice([one(1, { missing: 'exposed' }), one(2, { ward: '8w' }), one(3)], ['7e'], new Set(['T3']))).toBeUndefined();
  expect(chooseDevice([one(1)], [], none)).toBeUndefined();
});

test('whatever stands there: the chosen one is proven, of the ward, free, and none such is fuller', () => {
  const candidate = fc.record({ charge: fc.nat(100), ward: fc.constantFrom('7e', '8w'), missing: fc.constantFrom<UnprovenReason | undefined>(undefined, undefined, 'exposed') });
  fc.assert(
    fc.property(fc.array(candidate, { maxLength: 16 }), fc.array(fc.integer({ min: 1, max: 16 })), (drawn, taken) => {
      const all = drawn.map(({ missing, ...change }, n) => one(n + 1, { ...change, ...(missing ? { missing } : {}) }));
      const offered = new Set(taken.map((slot) => `T${slot}`));
      const fit = all.filter(({ device, unproven }) => unproven.length === 0 && device.ward === '7e' && !offered.has(device.serial));
      const chosen = chooseDevice(all, ['7e'], offered);
      expect(chosen?.chargePercent).toBe(fit.length === 0 ? undefined : Math.max(...fit.map(({ chargePercent }) => chargePercent)));
      if (chosen) expect(fit).toContain(chosen);
    }),
  );
});

test('why there is nothing: what most of her ward’s tablets wait for first', () => {
  expect(commonestReason([one(1, { missing: 'exposed' }), one(2, { missing: 'battery-low' }), one(3, { missing: 'battery-low' }), ...[4, 5, 6].map((slot) => one(slot, { missing: 'lost', ward: '8w' }))], ['7e'])).toBe('battery-low');
  expect(commonestReason([one(1)], ['7e'])).toBeUndefined();
});

test('a cart’s devices in the order of their slots, each with the gate’s word; those in hand are not among them', () => {
  const ledger = foldedLedger();
  for (const [serial, slot] of [['T2', 9], ['T1', 2], ['T3', 5]] as const) {
    ledger.record({ type: 'device-admitted', device: serial, body: { asset: serial, ward: '7e', model: 'm', profile: 'p', bundleVersion: 1 } });
    ledger.record({ type: 'returned', device: serial, slot, body: { how: 'unheld' } });
  }
  ledger.record({ type: 'wrong-pull', device: 'T3', actor: ACTOR, slot: 5, body: { offer: 'o', offeredSlot: 1, release: 'r', reasons: ['exposed'] } });
  const all = candidates({ view: ledger.view, live: [{ slot: 9, serial: 'T2', twice: false }], rules: RULES, ladder: 'fresh', nowMs: 0 });
  expect(all.map(({ device, unproven }) => [device.serial, unproven[0]?.reason])).toEqual([['T1', 'serial-differs'], ['T2', 'wipe-not-requested']]);
  expect(held(ledger.view, ACTOR).map(({ serial }) => serial)).toEqual(['T3']);
});
