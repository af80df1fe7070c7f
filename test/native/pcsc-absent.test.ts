import { EventEmitter } from 'node:events';
import { describe, expect, it } from 'vitest';
import type { ReaderEvent } from '../../native/adapters.ts';
import { readUidAnswer } from '../../native/readers/badge-uid.ts';
import { pcscReaders } from '../../native/readers/pcsc.ts';
import type { ServiceAnswer } from '../../native/readers/service-probe.ts';
import { heldClock } from './held-clock.ts';

const bytes = (hex: string): Uint8Array => Buffer.from(hex, 'hex');

describe('a machine that cannot read badges', () => {
  it('without the driver names what to install, once', async () => {
    const events: ReaderEvent[] = [];
    const running = pcscReaders({ clock: heldClock(), load: () => ({ found: false, detail: 'install pcscd' }) }).start((event) => events.push(event));
    await running.stop();
    expect(events).toEqual([{ event: 'adapter', state: 'absent', detail: 'install pcscd' }]);
  });

  it('without the service tries again at 0.25, 0.5, 1, 2, 4 and then every 5 s, and says it once', async () => {
    const clock = heldClock();
    const events: ReaderEvent[] = [];
    const triedAt: number[] = [];
    const probe = async (): Promise<ServiceAnswer> => {
      triedAt.push(clock.monoMs());
      return 'down';
    };
    const open = () => {
      throw new Error('opened a service that is down');
    };
    const running = pcscReaders({ clock, load: () => ({ found: true, open }), probe }).start((event) => events.push(event));
    const turns = [0, 250, 500, 1_000, 2_000, 4_000, 5_000, 5_000];
    for (const ms of turns) {
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running.stop();
    clock.advance(60_000);
    expect(triedAt).toEqual([0, 250, 750, 1_750, 3_750, 7_750, 12_750, 17_750]);
    expect(events).toEqual([{ event: 'adapter', state: 'failing', detail: expect.stringContaining('systemctl start pcscd') as string }]);
  });

  it('whose service dies with no reader plugged in is told so, and opened anew', async () => {
    const clock = heldClock();
    const events: ReaderEvent[] = [];
    const instances: (EventEmitter & { closed: boolean; close(): void })[] = [];
    const open = () => {
      const instance = Object.assign(new EventEmitter(), {
        closed: false,
        close() {
          instance.closed = true;
        },
      });
      instances.push(instance);
      return instance;
    };
    const settle = async () => {
      for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve));
    };
    const running = pcscReaders({ clock, load: () => ({ found: true, open }), probe: async () => 'answers' }).start((event) => events.push(event));
    await settle();
    clock.advance(1_000);
    instances[0]?.emit('error', new Error('SCardGetStatusChange error: RPC transport error.(0x80100013)'));
    await settle();
    clock.advance(499);
    await settle();
    expect(instances.map(({ closed }) => closed)).toEqual([false, false]);
    clock.advance(1);
    await settle();
    await running.stop();
    // The last is left to the process's end: closing joins threads that may have missed the word.
    expect(instances.map(({ closed }) => closed)).toEqual([true, false]);
    expect(events).toEqual([
      { event: 'adapter', state: 'absent', detail: expect.stringContaining('no badge reader is plugged in') as string },
      { event: 'adapter', state: 'failing', detail: expect.stringContaining('service stopped') as string },
    ]);
  });

  it('where the service refuses says its words and tries again', async () => {
    const clock = heldClock();
    const events: ReaderEvent[] = [];
    let opened = 0;
    const open = () => {
      opened += 1;
      throw new Error('SCardEstablishContext error: Access denied.(0x8010006A)');
    };
    const running = pcscReaders({ clock, load: () => ({ found: true, open }), probe: async () => 'answers' }).start((event) => events.push(event));
    for (const ms of [0, 250]) {
      clock.advance(ms);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await running.stop();
    expect(opened).toBe(2);
    expect(events).toEqual([{ event: 'adapter', state: 'failing', detail: expect.stringContaining('Access denied') as string }]);
  });
});

describe('an answer to Get UID', () => {
  it.each([
    ['04A1B2C39000', '04A1B2C3'],
    ['041122334455669000', '04112233445566'],
    ['010203040506070809 0A 9000'.replaceAll(' ', ''), '0102030405060708090A'],
    // Only a single-size identifier can be random; a double-size one may start so.
    ['081122334455669000', '08112233445566'],
  ])('%s is the badge %s', (answer, uid) => {
    expect(readUidAnswer(bytes(answer))).toEqual({ ok: true, uid });
  });

  it.each([
    ['', 'removed'],
    ['90', 'protocol'],
    ['6A81', 'protocol'],
    ['04A1B2C36300', 'protocol'],
    ['9000', 'uid-length'],
    ['04A1B29000', 'uid-length'],
    ['04A1B2C3D49000', 'uid-length'],
    ['08A1B2C39000', 'random-uid'],
  ])('%s names nobody: %s', (answer, cause) => {
    expect(readUidAnswer(bytes(answer))).toEqual({ ok: false, cause });
  });
});
