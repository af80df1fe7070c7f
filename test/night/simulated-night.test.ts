import { afterAll, describe, expect, it } from 'vitest';
import { judgeNight } from '../support/night/night-judge.ts';
import { playNight, type PlayedNight } from '../support/night/simulated-night.ts';

/** DOCKWARD_NIGHTS and DOCKWARD_SEED widen or move the search; a failing seed is printed and replays with DOCKWARD_NIGHTS=1 DOCKWARD_SEED=N. */
const LONG = process.env['DOCKWARD_LONG'] === '1';
const NIGHTS = Number(process.env['DOCKWARD_NIGHTS'] ?? (LONG ? 200 : 2));
const FIRST_SEED = Number(process.env['DOCKWARD_SEED'] ?? 1);

describe('a night of 32 slots with broken tablets, ports and cables, three power cuts, two hours without network and people who meddle', () => {
  const happened = new Map<string, number>();
  const again: { seed: number; root: string; sheet: string }[] = [];
  let offers = 0;
  afterAll(() => {
    process.stdout.write(`simulated night: ${NIGHTS} from seed ${FIRST_SEED}: ${offers} offers, ${[...happened].map(([what, times]) => `${times} ${what}`).join(', ')}\n`);
  });
  const remember = (seed: number, night: PlayedNight): void => {
    for (const [what, times] of night.happened) happened.set(what, (happened.get(what) ?? 0) + times);
    for (const { type } of night.entries) happened.set(type, (happened.get(type) ?? 0) + 1);
    offers += night.witnessed.filter(({ draft }) => draft.type === 'offered').length;
    again.push({ seed, root: night.root, sheet: JSON.stringify(night.sheet) });
  };

  it(`${NIGHTS} of them: every tablet ends proven, or put aside or missing for a true reason; none is offered unclean, none wiped without cause`, { timeout: NIGHTS * 180_000 }, async () => {
    const wrong: string[] = [];
    for (let seed = FIRST_SEED; seed < FIRST_SEED + NIGHTS; seed += 1) {
      const night = await playNight(seed);
      remember(seed, night);
      for (const what of judgeNight(night)) wrong.push(`seed ${seed}: ${what}; replay with DOCKWARD_NIGHTS=1 DOCKWARD_SEED=${seed}`);
    }
    expect(wrong).toEqual([]);
  });

  it('each of these misfortunes happened, and work was done', () => {
    for (const what of ['power-cut', 'network gone', 'network back', 'swapped', 'pulled and put back', 'used in the dark', 'moved in the dark', 'offered', 'sanitized', 'quarantined', 'exposed', 'night-ended']) expect(happened.get(what), what).toBeGreaterThan(0);
    expect(happened.get('power-cut')).toBe(3 * NIGHTS);
    expect(happened.get('sanitized')).toBeGreaterThan(28 * NIGHTS);
    expect(offers).toBeGreaterThan(8 * NIGHTS);
  });

  it('the same seed gives the same night, entry for entry', { timeout: 180_000 }, async () => {
    const [first] = again;
    if (!first) throw new Error('no night was played');
    const night = await playNight(first.seed);
    expect([night.root, JSON.stringify(night.sheet)]).toEqual([first.root, first.sheet]);
    expect(new Set(again.map(({ root }) => root)).size).toBe(again.length);
  });
});
