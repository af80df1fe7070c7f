import { EventEmitter } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ReaderEvent } from '../../native/adapters.ts';
import type { PcscReader } from '../../native/readers/pcsclite-module.ts';
import { watchReader } from '../../native/readers/reader-watch.ts';
import { heldClock } from './held-clock.ts';

const EMPTY = 0x12;
const PRESENT = 0x22;
const MUTE = 0x200;
/** A status with the service's count of insertions and removals. */
const counted = (count: number, state: number): number => count * 0x1_0000 + state;

type Answer = (error: Error | undefined, answer: Buffer) => void;

/** A reader whose every call waits for the test's answer: what real readers do only when nobody looks. */
function heldReader() {
  const waiting: Answer[] = [];
  const reader: PcscReader = Object.assign(new EventEmitter(), {
    name: 'R',
    connect: (_: unknown, done: (error: Error | undefined, protocol: number) => void) => done(undefined, 2),
    transmit: (_: Buffer, __: number, ___: number, done: Answer) => void waiting.push(done),
    disconnect: (_: number, done: (error: Error | undefined) => void) => done(undefined),
    close: () => {},
  });
  return { reader, waiting };
}

function watched(resting = new Map<string, string>()) {
  const { reader, waiting } = heldReader();
  const clock = heldClock();
  const events: ReaderEvent[] = [];
  let lost = 0;
  const watch = watchReader({ reader, clock, emit: (event) => events.push(event), resting, onServiceLost: () => (lost += 1) });
  /** Lets what is due run: answers hop out of the native callback, then through promises. */
  const settle = async () => {
    for (let turns = 0; turns < 6; turns += 1) await turn();
  };
  return {
    clock,
    lost: () => lost,
    told: () => events.map((event) => [event.event, ...('uid' in event ? [event.uid] : []), ...('cause' in event ? [event.cause] : [])].join(' ')),
    async status(...states: number[]) {
      for (const state of states) watch.onStatus(state);
      await settle();
    },
    async answer(hex: string | Error) {
      const next = waiting.shift();
      if (next === undefined) throw new Error('nobody asked the card');
      if (hex instanceof Error) next(hex, Buffer.alloc(0));
      else next(undefined, Buffer.from(hex, 'hex'));
      await settle();
    },
    waiting,
    stop: () => watch.stop(),
    settle,
  };
}

describe('presentations of cards', () => {
  it('two taps that the driver merged into one status are two taps', async () => {
    const { status, answer, told } = watched();
    await status(EMPTY, counted(1, PRESENT));
    await answer('04A1B2C39000');
    await status(counted(3, PRESENT));
    await answer('04A1B2C39000');
    await status(counted(4, EMPTY));
    expect(told()).toEqual(['tap 04A1B2C3', 'card-removed', 'tap 04A1B2C3', 'card-removed']);
  });

  it('a status that only says that another program uses the card is no tap', async () => {
    const { status, answer, told, waiting } = watched();
    await status(EMPTY, counted(1, PRESENT));
    await answer('04A1B2C39000');
    await status(counted(1, PRESENT | 0x100), counted(1, PRESENT));
    expect(told()).toEqual(['tap 04A1B2C3']);
    expect(waiting).toHaveLength(0);
  });

  it('a card that the service shows before it has counted it is one tap', async () => {
    const { status, answer, told, waiting } = watched();
    await status(counted(0xfffe, EMPTY), counted(0xfffe, PRESENT), counted(0xffff, PRESENT));
    await answer('04A1B2C39000');
    await status(counted(0xffff, PRESENT | 0x100));
    expect(told()).toEqual(['tap 04A1B2C3']);
    expect(waiting).toHaveLength(0);
    await status(counted(1, PRESENT));
    await answer('04A1B2C39000');
    expect(told()).toEqual(['tap 04A1B2C3', 'card-removed', 'tap 04A1B2C3']);
  });

  it('a badge gone before its answer arrived is a tap and then a removal', async () => {
    const { status, answer, told } = watched();
    await status(EMPTY, counted(1, PRESENT), counted(2, EMPTY));
    expect(told()).toEqual([]);
    await answer('04A1B2C39000');
    expect(told()).toEqual(['tap 04A1B2C3', 'card-removed']);
  });

  it('a card that came and went while a mute one held the reader is told as removed', async () => {
    const { status, clock, answer, told, settle } = watched();
    await status(EMPTY, counted(1, PRESENT));
    clock.advance(1_200);
    await settle();
    await status(counted(2, EMPTY), counted(3, PRESENT), counted(4, EMPTY));
    expect(told()).toEqual(['tap-unreadable mute', 'card-removed', 'tap-unreadable removed', 'card-removed']);
    await answer('');
    await status(counted(5, PRESENT));
    await answer('04A1B2C39000');
    expect(told().slice(4)).toEqual(['tap 04A1B2C3']);
  });

  it('a card that the reader itself calls mute is not asked', async () => {
    const { status, told, waiting } = watched();
    await status(EMPTY, counted(1, PRESENT | MUTE));
    expect(told()).toEqual(['tap-unreadable mute']);
    expect(waiting).toHaveLength(0);
  });

  it('a bouncing badge is asked again seven times in all, then told as removed', async () => {
    const { status, answer, told, clock, settle, waiting } = watched();
    await status(EMPTY, counted(1, PRESENT));
    for (let asked = 1; asked <= 7; asked += 1) {
      expect(told()).toEqual([]);
      await answer(asked % 2 === 0 ? '' : new Error('SCardTransmit error: Transaction failed.(0x80100016)'));
      clock.advance(80);
      await settle();
    }
    expect(told()).toEqual(['tap-unreadable removed']);
    expect(waiting).toHaveLength(0);
  });

  it.each([0x80100068, 0x8010000b])('a badge that another program reset or holds (%i) is read anew', async (code) => {
    const { status, answer, told, clock, settle } = watched();
    await status(EMPTY, counted(1, PRESENT));
    await answer(new Error(`SCardTransmit error: (0x${code.toString(16)})`));
    clock.advance(80);
    await settle();
    await answer('04A1B2C39000');
    expect(told()).toEqual(['tap 04A1B2C3']);
  });

  it('a badge on a reader that answers no more is told as removed, and as a tap when it is back', async () => {
    const { status, answer, told } = watched();
    await status(EMPTY, counted(1, PRESENT));
    await answer('04A1B2C39000');
    await status(0xa, counted(2, PRESENT));
    await answer('04A1B2C39000');
    expect(told()).toEqual(['tap 04A1B2C3', 'card-removed', 'tap 04A1B2C3']);
  });

  it('an answer of the next card is never told as the one that bounced away', async () => {
    const { status, answer, told, clock, settle } = watched();
    await status(EMPTY, counted(1, PRESENT));
    await answer('');
    await status(counted(2, EMPTY), counted(3, PRESENT));
    clock.advance(80);
    await settle();
    await answer('04A1B2C39000');
    expect(told()).toEqual(['tap-unreadable removed', 'card-removed', 'tap 04A1B2C3']);
  });

  it('a service that goes away in the middle is reported as that, and says nothing about the card', async () => {
    const { status, answer, told, lost } = watched();
    await status(EMPTY, counted(1, PRESENT));
    await answer(new Error('SCardTransmit error: RPC transport error.(0x80100013)'));
    expect(lost()).toBe(1);
    expect(told()).toEqual([]);
  });

  it('a badge that lay there before an outage, left unseen and is back is a tap again', async () => {
    const resting = new Map<string, string>();
    const before = watched(resting);
    await before.status(EMPTY, counted(1, PRESENT));
    await before.answer('04A1B2C39000');
    const emptied = watched(resting);
    await emptied.status(EMPTY);
    const after = watched(resting);
    await after.status(counted(1, PRESENT));
    await after.answer('04A1B2C39000');
    expect(after.told()).toEqual(['tap 04A1B2C3']);
  });

  it('after the stop nothing is told, and the stop waits for the call that is open', async () => {
    const { status, answer, told, stop, settle } = watched();
    await status(EMPTY, counted(1, PRESENT));
    let over = false;
    const stopping = stop().then(() => (over = true));
    await settle();
    expect(over).toBe(false);
    await answer('04A1B2C39000');
    await stopping;
    await status(counted(2, EMPTY));
    expect(told()).toEqual([]);
  });
});
