import { expect, test } from 'vitest';
import { forecastReadiness } from '../../../app/domain/readiness.ts';

const NOW_MS = 1_000_000;
const tablet = (slot: number, ward: string, readyMs?: number) => ({ slot, serial: `T${slot}`, ward, ...(readyMs === undefined ? {} : { readyMs }) });

test('one is clean, one will be, one will not: what the ward has now, by each hour and by the shift', () => {
  const plan = {
    tablets: [tablet(1, '7e', NOW_MS), tablet(2, '7e', NOW_MS + 500), tablet(3, '7e')],
    needs: [{ ward: '7e', count: 3, dueMs: NOW_MS + 900 }, { ward: '7e', count: 2, dueMs: NOW_MS + 400, metMs: NOW_MS + 500 }],
    short: [{ ward: '7e', shortBy: 1, because: [{ reason: 'quarantined' as const, count: 1 }] }],
  };
  expect(forecastReadiness(plan, NOW_MS)).toEqual([
    {
      ward: '7e',
      needed: 3,
      cleanNow: 1,
      cleanByShift: 2,
      shortBy: 1,
      because: [{ reason: 'quarantined', count: 1 }],
      dues: [
        { dueMs: NOW_MS + 400, count: 2, ready: 1, shortBy: 1, metMs: NOW_MS + 500 },
        { dueMs: NOW_MS + 900, count: 3, ready: 2, shortBy: 1 },
      ],
    },
  ]);
});

test('a ward that needs nothing but has tablets here is told of; one that needs some and has none is short of all', () => {
  const plan = { tablets: [tablet(1, '8w', NOW_MS)], needs: [{ ward: '7e', count: 2, dueMs: NOW_MS }], short: [{ ward: '7e', shortBy: 2, because: [{ reason: 'absent' as const, count: 2 }] }] };
  expect(forecastReadiness(plan, NOW_MS).map(({ ward, needed, cleanNow, cleanByShift, shortBy }) => [ward, needed, cleanNow, cleanByShift, shortBy])).toEqual([['7e', 2, 0, 0, 2], ['8w', 0, 1, 1, 0]]);
});
