import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { converseWithCard, type Exchanged } from '../../native/readers/card-link.ts';
import type { PcscReader } from '../../native/readers/pcsclite-module.ts';
import { heldClock } from './held-clock.ts';

/** A reader that answers when the test says so. */
function slowReader() {
  const calls: string[] = [];
  let answer = () => {};
  const reader: PcscReader = Object.assign(new EventEmitter(), {
    name: 'R',
    connect(_: unknown, done: (error: undefined, protocol: number) => void) {
      calls.push('connect');
      done(undefined, 2);
    },
    transmit(_: Buffer, __: number, ___: number, done: (error: undefined, answer: Buffer) => void) {
      calls.push('transmit');
      answer = () => done(undefined, Buffer.from('9000', 'hex'));
    },
    disconnect(_: number, done: (error: undefined) => void) {
      calls.push('disconnect');
      done(undefined);
    },
    close: () => {},
  });
  return { reader, calls, answer: () => answer() };
}

const settle = async () => {
  for (let turns = 0; turns < 4; turns += 1) await turn();
};

it('a card that answers each APDU just in time is left after three seconds in all, and its reader freed when it answers', async () => {
  const { reader, calls, answer } = slowReader();
  const clock = heldClock();
  const heard: Exchanged[] = [];
  let released = false;
  const conversation = converseWithCard({ reader, clock, wanted: () => true }, async (exchange) => {
    for (;;) {
      const exchanged = await exchange(Buffer.from('00', 'hex'));
      heard.push(exchanged);
      if (!exchanged.ok) return exchanged;
    }
  });
  void conversation.released.then(() => (released = true));
  await settle();
  for (const ms of [1_100, 1_100]) {
    clock.advance(ms);
    answer();
    await settle();
  }
  clock.advance(799);
  await settle();
  expect(heard.map(({ ok }) => ok)).toEqual([true, true]);
  clock.advance(1);
  expect(await conversation.outcome).toEqual({ ok: false, cause: 'mute' });
  await settle();
  expect([released, calls]).toEqual([false, ['connect', 'transmit', 'transmit', 'transmit']]);
  answer();
  await conversation.released;
  expect(calls.at(-1)).toBe('disconnect');
});

it('a card that nobody wants any more is sent nothing more', async () => {
  const { reader, calls, answer } = slowReader();
  let wanted = true;
  const conversation = converseWithCard({ reader, clock: heldClock(), wanted: () => wanted }, async (exchange) => {
    await exchange(Buffer.from('00', 'hex'));
    return exchange(Buffer.from('00', 'hex'));
  });
  await settle();
  wanted = false;
  answer();
  expect(await conversation.outcome).toEqual({ ok: false, cause: 'removed' });
  await conversation.released;
  expect(calls).toEqual(['connect', 'transmit', 'disconnect']);
});
