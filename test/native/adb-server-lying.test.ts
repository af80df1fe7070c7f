import type { Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { shellLine } from '../../native/tablets/android-facts.ts';
import { conversingClock, pass } from '../support/adb/conversing-clock.ts';
import { shellPacket } from '../support/adb/packets.ts';
import { counted, playedServer, scriptedServer } from '../support/adb/scripted-server.ts';
import { shellAnswer, virtualTablet } from '../support/adb/virtual-tablet.ts';
import { watchedAdapter, type WatchedAdapter } from '../support/adb/watched-adapter.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const LINE = 'R52T100ABCD device usb:1-1.1 transport_id:1\n';
const MEBIBYTE = 1024 * 1024;
const ENDLESS_BYTES = 64 * MEBIBYTE;
const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Writes the same bytes until the other side has had enough or 64 MiB have been taken. */
function endless(socket: Socket, bytes: string): void {
  const write = () => {
    while (!socket.destroyed && socket.bytesWritten < ENDLESS_BYTES && socket.write(bytes));
  };
  socket.on('drain', write);
  write();
}

/** What answers every request so, then is replaced by an honest server on the same port. */
async function lied(lie: (socket: Socket) => void): Promise<{ readonly watched: WatchedAdapter; readonly heal: () => Promise<void> }> {
  const clock = conversingClock();
  const liar = await scriptedServer((_service, socket) => lie(socket));
  cleanUps.push(() => liar.close());
  const watched = watchedAdapter({ clock, port: liar.port });
  cleanUps.push(() => watched.stop());
  return {
    watched,
    async heal() {
      await liar.close();
      const honest = await playedServer([virtualTablet('R52T100ABCD')], liar.port);
      cleanUps.push(() => honest.close());
      await pass(clock, 5_000);
      await watched.until('R52T100ABCD', 'read');
      expect(watched.states().at(-1)).toEqual({ event: 'adapter', state: 'working' });
      await waitFor('one connection', () => honest.open() === 1);
    },
  };
}

const LIES: Readonly<Record<string, (socket: Socket) => void>> = {
  'another protocol': (socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'),
  'a length that is none': (socket) => socket.write('OKAYzzzz'),
  'a negative length': (socket) => socket.write('OKAY-001'),
  'bytes without sense': (socket) => socket.write(Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 197 + 13) % 256))),
  'a list of a thousand tablets': (socket) => socket.write(`OKAY${counted(Array.from({ length: 1_000 }, (_, index) => `T${index} device\n`).join(''))}`),
  'lists without end': (socket) => {
    socket.write('OKAY');
    endless(socket, counted(LINE).repeat(100));
  },
  'tablets that come and go without end': (socket) => {
    socket.write('OKAY');
    endless(socket, (counted(LINE) + counted('')).repeat(100));
  },
};

describe('an adb server that lies', () => {
  for (const [name, lie] of Object.entries(LIES)) {
    it(`with ${name} is failing, costs bounded work, and honest tablets are read afterwards`, async () => {
      const { watched, heal } = await lied(lie);
      const state = await waitFor('the lie to be noticed', () => watched.states().find((told) => told.state === 'failing'));
      expect(state.detail).toContain("does not speak adb's protocol");
      expect(watched.events.length).toBeLessThan(250);
      await heal();
    });
  }

  const HALVES = { 'first': '', 'second': counted(LINE) };
  for (const [which, before] of Object.entries(HALVES)) {
    it(`with a ${which} list that never becomes whole is dropped in three seconds`, async () => {
      const clock = conversingClock();
      const server = await scriptedServer((service, socket) => {
        if (service === 'host:track-devices-l') socket.write(`OKAY${before}${counted(LINE).slice(0, 20)}`);
        else socket.end(`OKAY${counted(LINE)}`);
      });
      cleanUps.push(() => server.close());
      const watched = watchedAdapter({ clock, port: server.port });
      cleanUps.push(() => watched.stop());
      await (before === '' ? waitFor('the connection', () => server.open() === 1) : watched.until('R52T100ABCD', 'unreadable'));
      clock.advance(2_999);
      expect(watched.states().filter(({ state }) => state === 'failing')).toEqual([]);
      clock.advance(1);
      expect(watched.states().at(-1)).toMatchObject({ state: 'failing', detail: expect.stringContaining('does not answer') as string });
      await waitFor('the connection to be dropped', () => server.open() === 0);
    });
  }

  it('by refusing to list is failing, and the person is told to bring a newer one', async () => {
    const { watched, heal } = await lied((socket) => socket.end(`FAIL${counted('unknown host service')}`));
    const state = await waitFor('the refusal to be told', () => watched.states()[0]);
    expect(state).toMatchObject({ state: 'failing', detail: expect.stringContaining('newer adb') as string });
    await heal();
  });
});

describe('a tablet that lies', () => {
  const answers: Readonly<Record<string, (socket: Socket) => void>> = {
    'an answer without end': (socket) => endless(socket, '\u0001\u0000\u0001\u0000\u0000'.padEnd(256 + 5, 'x').repeat(64)),
    'a packet of two gigabytes': (socket) => socket.end(Buffer.from([1, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3])),
    'an answer of another shell protocol': (socket) => socket.end('[ro.product.model]: [SM-X300]\n'),
    'an answer cut off before its exit code': (socket) => socket.end(Buffer.from([1, 1, 0, 0, 0, 65])),
    'an exit code that is not of the line': (socket) => {
      const { output } = shellAnswer(virtualTablet('R52T100ABCD'), shellLine('whole'));
      socket.end(Buffer.concat([shellPacket('stdout', Buffer.from(output)), shellPacket('exit', Buffer.from([1]))]));
    },
    'a refusal': (socket) => socket.end(`FAIL${counted('closed')}`),
    'the ends of other questions': (socket) => {
      socket.end(Buffer.concat([shellPacket('stdout', Buffer.from('dockward-end 0\n'.repeat(9))), shellPacket('exit', Buffer.from([0]))]));
    },
  };

  for (const [name, answer] of Object.entries(answers)) {
    it(`with ${name} is unreadable, and at most a few buffers of it are taken`, async () => {
      let shell: Socket | undefined;
      const server = await scriptedServer((service, socket) => {
        if (name === 'a refusal' && service.startsWith('shell')) return answer(socket);
        socket.write('OKAY');
        if (service === 'host:track-devices-l') socket.write(counted(LINE));
        if (!service.startsWith('shell')) return;
        shell = socket;
        answer(socket);
      });
      cleanUps.push(() => server.close());
      const watched = watchedAdapter({ clock: conversingClock(), port: server.port });
      cleanUps.push(() => watched.stop());
      await watched.until('R52T100ABCD', 'unreadable');
      await waitFor('the read to be dropped', () => server.open() === 1);
      expect(shell?.bytesWritten ?? 0).toBeLessThan(ENDLESS_BYTES / 4);
      expect(watched.standings('R52T100ABCD')).toEqual(['unreadable']);
    });
  }
});
