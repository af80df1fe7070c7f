import { afterEach, describe, expect, it } from 'vitest';
import { conversingClock, pass } from '../support/adb/conversing-clock.ts';
import { playedServer, type PlayedServer } from '../support/adb/scripted-server.ts';
import { virtualTablet, type VirtualTablet } from '../support/adb/virtual-tablet.ts';
import { watchedAdapter } from '../support/adb/watched-adapter.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function ward(tablets: readonly VirtualTablet[]) {
  const clock = conversingClock();
  const server: PlayedServer = await playedServer(tablets);
  cleanUps.push(() => server.close());
  const watched = watchedAdapter({ clock, port: server.port });
  cleanUps.push(() => watched.stop());
  return { clock, server, watched };
}

describe('a tablet that takes questions and never answers', () => {
  it('holds a place for three seconds at most: two of them delay the others, and block nobody', async () => {
    const stuck = ['STUCK1', 'STUCK2'].map((serial) => virtualTablet(serial, { mute: true }));
    const well = ['WELL1', 'WELL2', 'WELL3'].map((serial) => virtualTablet(serial));
    const { clock, watched } = await ward([...stuck, ...well]);
    await waitFor('both questions', () => stuck.every(({ asked }) => asked.length === 1));
    expect(well.flatMap(({ asked }) => asked)).toEqual([]);
    clock.advance(2_999);
    expect(watched.standings('STUCK1')).toEqual([]);
    clock.advance(1);
    await Promise.all(well.map(({ serial }) => watched.until(serial, 'read')));
    expect(stuck.map(({ serial }) => watched.standings(serial))).toEqual([['unreadable'], ['unreadable']]);
  });

  it('is asked again ever more seldom, is told once, and is read when it has recovered', async () => {
    const tablet = virtualTablet('STUCK1', { mute: true });
    const { clock, watched } = await ward([tablet]);
    for (const [index, pauseMs] of [5_000, 10_000, 20_000, 40_000, 60_000, 60_000].entries()) {
      await waitFor(`question ${index + 1}`, () => tablet.asked.length === index + 1);
      await pass(clock, 3_000, 1);
      await pass(clock, pauseMs - 1);
      expect(tablet.asked).toHaveLength(index + 1);
      await pass(clock, 1, 1);
    }
    await waitFor('the last question', () => tablet.asked.length === 7);
    expect(watched.standings('STUCK1')).toEqual(['unreadable']);
    tablet.mute = false;
    await pass(clock, 3_000, 1);
    await pass(clock, 60_000);
    await watched.until('STUCK1', 'read');
    expect(watched.standings('STUCK1')).toEqual(['unreadable', 'read']);
  });
});

describe('a tablet that answers', () => {
  it('is asked for its battery every minute and for everything every five, each fact with its age', async () => {
    const tablet = virtualTablet('WELL1');
    const { clock, watched } = await ward([tablet]);
    for (let minute = 0; minute <= 6; minute += 1) {
      tablet.battery = { level: 40 + minute, status: 2 };
      if (minute > 0) await pass(clock, 60_000);
      const told = await waitFor(`reading ${minute}`, () => watched.of('WELL1')[minute]);
      expect(told).toMatchObject({ standing: 'read', readMonoMs: minute * 60_000 });
      if (minute % 5 === 0) expect(told.facts).toMatchObject({ model: 'SM-X300', batteryPercent: 40 + minute });
      else expect(told.facts).toEqual({ batteryPercent: 40 + minute, charging: true, batteryCelsius: 27, batteryHealth: 'good' });
    }
  });

  it('while Android still starts is asked for everything again after a minute', async () => {
    const tablet = virtualTablet('WELL1');
    const { properties } = tablet;
    tablet.properties = {};
    const { clock, watched } = await ward([tablet]);
    await watched.until('WELL1', 'read');
    tablet.properties = properties;
    await pass(clock, 60_000);
    expect((await waitFor('the second reading', () => watched.of('WELL1')[1])).facts).toMatchObject({ model: 'SM-X300' });
  });

  it('is read at once when it comes back from a restart', async () => {
    const tablet = virtualTablet('WELL1');
    const { server, watched } = await ward([tablet]);
    await watched.until('WELL1', 'read');
    server.list(['WELL1 recovery usb:1-1.1 transport_id:1']);
    await watched.until('WELL1', 'offline');
    server.list(['WELL1 device usb:1-1.1 transport_id:2']);
    await watched.until('WELL1', 'read');
    expect(watched.standings('WELL1')).toEqual(['read', 'offline', 'read']);
    expect(tablet.asked).toHaveLength(2);
  });
});

describe('the adapter', () => {
  it('once stopped tells nothing, asks nothing and holds no connection', async () => {
    const tablet = virtualTablet('STUCK1', { mute: true });
    const { clock, server, watched } = await ward([tablet]);
    await waitFor('the question', () => tablet.asked.length === 1);
    await watched.stop();
    await waitFor('no connection', () => server.open() === 0);
    const told = watched.events.length;
    clock.advance(600_000);
    expect(watched.events).toHaveLength(told);
    expect(server.seen()).toBe(2);
  });
});
