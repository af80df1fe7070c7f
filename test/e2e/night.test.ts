import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import ward from '../../resources/demo/ward.json' with { type: 'json' };
import type { WorldView } from '../../app/simulator/world-view.ts';
import { eventually, simulatorAt, startDockward, watchKiosk, type KioskWire, type RunningDockward, type SimulatorClient } from '../support/running-dockward.ts';
import { copyLedger, entriesOf, foldedTables, offersWithoutProof, storedTables } from './ledger-copy.ts';

/** What a fast clock would leave behind if the programs took its haste for something that happened. */
const FALSE_ALARMS = ['clock-stepped', 'host-lost', 'host-restored', 'exposed', 'unidentified-removal', 'statement-refused', 'bundle-refused', 'sanitization-failed', 'quarantined', 'hub-lost'] as const;
/** Of fourteen tablets one stands in a slot with a bad cable. */
const READABLE = 13;
/** So many of these have an update of their system waiting. */
const UPDATES = ward.devices.filter((device) => 'updateTo' in device).length;
/** The ward's rules begin no more wipes than these at once. */
const AT_ONCE = ward.rules.overnight.limits.wipes;

let data: string;
let dockward: RunningDockward;
let simulator: SimulatorClient;
let wire: KioskWire;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'dockward-night-'));
  dockward = await startDockward({ data, flags: ['--at', '05:00'] });
  simulator = simulatorAt(dockward.ready.simulator.url);
  wire = watchKiosk(dockward.ready.kiosk.url);
});
afterAll(async () => {
  wire?.close();
  await dockward?.interrupt();
  await rm(data, { recursive: true, force: true });
});

const when = (what: string, holds: (world: WorldView) => boolean): Promise<WorldView> =>
  eventually(
    () => `${what}; the programs said:\n${dockward.output().slice(-4_000)}`,
    async () => {
      const world = await simulator.world();
      return holds(world) && world;
    },
    120_000,
    200,
  );

it('from the panel: the last hours of a night go by in seconds, and the morning sheet says what is true', async () => {
  await when('the device host', ({ deviceHost }) => deviceHost.connected);
  await simulator.post('night', { speed: 200, evening: false, seed: 5 });
  const world = await when('the night to be over', ({ night }) => night?.phase === 'over');
  expect(world.night?.tablets).toEqual({ clean: READABLE, stuck: 1, owed: 0, underWay: 0, out: 0 });

  const { morning, night, slots, clockUnsure } = await wire.until('the morning sheet', (snapshot) => snapshot.morning !== undefined);
  expect({ night, clockUnsure }).toEqual({ night: undefined, clockUnsure: false });
  const clean = new Set(world.tablets.flatMap((tablet) => (tablet.clean && tablet.slot !== null ? [tablet.slot] : [])));
  expect(new Set(slots.flatMap(({ slot, look }) => (look === 'ready' ? [slot] : [])))).toEqual(clean);
  expect(morning?.needs.map(({ ward, needed, ready, shortBy }) => [ward, needed, ready, shortBy])).toEqual(world.night?.wards.map(({ name, needed, clean: truly }) => [name, needed, truly, 0]));
  expect(morning?.exceptions.map(({ slot, reason, next }) => [slot, reason, next])).toEqual([[6, 'unreadable', 'swap-cable']]);
  expect(morning?.done).toEqual({ sanitized: READABLE, failed: 0, quarantined: 0, starts: 0, updated: UPDATES });

  const copy = await copyLedger(dockward.ready.station.data);
  const { entries } = copy;
  expect(storedTables(copy)).toEqual(foldedTables(copy));
  expect(FALSE_ALARMS.map((type) => [type, entriesOf(entries, type).length]).filter(([, times]) => times !== 0)).toEqual([]);
  expect(entriesOf(entries, 'night-began')).toHaveLength(1);
  expect(entriesOf(entries, 'night-ended').map(({ body }) => body.done.sanitized)).toEqual([READABLE]);
  expect(entriesOf(entries, 'updated').map(({ body: { before, after } }) => [before, after])).toEqual(Array.from({ length: UPDATES }, () => ['16 2026-10-01', '16 2026-11-05']));
  expect(new Set(entriesOf(entries, 'sanitized').map(({ device }) => device)).size).toBe(READABLE);
  // Their real minutes, but for those that may have begun before the night was played: it is not made of wipes that take seconds.
  const absences = entriesOf(entries, 'reappeared').map(({ body }) => body.absenceMs);
  expect(absences).toHaveLength(READABLE + UPDATES);
  expect(absences.filter((ms) => ms > 2 * 60_000).length).toBeGreaterThanOrEqual(READABLE + UPDATES - AT_ONCE);
  expect(offersWithoutProof(entries)).toEqual([]);
});

it('back at its own pace, a tablet that is used is clean again within seconds', async () => {
  const { at } = await simulator.world();
  await simulator.post('tap', { staff: 's1001', proves: true });
  const { message } = await wire.until('a slot', (snapshot) => snapshot.message.kind === 'take');
  if (message.kind !== 'take') throw new Error('waited for it above');
  await simulator.post('undock', { slot: message.slot, staff: 's1001' });
  await wire.until('it to be taken', (snapshot) => snapshot.message.kind === 'taken');
  const serial = (await simulator.world()).tablets.find(({ inHandOf }) => inHandOf === 's1001')?.serial ?? '';
  await simulator.post('dock', { serial, slot: message.slot });
  const world = await when('it to be clean', ({ tablets }) => tablets.some((tablet) => tablet.serial === serial && tablet.clean));
  expect(Date.parse(world.at) - Date.parse(at)).toBeLessThan(4 * 60_000);
  await wire.until('it to be ready', ({ slots }) => slots.some((each) => each.slot === message.slot && each.look === 'ready'));
});
