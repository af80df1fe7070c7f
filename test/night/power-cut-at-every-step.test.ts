import { describe, expect, it } from 'vitest';
import type { EntryType, RecordedEntry } from '../../app/domain/entries.ts';
import type { MdmPace } from '../../app/simulator/world/mdm-records.ts';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { use } from '../../app/simulator/world/tablet.ts';
import { exposures, offersAndCertificates, wipes } from '../support/night/night-judge.ts';
import { nightWorld, type NightWorld, type Power } from '../support/night/night-world.ts';
import { commandsOf } from '../support/night/simulated-night.ts';
import { MONDAY_NOON_MS } from '../support/turnable-clock.ts';
import { person, tablet } from '../support/ward-policy.ts';
import { RULES } from '../support/ward-rules.ts';

/** A sanitization whose first command expires: its port is switched off and on, and the second one is certified. */
const SERIAL = 'T1';
const SLOT = 3;
const PACE: MdmPace = { deliver: [1_000, 4_000], erase: [20_000, 40_000], enrol: [20_000, 40_000], report: [3_000, 9_000], settle: 60_000, replay: 120_000, reportEvery: 3_600_000 };
const STEP_MS = 15_000;
const LONG = process.env['DOCKWARD_LONG'] === '1';

interface Sanitized {
  readonly world: NightWorld;
  readonly entries: readonly RecordedEntry[];
  /** How many writes the ledger had begun before each of its entries' own. */
  readonly writesBefore: ReadonlyMap<EntryType, readonly number[]>;
  readonly writes: number;
  readonly tookMs: number;
  readonly offered: number;
}

async function sanitize(power?: Power): Promise<Sanitized> {
  const writesBefore = new Map<EntryType, number[]>();
  const world = await nightWorld({
    startMs: MONDAY_NOON_MS,
    slots: 4,
    random: seededRandom(5),
    pace: PACE,
    devices: [{ device: tablet(SERIAL), charge: 90, slot: SLOT }],
    stepMs: STEP_MS,
    togetherMs: 1_000,
    writing: (type, writes) => void writesBefore.set(type, [...(writesBefore.get(type) ?? []), writes]),
  });
  const { cart, mdm, slots } = world;
  try {
    mdm.misbehave({ fault: 'command-expired', serial: SERIAL });
    await world.boot();
    if (power) world.cutPower(power);
    await world.publish([tablet(SERIAL)], { rules: { ...RULES } });
    await world.settle();
    const limitMs = MONDAY_NOON_MS + RULES.sanitizationOverdueMs;
    let offered = 0;
    let used = false;
    const isLong = power !== undefined && power.offMs > 4 * STEP_MS;
    for (let taps = 0; cart.clock.trueMs() < limitMs; taps += 1) {
      await world.passUntil(cart.clock.trueMs() + STEP_MS);
      if (!cart.isOn()) {
        // While nobody can see it somebody takes it, uses it and puts it back.
        if (isLong && !used) useInTheDark(world);
        used = true;
        continue;
      }
      const cutDone = power === undefined || world.cuts() > 0;
      // Each nurse in turn; nobody pulls.
      if (await world.tap(person(taps % 12).uid)) offered += 1;
      if (offered > 0 && cutDone) break;
    }
    await world.settle();
    const entries = await cart.entries();
    expect(slots.isPowered(SLOT), 'the port has its power').toBe(true);
    return { world, entries, writesBefore, writes: cart.writes(), tookMs: cart.clock.trueMs() - MONDAY_NOON_MS, offered };
  } finally {
    await world.close();
  }
}

/** The entries but for the taps. */
const told = (entries: readonly RecordedEntry[]): string => entries.filter(({ type }) => !TAPS.has(type)).map(({ type, body }) => [type, 'kind' in body ? body.kind : undefined].filter(Boolean).join(' ')).join(', ');
const TAPS: ReadonlySet<EntryType> = new Set<EntryType>(['tap-refused', 'offered', 'offer-lapsed']);

function useInTheDark(world: NightWorld): void {
  const taken = world.pull(SLOT);
  if (taken.enrolment !== null && !taken.rebooting) use(taken, 'somebody in the dark');
  world.put(SERIAL, SLOT);
}

const whole = ({ world, entries }: Sanitized): string[] => [...offersAndCertificates(world), ...wipes({ entries, commands: commandsOf(world), erased: world.erased }), ...exposures({ entries, outOfSight: world.outOfSight })];

describe('a sanitization whose first command expires', () => {
  it('is asked for again with its port switched off and on, and certified', async () => {
    const run = await sanitize();
    expect(run.entries.map(({ type }) => type).filter((type) => !TAPS.has(type))).toEqual([
      'station-started', 'bundle-accepted', 'device-admitted', 'returned', 'sanitization-requested', 'sanitization-failed', 'sanitization-requested', 'absent', 'port-cycled',
      ...['statement-accepted', 'reappeared'], ...Array<string>(5).fill('statement-accepted'), 'sanitized',
    ]);
    expect([whole(run), run.offered]).toEqual([[], 1]);
  });
});

describe('the power is cut at every step of it', () => {
  const ways: readonly (readonly [string, Omit<Power, 'writes'>])[] = [
    ['before the ledger has it', { side: 'before', offMs: 7_000, hostAfterMs: 2_000 }],
    ['when the ledger has it and nobody knows', { side: 'after', offMs: 90_000, hostAfterMs: 4_000 }],
    ['and only the program dies', { side: 'after', offMs: 2_000, hostAfterMs: 1_000, programOnly: true }],
  ];
  it.each(ways)('%s: nothing unproven is offered, no request becomes two commands, and it ends certified in time, its port with power', { timeout: 600_000 }, async (_, power) => {
    const uncut = await sanitize();
    const steps = LONG ? Array.from({ length: uncut.writes }, (_step, n) => n) : [...uncut.writesBefore].filter(([type]) => !TAPS.has(type)).flatMap(([, writes]) => writes);
    const wrong: string[] = [];
    let cut = 0;
    for (const writes of [...new Set(steps)].sort((a, b) => a - b)) {
      const run = await sanitize({ ...power, writes });
      cut += run.world.cuts();
      const at = `cut at write ${writes}`;
      for (const what of whole(run)) wrong.push(`${at}: ${what}`);
      if (run.offered === 0) wrong.push(`${at}: it is not offered ${run.tookMs / 60_000} min later: ${told(run.entries)}`);
    }
    expect(wrong).toEqual([]);
    expect(cut).toBe(new Set(steps).size);
  });
});
