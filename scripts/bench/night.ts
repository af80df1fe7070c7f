import { planNight } from '../../app/domain/night-plan.ts';
import { randomNight } from '../../test/unit/domain/night-random.ts';
import type { Row } from './ledger.ts';
import { at } from './tap.ts';

const WARM_UP = 20;
const NIGHTS = 400;
const SLOTS = 64;
const GOAL_MS = 50;

/**
 * Processor time of the thread that plans, over the tests' random nights, of which most need far less than the worst; each is
 * planned once, after a warm-up on others. The search ends by what it has tried and never by a clock. Its floor is the goal itself.
 */
export function benchNight(): Row[] {
  for (let seed = 1; seed <= WARM_UP; seed += 1) planNight(randomNight(NIGHTS + seed, { slots: SLOTS }));
  const times = Array.from({ length: NIGHTS }, (_, index) => {
    const problem = randomNight(index + 1, { slots: SLOTS });
    const before = process.threadCpuUsage();
    planNight(problem);
    const { user, system } = process.threadCpuUsage(before);
    return (user + system) / 1_000;
  });
  const worst = Math.max(...times);
  return [{ name: `planning a night of ${SLOTS} slots, worst of ${NIGHTS} (median ${at(times, 0.5).toFixed(1)} ms)`, value: worst, unit: 'ms', floor: GOAL_MS, ratio: worst / GOAL_MS, goal: `at most ${GOAL_MS} ms`, met: worst <= GOAL_MS }];
}
