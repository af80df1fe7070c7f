import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually, processesNaming, simulatorAt, startDockward, watchKiosk, type RunningDockward } from '../support/running-dockward.ts';
import { lostAcknowledgements } from './acknowledged.ts';
import { copyLedger, entriesOf, foldedTables, offersWithoutProof, storedTables, type LedgerCopy } from './ledger-copy.ts';
import { offeredUnclean, watchOffers, type SeenOffer, type Truth } from './offer-watch.ts';
import { rememberShown, seeded, workShift, type Shown } from './shift.ts';

const KILLS = Number(process.env['DOCKWARD_KILLS'] ?? (process.env['DOCKWARD_LONG'] === undefined ? '20' : '100'));
const LONGEST_LIFE_MS = 5_000;
/** How long a life may wait for a first proven tablet before its time starts to run anyway. */
const PROOF_PATIENCE_MS = 15_000;

let running: RunningDockward | undefined;
afterEach(async () => {
  await running?.kill();
  running = undefined;
});

/** A data folder that is kept when the test fails, and named. */
async function inDataFolder(work: (data: string) => Promise<void>): Promise<void> {
  const data = await mkdtemp(join(tmpdir(), 'dockward-shift-'));
  try {
    await work(data);
  } catch (error) {
    console.error(`the data folder is kept: ${data}`);
    throw error;
  }
  // PostgreSQL outlives a killed group for the moment that its own shutdown takes.
  await eventually('the last process on the data folder to end', async () => (await processesNaming(data)).length === 0);
  await rm(data, { recursive: true, force: true });
}

function expectWhole(copy: LedgerCopy, shown: Shown, offers: readonly SeenOffer[]): void {
  expect(lostAcknowledgements(shown.messages.values(), copy.entries), 'shown to the page and not in the ledger').toEqual([]);
  expect(storedTables(copy), 'the stored projections against a fold of every entry').toEqual(foldedTables(copy));
  expect(offersWithoutProof(copy.entries)).toEqual([]);
  expect(offeredUnclean(offers, copy.entries), 'offered though not clean').toEqual([]);
}

/** One life of the product: ready, at work, and killed at a random moment. */
async function liveAndDie(data: string, random: () => number, shown: Shown, pulled: Map<string, Truth>): Promise<{ station: string; offers: readonly SeenOffer[] }> {
  const started = await startDockward({ data, flags: ['--at', '06:50'] });
  running = started;
  const waitsForProof = random() < 0.6;
  const lifeMs = random() * LONGEST_LIFE_MS;
  let over = false;
  const isOver = (): boolean => over;
  const simulator = simulatorAt(started.ready.simulator.url);
  const offers = watchOffers(simulator, { over: isOver, pulled });
  const kiosk = watchKiosk(started.ready.kiosk.url, (snapshot) => {
    shown.note(snapshot);
    offers.onSnapshot(snapshot);
  });
  try {
    // A tapping nurse finds the cart as the last life left it: cut off, perhaps.
    if (waitsForProof) {
      await simulator.post('network', { up: true });
      const end = performance.now() + PROOF_PATIENCE_MS;
      await kiosk.until('a first proven tablet', ({ counts }) => counts.ready > 0 || performance.now() > end);
    }
    const shift = workShift({ simulator, kiosk, offers, random, over: isOver });
    // The moment of the kill is what is random here; nothing waits for it.
    await Promise.race([shift, pause(lifeMs)]);
    over = true;
    await started.kill();
    running = undefined;
    await shift;
    await offers.settled();
  } finally {
    over = true;
    kiosk.close();
  }
  return { station: started.ready.station.data, offers: offers.all() };
}

describe('a shift that is killed again and again', () => {
  it(`after each of ${KILLS} kills at random moments: ready again, every acknowledged entry there, custody equal to the fold, nobody offered an unclean tablet`, async () => {
    const seed = Number(process.env['DOCKWARD_SEED'] ?? Date.now() % 1_000_000);
    console.log(`seed ${seed} (DOCKWARD_SEED=${seed} plays these choices again)`);
    const random = seeded(seed);
    const shown = rememberShown();
    const pulled = new Map<string, Truth>();
    let size = 0;
    await inDataFolder(async (data) => {
      for (let kill = 1; kill <= KILLS; kill += 1) {
        const { station, offers } = await liveAndDie(data, random, shown, pulled);
        const copy = await copyLedger(station);
        expect(copy.entries.length, `entries after kill ${kill}`).toBeGreaterThanOrEqual(size);
        size = copy.entries.length;
        expectWhole(copy, shown, offers);
      }
      running = await startDockward({ data, flags: ['--at', '06:50'] });
      const kiosk = watchKiosk(running.ready.kiosk.url);
      await simulatorAt(running.ready.simulator.url).post('network', { up: true });
      await kiosk.until('everything to be on the server', ({ network }) => network.state === 'online' && network.unsynced === 0);
      kiosk.close();
      await running.kill();
      const { entries } = await copyLedger(running.ready.station.data);
      running = undefined;
      expect(entriesOf(entries, 'station-started')).toHaveLength(KILLS + 1);
      const done = { offered: entriesOf(entries, 'offered').length, released: entriesOf(entries, 'released').length, returned: entriesOf(entries, 'returned').length, shown: shown.messages.size };
      console.log(`in ${KILLS} lives: ${JSON.stringify({ entries: entries.length, ...done })}`);
      expect(done.offered, 'offers: a shift without work proves nothing').toBeGreaterThan(KILLS / 4);
      expect(done.released).toBeGreaterThan(KILLS / 8);
      expect(shown.messages.size).toBeGreaterThan(KILLS);
    });
  }, 60_000 + KILLS * 60_000);

  it('Ctrl-C ends everything cleanly, and starting again continues where it was', async () => {
    await inDataFolder(async (data) => {
      running = await startDockward({ data, flags: ['--at', '06:50'] });
      const first = running.ready;
      const simulator = simulatorAt(first.simulator.url);
      const kiosk = watchKiosk(first.kiosk.url);
      const pulled = (await kiosk.until('a first proven tablet', ({ counts }) => counts.ready > 0)).slots.find(({ look }) => look === 'ready');
      await simulator.post('undock', { slot: pulled?.slot ?? 0 });
      const before = await kiosk.until('the removal', ({ message }) => message.kind === 'unidentified');
      kiosk.close();
      expect(await running.interrupt()).toBe(0);
      expect(await processesNaming(data)).toEqual([]);
      expect(running.output()).not.toMatch(/"level":(?:50|60)|Unhandled/);
      const left = await copyLedger(first.station.data);

      running = await startDockward({ data, flags: ['--at', '06:50'] });
      expect(running.ready.station.id).toBe(first.station.id);
      const after = await watchOnce(running.ready.kiosk.url, 'the removal again', before.message.kind);
      expect(after).toEqual(before.message);
      expect(await running.interrupt()).toBe(0);
      running = undefined;
      const { entries } = await copyLedger(first.station.data);
      expect(entries.slice(0, left.entries.length)).toEqual(left.entries);
      expect(entries[left.entries.length]?.type).toBe('station-started');
    });
  });
});

async function watchOnce(url: string, what: string, kind: string): Promise<unknown> {
  const kiosk = watchKiosk(url);
  const { message } = await kiosk.until(what, (snapshot) => snapshot.message.kind === kind);
  kiosk.close();
  return message;
}
