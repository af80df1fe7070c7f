import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { ReaderEvent } from '../../native/adapters.ts';
import { pcscReaders } from '../../native/readers/pcsc.ts';
import { trustIn } from '../support/pcsc/card-authority.ts';
import { heldClock } from './held-clock.ts';

const PRESENT = 0x1_0022;

/** A reader whose card never answers until the test does; pcscd's USB hotplug, which virtual readers have not, is its `end`. */
function heldReader(name: string) {
  const waiting: ((error: Error | undefined, answer: Buffer) => void)[] = [];
  const reader = Object.assign(new EventEmitter(), {
    name,
    connect: (_: unknown, done: (error: Error | undefined, protocol: number) => void) => done(undefined, 2),
    transmit: (_: Buffer, __: number, ___: number, done: (error: Error | undefined, answer: Buffer) => void) => void waiting.push(done),
    disconnect: (_: number, done: (error: Error | undefined) => void) => done(undefined),
    close: () => {},
  });
  return { reader, waiting };
}

it('a reader unplugged while it reads a card is gone, its late answer is nobody, and the other reader and its return are told', async () => {
  const events: ReaderEvent[] = [];
  const instance = Object.assign(new EventEmitter(), { close: () => {} });
  const adapter = pcscReaders({ clock: heldClock(), load: () => ({ found: true, open: () => instance }), probe: async () => 'answers' });
  const running = adapter.start((event) => events.push(event));
  const settle = async () => {
    for (let turns = 0; turns < 8; turns += 1) await turn();
  };
  const plug = async (name: string) => {
    const held = heldReader(name);
    instance.emit('reader', held.reader);
    held.reader.emit('status', { state: PRESENT });
    await settle();
    return held;
  };
  await settle();
  const [yanked, other] = [await plug('A'), await plug('B')];
  yanked.reader.emit('end');
  yanked.waiting[0]?.(undefined, Buffer.from('04A1B2C39000', 'hex'));
  other.waiting[0]?.(undefined, Buffer.from('04D4E5F69000', 'hex'));
  await settle();
  running.trust?.({ ...trustIn([]), authorities: ['AAAA'] });
  expect(await running.cardPin?.('A', '04A1B2C3', '123456')).toEqual({ ok: false, reason: 'card-gone' });
  const back = await plug('A');
  expect(back.waiting).toHaveLength(1);
  back.waiting[0]?.(new Error('SCardTransmit error: RPC transport error.(0x80100013)'), Buffer.alloc(0));
  await settle();
  expect(await running.cardPin?.('B', '04D4E5F6', '123456')).toEqual({ ok: false, reason: 'adapter-failing' });
  await running.stop();
  expect(events).toEqual([
    { event: 'adapter', state: 'working' },
    { event: 'reader', reader: 'A', state: 'present' },
    { event: 'reader', reader: 'B', state: 'present' },
    { event: 'reader', reader: 'A', state: 'gone' },
    { event: 'tap', reader: 'B', assurance: 'uid', uid: '04D4E5F6' },
    { event: 'adapter', state: 'working', detail: expect.stringContaining("1 of the policy's card authorities") as string },
    { event: 'reader', reader: 'A', state: 'present' },
    { event: 'reader', reader: 'B', state: 'gone' },
    { event: 'reader', reader: 'A', state: 'gone' },
    { event: 'adapter', state: 'failing', detail: expect.stringContaining('went away while a badge was read') as string },
  ]);
});
