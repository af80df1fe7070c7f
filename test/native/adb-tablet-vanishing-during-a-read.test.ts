import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { besideRealAdb } from '../support/adb/beside-real-adb.ts';
import { listUnderWay } from '../support/adb/list-under-way.ts';
import { shellPacket } from '../support/adb/packets.ts';
import { counted, scriptedServer } from '../support/adb/scripted-server.ts';
import { shellAnswer, virtualTablet } from '../support/adb/virtual-tablet.ts';
import { watchedAdapter } from '../support/adb/watched-adapter.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { heldClock } from './held-clock.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

besideRealAdb('a tablet vanishes while the real adb server reads it', {
  'it is gone without a fact; its neighbour is read, and so is it when it comes back': async ({ cart, watch }) => {
    const leaving = virtualTablet('R52T100ABCD', { mute: true });
    const staying = virtualTablet('R52T100EFGH');
    const watched = watch();
    await cart.plug('1-1.1', leaving);
    await waitFor('the question', () => leaving.asked.length > 0);
    await cart.unplug('1-1.1');
    await watched.until(leaving.serial, 'gone');
    await cart.plug('1-1.2', staying);
    await watched.until(staying.serial, 'read');
    expect(watched.standings(leaving.serial)).not.toContain('read');
    expect(watched.standings(leaving.serial).at(-1)).toBe('gone');
    expect(watched.of(leaving.serial).every(({ facts }) => Object.keys(facts).length === 0)).toBe(true);
    leaving.mute = false;
    await cart.plug('1-1.3', leaving);
    await watched.until(leaving.serial, 'read');
    expect(watched.standings(leaving.serial).filter((standing) => standing === 'gone' || standing === 'read')).toEqual(['gone', 'read']);
  },
});

describe('an answer that comes after the tablet has left', () => {
  it('tells nothing, and the place it held is free for others', async () => {
    const tablet = virtualTablet('R52T100ABCD');
    const trackers: Socket[] = [];
    const shells: Socket[] = [];
    const line = 'R52T100ABCD device usb:1-1.1 transport_id:7\n';
    const server = await scriptedServer((service, socket) => {
      socket.write('OKAY');
      if (service === 'host:track-devices-l') {
        trackers.push(socket);
        socket.write(counted(line));
      } else if (service.startsWith('shell')) shells.push(socket);
    });
    cleanUps.push(() => server.close());
    const watched = watchedAdapter({ clock: heldClock(), port: server.port });
    cleanUps.push(() => watched.stop());
    // More often than there are places to read in, so that one that is kept is missed.
    for (let time = 1; time <= 3; time += 1) {
      const shell = await waitFor('the question', () => shells[time - 1]);
      trackers[0]?.write(counted(''));
      await watched.until(tablet.serial, 'gone');
      const { output, exit } = shellAnswer(tablet, 'getprop');
      shell.end(Buffer.concat([shellPacket('stdout', Buffer.from(output)), shellPacket('exit', Buffer.from([exit]))]));
      await waitFor('the end of the read', () => server.open() === 1);
      trackers[0]?.write(counted(line));
    }
    await waitFor('the fourth question', () => shells[3]);
    expect(watched.standings(tablet.serial)).toEqual(['gone', 'gone', 'gone']);
  });
});

describe('a list that was asked for before the tablet left and comes after', () => {
  it('does not bring it back', async () => {
    const { clock, watched, serial, tracker, answer } = await listUnderWay();
    tracker?.write(counted(''));
    await watched.until(serial, 'gone');
    answer();
    await waitFor('the answer', () => clock.underWay() === 0);
    expect(watched.standings(serial)).toEqual(['unauthorised', 'gone']);
  });
});
