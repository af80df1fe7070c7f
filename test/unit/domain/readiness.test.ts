import { expect, test } from 'vitest';
import type { Candidate } from '../../../app/domain/choose-device.ts';
import { forecastReadiness } from '../../../app/domain/readiness.ts';

const NOW_MS = 1_000_000;
const tablet = (slot: number, ward: string, readyMs?: number) => ({ slot, serial: `T${slot}`, ward, ...(readyMs === undefined ? {} : { readyMs }) });
/** Only what the count reads of a candidate: its ward and whether anything is unproven. */
const judged = (ward: string, proven: boolean) => ({ device: { ward }, unproven: proven ? [] : [{ leaf: 'exposure', reason: 'exposed' }] }) as unknown as Candidate;

test('one is clean, one will be, one will not: what the ward has now, what it will have by the shift, and what it lacks with the reason', () => {
  const plan = {
    tablets: [tablet(1, '7e', NOW_MS), tablet(2, '7e', NOW_MS + 500), tablet(3, '7e')],
    needs: [{ ward: '7e', count: 3, dueMs: NOW_MS + 900 }],
    short: [{ ward: '7e', shortBy: 1, because: [{ reason: 'quarantined' as const, count: 1 }] }],
  };
  expect(forecastReadiness(plan, [judged('7e', true), judged('7e', false), judged('7e', false)])).toEqual([{ ward: '7e', needed: 3, cleanNow: 1, cleanByShift: 2, shortBy: 1, because: 'quarantined' }]);
});

test('a ward stands there twice, two at six and three at seven: it needs three, not five, and is met when the third is ready', () => {
  const plan = {
    tablets: [tablet(1, '7e', NOW_MS + 700), tablet(2, '7e', NOW_MS), tablet(3, '7e', NOW_MS + 500), tablet(4, '7e', NOW_MS + 900)],
    needs: [{ ward: '7e', count: 2, dueMs: NOW_MS + 600 }, { ward: '7e', count: 3, dueMs: NOW_MS + 1_000 }],
    short: [],
  };
  expect(forecastReadiness(plan, [judged('7e', true)])).toEqual([{ ward: '7e', needed: 3, cleanNow: 1, cleanByShift: 4, shortBy: 0, metMs: NOW_MS + 700 }]);
});

test('nobody needs any, though tablets stand here: nothing is told; a ward that needs none is not short of one', () => {
  const tablets = [tablet(1, '8w', NOW_MS), tablet(2, '8w')];
  expect(forecastReadiness({ tablets, needs: [], short: [] }, [judged('8w', true)])).toEqual([]);
  expect(forecastReadiness({ tablets, needs: [{ ward: '8w', count: 0, dueMs: NOW_MS }], short: [] }, [judged('8w', true)])).toEqual([{ ward: '8w', needed: 0, cleanNow: 1, cleanByShift: 1, shortBy: 0 }]);
});

test('a ward that needs some and has none here is short of all; tablets of another ward do not make up for it', () => {
  const plan = { tablets: [tablet(1, '8w', NOW_MS)], needs: [{ ward: '7e', count: 2, dueMs: NOW_MS }], short: [{ ward: '7e', shortBy: 2, because: [{ reason: 'absent' as const, count: 2 }] }] };
  expect(forecastReadiness(plan, [judged('8w', true)])).toEqual([{ ward: '7e', needed: 2, cleanNow: 0, cleanByShift: 0, shortBy: 2, because: 'absent' }]);
});
