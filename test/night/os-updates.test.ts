import { expect, onTestFinished, test } from 'vitest';
import type { Rules } from '../../app/contract/policy-bundle.ts';
import { createCustodyJudge } from '../../app/ledger/custody.ts';
import type { MdmPace } from '../../app/simulator/world/mdm-records.ts';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { uncleanBecause } from '../../app/simulator/world/tablet.ts';
import { exposures, offersAndCertificates, wipes } from '../support/night/night-judge.ts';
import { nightWorld, type NightWorld } from '../support/night/night-world.ts';
import { commandsOf } from '../support/night/simulated-night.ts';
import { wholeServer } from '../support/night/whole-server.ts';
import { NIGHT } from '../support/night-rules.ts';
import { person, tablet as described } from '../support/ward-policy.ts';
import { RULES } from '../support/ward-rules.ts';

const MINUTE_MS = 60_000;
const NIGHT_MS = 80 * MINUTE_MS;
const TO = '2026-11-05';
const PACE: MdmPace = { deliver: [2_000, 9_000], erase: [90_000, 150_000], enrol: [60_000, 120_000], report: [5_000, 20_000], settle: 60_000, replay: 60_000, reportEvery: 1_800_000, download: [2 * MINUTE_MS, 4 * MINUTE_MS], install: [4 * MINUTE_MS, 7 * MINUTE_MS] };

const timeOfDay = (atMs: number): string => new Date(atMs).toISOString().slice(11, 16);

/** The real cart and the real server, with the MDM's double between them over HTTP: T1 to T5 in their slots, used; an update waits for all but T5. */
function nightOf(startMs: number): NonNullable<Rules['overnight']> {
  return { ...NIGHT, from: timeOfDay(startMs + 5 * MINUTE_MS), shift: timeOfDay(startMs + NIGHT_MS), needs: [{ ward: '7e', count: 3, due: timeOfDay(startMs + NIGHT_MS) }], wipeBoundsMs: { least: MINUTE_MS, most: 45 * MINUTE_MS }, update: { megabytes: 900, installMs: 6 * MINUTE_MS } };
}

test('a night of wipes and updates, one that never ends, one that fails, and a program that dies in a restart: all by the plan, nothing unclean offered, nobody wiped twice without cause', { timeout: 120_000 }, async () => {
  const devices = ['T1', 'T2', 'T3', 'T4', 'T5'].map(described);
  const server = await wholeServer(devices);
  onTestFinished(() => server.close());
  const overnight = nightOf(server.startMs);
  await server.central.database.query(`update tenant set rules = jsonb_set(rules, '{overnight}', $1::jsonb)`, [JSON.stringify(overnight)]);
  const world: NightWorld = await nightWorld({
    startMs: server.startMs, slots: 8, random: seededRandom(11), pace: PACE, devices: devices.map((device, n) => ({ device, charge: 90, slot: n + 1 })), stepMs: MINUTE_MS, togetherMs: 2_000, identity: server.identity, server: server.side,
  });
  onTestFinished(() => world.close());
  const { cart, mdm, tablets } = world;
  const of = (serial: string) => {
    const tablet = tablets.get(serial);
    if (!tablet) throw new Error(`there is no tablet ${serial}`);
    return tablet;
  };
  for (const serial of ['T1', 'T2', 'T3', 'T4']) of(serial).updateTo = TO;
  mdm.misbehave({ fault: 'update-never-ends', serial: 'T3' });
  mdm.misbehave({ fault: 'update-fails', serial: 'T4' });
  await world.boot();
  await world.publish(devices, { rules: { ...RULES, overnight } });
  await world.settle();

  const open: { readonly atMs: number; readonly serials: readonly string[] }[] = [];
  const row = (serial: string) => cart.store().view.get('device', serial);
  const isOpen = (serial: string): boolean => row(serial)?.update !== undefined && row(serial)?.update?.outcome === undefined;
  let cut = false;
  let taps = 0;
  for (let minute = 0; minute < 83; minute += 1) {
    await world.passUntil(cart.clock.trueMs() + MINUTE_MS);
    if (!cart.isOn()) continue;
    open.push({ atMs: cart.clock.trueMs(), serials: ['T1', 'T2', 'T3', 'T4', 'T5'].filter(isOpen) });
    if (!cut && of('T1').updating && of('T1').rebooting) {
      cut = true;
      world.cutPower({ writes: 0, side: 'before', offMs: 1_000, hostAfterMs: 500, programOnly: true });
    }
    if (minute % 20 === 0) await world.tap(person((taps += 1) % 12).uid);
  }

  const entries = await cart.entries();
  const outcome = (serial: string) => row(serial)?.update?.outcome;
  expect({ T1: of('T1').patchLevel, T2: of('T2').patchLevel, T3: of('T3').patchLevel, T4: of('T4').patchLevel }).toEqual({ T1: TO, T2: TO, T3: '2026-10-01', T4: '2026-10-01' });
  expect(['T1', 'T2', 'T3', 'T4', 'T5'].map(outcome)).toEqual(['updated', 'updated', 'timed-out', 'timed-out', undefined]);
  expect(Math.max(...open.map(({ serials }) => serials.length))).toBe(2);
  const asked = entries.filter(({ type }) => type === 'update-requested');
  expect(asked.map(({ device }) => device).sort()).toEqual(['T1', 'T2', 'T3', 'T4']);
  const [began, ended] = ['night-began', 'night-ended'].map((type) => entries.find((entry) => entry.type === type)?.seq ?? -1);
  for (const { seq } of asked) expect([seq > (began ?? -1), seq < (ended ?? -1)]).toEqual([true, true]);
  // T4 restarted and came to nothing: wiped once more. T1 and T2 restarted for their updates, and T3 not at all.
  expect(entries.filter(({ type }) => type === 'exposed').map(({ device }) => device)).toEqual(['T4']);
  expect([...world.erased.entries()].sort()).toEqual([['T1', 1], ['T2', 1], ['T3', 1], ['T4', 2], ['T5', 1]]);
  expect([...tablets.values()].filter((tablet) => uncleanBecause(tablet, mdm).length > 0).map(({ serial, profile }) => [serial, profile])).toEqual([]);
  expect([...offersAndCertificates(world), ...wipes({ entries, commands: commandsOf(world), erased: world.erased })]).toEqual([]);
  expect(exposures({ entries, outOfSight: world.outOfSight })).toEqual([]);
  const audit = createCustodyJudge(() => undefined);
  expect(entries.flatMap((entry) => audit.push(entry) ?? [])).toEqual([]);
  const night = cart.store().view.get('cart', 'cart')?.night;
  expect(night?.tally).toMatchObject({ updated: 2, notUpdated: 2 });
  expect(cart.station().snapshot().morning?.exceptions.map(({ serial, reason, next }) => [serial, reason, next])).toEqual([['T3', 'update-failed', 'look-at-update'], ['T4', 'update-failed', 'look-at-update']]);
});
