import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ReaderEvent } from '../../native/adapters.ts';
import { hidReaders } from '../../native/readers/hid/hid.ts';
import type { HidDevice } from '../../native/readers/hid/node-hid-module.ts';
import { answerBytes, readPcproxCard } from '../../native/readers/hid/pcprox-report.ts';
import { watchPcprox } from '../../native/readers/hid/pcprox-watch.ts';
import { heldClock } from './held-clock.ts';

const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const padded = (hex: string, length: number): Buffer => Buffer.concat([bytes(hex), Buffer.alloc(length)]).subarray(0, length);

describe('a pcProx card', () => {
  it.each([
    // Corporate 1000, 35 bits without parity: number 0x12345, facility 0xABC.
    ['4523C1AB', 32, 'ABC12345'],
    ['0403020100', 37, '0001020304'],
    ['FFFFFFFFFF', 37, '1FFFFFFFFF'],
    ['1122334455667788', 64, '8877665544332211'],
    // What lies beyond the card's bits is of an earlier one.
    ['11223344FFFFFFFF', 32, '44332211'],
  ])('%s of %i bits is %s', (card, bits, uid) => {
    expect(readPcproxCard(padded(card, 8), padded(Buffer.from([bits, bits]).toString('hex'), 8))).toEqual({ ok: true, uid });
  });

  it.each([
    ['D204AB', 24, 'uid-length'],
    ['11223344', 65, 'uid-length'],
    ['11223344', 255, 'uid-length'],
    ['11223344', 0, 'protocol'],
  ])('%s of %i bits names nobody: %s', (card, bits, cause) => {
    expect(readPcproxCard(padded(card, 8), Buffer.from([bits, bits]))).toEqual({ ok: false, cause });
  });

  it('is never anything but 4 to 8 whole bytes in hexadecimal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 12 }), (card, bitCount) => {
        const reading = readPcproxCard(card, bitCount);
        if (reading.ok) expect(reading.uid).toMatch(/^(?:[0-9A-F]{2}){4,8}$/);
      }),
    );
  });

  it('is not read from an answer of another length or number', () => {
    expect(answerBytes(bytes('001122334455667788'))).toEqual(bytes('1122334455667788'));
    for (const answer of ['', '00', '0011223344556677', '011122334455667788', '00112233445566778899']) expect(answerBytes(bytes(answer))).toBeUndefined();
  });
});

/** node-hid's device, answering what the test has lined up: for what no real reader does on command. */
function scripted(answers: string[]) {
  const device: HidDevice = Object.assign(new EventEmitter(), {
    sendFeatureReport: async () => 9,
    getFeatureReport: async () => bytes(`00${answers.shift() ?? '0000000000000000'}`),
    close: async () => {},
  });
  const clock = heldClock();
  const events: ReaderEvent[] = [];
  const watch = watchPcprox({ device, reader: 'R', clock, emit: (event) => events.push(event), resting: new Map(), onLost: () => {} });
  const settle = async () => {
    for (let turns = 0; turns < 4; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  };
  return {
    watch,
    told: () => events.map((event) => ('uid' in event ? `${event.event} ${event.uid}` : event.event)),
    async polls(count: number) {
      await settle();
      for (let poll = 0; poll < count; poll += 1) {
        clock.advance(100);
        await settle();
      }
    },
  };
}

const FIRST = '1122334400000000';
const SECOND = '5566778899000000';
const BITS_32 = '2020000000000000';
const BITS_40 = '2828000000000000';

describe('a reader asked again and again', () => {
  it('whose card is changed between its two questions never tells a number made of both', async () => {
    // The bits of the first, the length of the second.
    const { watch, told, polls } = scripted([FIRST, BITS_40, SECOND, SECOND, BITS_40, SECOND]);
    await polls(1);
    await watch.stop();
    expect(told()).toEqual(['tap 9988776655']);
  });

  it('that does not tell the length yet is asked again', async () => {
    const { watch, told, polls } = scripted([FIRST, '0000000000000000', FIRST, FIRST, BITS_32, FIRST]);
    await polls(1);
    await watch.stop();
    expect(told()).toEqual(['tap 44332211']);
  });
});

const PCPROX = { vendorId: 0x0c27, productId: 0x3bfa };

describe('a machine that cannot read USB badges', () => {
  it('without the driver says what to install, once', async () => {
    const events: ReaderEvent[] = [];
    const running = hidReaders({ clock: heldClock(), load: () => ({ found: false, detail: 'install node-hid' }) }).start((event) => events.push(event));
    await running.stop();
    expect(events).toEqual([{ event: 'adapter', state: 'absent', detail: 'install node-hid' }]);
  });

  it('because this user may not open the reader says so, and tries at 0.25, 0.5, 1, 2, 4 and then every 5 s at the next look', async () => {
    const clock = heldClock();
    const events: ReaderEvent[] = [];
    const triedAt: number[] = [];
    const open = async (): Promise<HidDevice> => {
      triedAt.push(clock.monoMs());
      throw new Error('cannot open device with path /dev/hidraw0');
    };
    const hid = { devicesAsync: async () => [{ ...PCPROX, path: '/dev/hidraw0', usagePage: 0xff00, usage: 1 }], HIDAsync: { open } };
    const running = hidReaders({ clock, load: () => ({ found: true, hid }) }).start((event) => events.push(event));
    for (let look = 0; look < 40; look += 1) {
      await new Promise((resolve) => setImmediate(resolve));
      clock.advance(500);
    }
    await running.stop();
    expect(triedAt).toEqual([0, 500, 1_000, 2_000, 4_000, 8_000, 13_000, 18_000]);
    expect(events).toEqual([{ event: 'adapter', state: 'failing', detail: expect.stringContaining('udev rule') as string }]);
  });

  it('never opens a device of which any part is a keyboard, or that does not say what it is', async () => {
    const events: ReaderEvent[] = [];
    const open = () => Promise.reject(new Error('opened'));
    const devices = [{ path: 'a', usagePage: 1, usage: 6 }, { path: 'a', usagePage: 0xff00, usage: 1 }, { path: 'b' }, { path: 'c', usagePage: 1, usage: 7 }].map((device) => ({ ...PCPROX, ...device }));
    const running = hidReaders({ clock: heldClock(), load: () => ({ found: true, hid: { devicesAsync: async () => devices, HIDAsync: { open } } }) }).start((event) => events.push(event));
    await new Promise((resolve) => setImmediate(resolve));
    await running.stop();
    expect(events).toEqual([{ event: 'adapter', state: 'absent', detail: expect.stringContaining('SDK mode') as string }]);
  });
});
