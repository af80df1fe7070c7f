import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { besideRealAdb } from '../support/adb/beside-real-adb.ts';
import { listUnderWay } from '../support/adb/list-under-way.ts';
import { playedServer } from '../support/adb/scripted-server.ts';
import { virtualTablet } from '../support/adb/virtual-tablet.ts';
import { conversingClock, pass } from '../support/adb/conversing-clock.ts';
import { watchedAdapter } from '../support/adb/watched-adapter.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const VARIABLES = ['HOME', 'TMPDIR', 'DOCKWARD_USB_ROOT', 'LD_PRELOAD', 'ADB_LOCAL_TRANSPORT_MAX_PORT'];
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

besideRealAdb('the real adb server is killed', {
  'three times: each tablet is offline once each time, read again each time, and never gone': async ({ cart, server, watch }) => {
    const tablets = [virtualTablet('R52T100ABCD'), virtualTablet('R52T100EFGH')] as const;
    await cart.plug('1-1.1', tablets[0]);
    await cart.plug('1-1.2', tablets[1]);
    const watched = watch();
    const all = (standing: 'read' | 'offline') => Promise.all(tablets.map(({ serial }) => watched.until(serial, standing)));
    await all('read');
    for (let time = 1; time <= 3; time += 1) {
      await server.kill();
      await all('offline');
      expect(watched.states().at(-1)?.state).not.toBe('working');
      await server.start();
      await all('read');
    }
    for (const { serial } of tablets) {
      const standings = watched.standings(serial);
      expect(standings.slice(standings.indexOf('read'))).toEqual(['read', 'offline', 'read', 'offline', 'read', 'offline', 'read']);
    }
    expect(watched.states().at(-1)).toEqual({ event: 'adapter', state: 'working' });
  },

  'and started again by the adapter where it may: the tablet is read, and the server outlives the adapter': async ({ cart, server, after }) => {
    await server.kill();
    const program = join(cart.root, 'adb');
    // The adapter runs what it is given as it is; the test's own home and bus come from this.
    const exports = VARIABLES.map((name) => `export ${name}='${server.env[name] ?? ''}'`);
    writeFileSync(program, ['#!/bin/sh', ...exports, 'exec adb "$@"', ''].join('\n'));
    chmodSync(program, 0o755);
    const watched = watchedAdapter({ port: server.port, start: true, program });
    after(() => server.adb('kill-server'));
    after(() => watched.stop());
    await cart.plug('1-1.1', virtualTablet('R52T100ABCD'));
    await watched.until('R52T100ABCD', 'read');
    expect(watched.states()).toEqual([{ event: 'adapter', state: 'working' }]);
    await watched.stop();
    expect(await server.adb('devices')).toContain('R52T100ABCD');
  },
});

describe('while the adb server was dead', () => {
  it('a tablet was taken out: it is offline, and gone once the new server has had time to find it', async () => {
    const clock = conversingClock();
    const stays = virtualTablet('R52T100ABCD');
    const leaves = virtualTablet('R52T100EFGH');
    const first = await playedServer([stays, leaves]);
    cleanUps.push(() => first.close());
    const watched = watchedAdapter({ clock, port: first.port });
    cleanUps.push(() => watched.stop());
    await watched.until(leaves.serial, 'read');
    await first.close();
    await watched.until(leaves.serial, 'offline');
    const second = await playedServer([stays], first.port);
    cleanUps.push(() => second.close());
    clock.advance(250);
    await watched.until(stays.serial, 'read');
    await pass(clock, 4_900);
    expect(watched.standings(leaves.serial)).toEqual(['read', 'offline']);
    await pass(clock, 100);
    expect(watched.standings(leaves.serial)).toEqual(['read', 'offline', 'gone']);
    expect(watched.standings(stays.serial)).toEqual(['read', 'offline', 'read']);
  });
});

describe('the adb server goes away while it is asked for its list', () => {
  it('what it still answers then changes nothing: the tablet stays offline', async () => {
    const { server, watched, serial, tracker, answer } = await listUnderWay();
    tracker?.destroy();
    await watched.until(serial, 'offline');
    answer();
    await waitFor('the end of the question', () => server.open() === 0);
    expect(watched.standings(serial)).toEqual(['unauthorised', 'offline']);
  });
});

describe('the adb server hangs', () => {
  it('its connections stay open and it answers nothing: tablets are offline within four seconds, and the person is told to restart it', async () => {
    const clock = conversingClock();
    const server = await playedServer([virtualTablet('R52T100ABCD')]);
    cleanUps.push(() => server.close());
    const watched = watchedAdapter({ clock, port: server.port });
    cleanUps.push(() => watched.stop());
    await watched.until('R52T100ABCD', 'read');
    server.hang();
    clock.advance(1_000);
    clock.advance(2_999);
    expect(watched.standings('R52T100ABCD')).toEqual(['read']);
    clock.advance(1);
    expect(watched.standings('R52T100ABCD')).toEqual(['read', 'offline']);
    expect(watched.states().at(-1)).toMatchObject({ state: 'failing', detail: expect.stringContaining('adb kill-server') as string });
  });
});
