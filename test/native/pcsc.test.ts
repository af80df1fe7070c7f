import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, expect } from 'vitest';
import type { ReaderEvent } from '../../native/adapters.ts';
import { systemClock } from '../../native/clock.ts';
import { pcscReaders } from '../../native/readers/pcsc.ts';
import { probePcscService } from '../../native/readers/service-probe.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { killPcscd, startPcscd } from '../support/pcsc/pcscd.ts';
import { slotOf, type PcscTestbed } from '../support/pcsc/testbed.ts';
import { DESFIRE_ATR, insertCard, type CardOptions, type VirtualCard } from '../support/pcsc/virtual-card.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const run = promisify(execFile);
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Names of the slots in which pcscd, asked by another program, sees a card. */
async function slotsWithCard(): Promise<string[]> {
  const listed = await run('opensc-tool', ['-l']);
  return [...listed.stdout.matchAll(/^\d+ +Yes +\S* *(Ward Reader.*)$/gm)].map(([, name = '']) => name.trim());
}

async function untilSlotsWithCard(count: number): Promise<void> {
  while ((await slotsWithCard()).length !== count);
}

/** The adapter with a memory, on empty readers, every slot of the testbed already announced. */
async function ward(testbed: PcscTestbed, probe = probePcscService) {
  await untilSlotsWithCard(0);
  const events: ReaderEvent[] = [];
  const running = pcscReaders({ clock: systemClock, probe }).start((event) => events.push(event));
  cleanUps.push(() => running.stop());
  await waitFor('every reader', () => present(events).size === testbed.readers.length);
  const of = <Name extends ReaderEvent['event']>(name: Name) => events.filter((event): event is Extract<ReaderEvent, { event: Name }> => event.event === name);
  return { events, of, tap: (uid: string) => waitFor(`a tap of ${uid}`, () => of('tap').find((event) => event.uid === uid)) };
}

function present(events: readonly ReaderEvent[]): Set<string> {
  const readers = new Set<string>();
  for (const event of events) {
    if (event.event !== 'reader') continue;
    if (event.state === 'present') readers.add(event.reader);
    else readers.delete(event.reader);
  }
  return readers;
}

async function card(port: number, options: CardOptions): Promise<VirtualCard> {
  const inserted = await insertCard(port, options);
  cleanUps.push(() => inserted.remove());
  return inserted;
}

insidePcscTestbed('badge readers on real pcscd', import.meta.filename, 2, {
  'an empty reader at the start is no removal, and a badge is one tap and one removal': async (testbed) => {
    const { events, tap, of } = await ward(testbed);
    const { name, port } = slotOf(testbed, 0);
    const badge = await card(port, { uid: '04112233445566' });
    await tap('04112233445566');
    await badge.remove();
    await waitFor('the removal', () => of('card-removed').length === 1);
    expect(events.filter(({ event }) => event !== 'adapter' && event !== 'reader')).toEqual([
      { event: 'tap', reader: name, assurance: 'uid', uid: '04112233445566' },
      { event: 'card-removed', reader: name },
    ]);
    expect(badge.apdus).toEqual(['FFCA000000']);
  },

  'pcscd killed in the middle of a tap: readers go, come back, and the badge still there is read': async (testbed) => {
    const { events, of, tap } = await ward(testbed);
    const { port } = slotOf(testbed, 0);
    const interrupted = await card(port, { mute: true });
    await interrupted.asked;
    await killPcscd(testbed);
    await waitFor('all readers gone', () => present(events).size === 0);
    expect(of('adapter').at(-1)).toMatchObject({ state: 'failing', detail: expect.stringContaining('smart-card service') as string });
    await interrupted.remove();
    await startPcscd(testbed);
    await card(port, { uid: '04AA0001' });
    await tap('04AA0001');
    expect(present(events).size).toBe(testbed.readers.length);
    expect(of('adapter').at(-1)).toEqual({ event: 'adapter', state: 'working' });
    expect(of('tap')).toHaveLength(1);
    expect(of('tap-unreadable')).toEqual([]);
  },

  'pcscd killed five times in a row heals five times': async (testbed) => {
    const { of, tap, events } = await ward(testbed);
    for (let time = 1; time <= 5; time += 1) {
      await killPcscd(testbed);
      await waitFor('all readers gone', () => present(events).size === 0);
      await startPcscd(testbed);
      await waitFor('every reader again', () => present(events).size === testbed.readers.length);
      const badge = await card(slotOf(testbed, time % 4).port, { uid: `04BB000${time}` });
      await tap(`04BB000${time}`);
      await badge.remove();
      await waitFor('the removal', () => of('card-removed').length === time);
    }
    expect(of('tap')).toHaveLength(5);
  },

  'a badge left lying on the reader is not tapped again by a restart of pcscd': async (testbed) => {
    let held = false;
    const { of, tap, events } = await ward(testbed, (deadlineMs) => (held ? Promise.resolve('down') : probePcscService(deadlineMs)));
    const { port } = slotOf(testbed, 0);
    const left = await card(port, { uid: '04CC0001' });
    await tap('04CC0001');
    held = true;
    await killPcscd(testbed);
    await waitFor('all readers gone', () => present(events).size === 0);
    await left.remove();
    await startPcscd(testbed);
    const still = await card(port, { uid: '04CC0001' });
    await untilSlotsWithCard(1);
    held = false;
    await still.asked;
    const other = await card(slotOf(testbed, 1).port, { uid: '04CC0002' });
    await tap('04CC0002');
    await still.remove();
    await other.remove();
    await waitFor('both removals', () => of('card-removed').length === 2);
    expect(of('tap').map(({ uid }) => uid)).toEqual(['04CC0001', '04CC0002']);
    await card(port, { uid: '04CC0001' });
    await waitFor('the third tap', () => of('tap').length === 3);
  },

  'a card pulled in the middle of its APDU is unreadable, and the next one is read': async (testbed) => {
    const { events, of, tap } = await ward(testbed);
    const { name, port } = slotOf(testbed, 2);
    const pulled = await card(port, { mute: true });
    await pulled.asked;
    await pulled.remove();
    await waitFor('the removal', () => of('card-removed').length === 1);
    await card(port, { uid: '04DD0001' });
    await tap('04DD0001');
    expect(events.filter(({ event }) => event !== 'adapter' && event !== 'reader')).toEqual([
      { event: 'tap-unreadable', reader: name, cause: 'removed' },
      { event: 'card-removed', reader: name },
      { event: 'tap', reader: name, assurance: 'uid', uid: '04DD0001' },
    ]);
  },

  'a mute card is told while it is still there, and holds up neither the other reader nor the next card': async (testbed) => {
    const { of, tap } = await ward(testbed);
    const { name, port } = slotOf(testbed, 0);
    const mute = await card(port, { mute: true });
    await mute.asked;
    await card(slotOf(testbed, 2).port, { uid: '04EE0001' });
    await tap('04EE0001');
    expect(of('tap-unreadable')).toEqual([]);
    await waitFor('the mute card to be told', () => of('tap-unreadable').length === 1);
    expect(of('tap-unreadable')).toEqual([{ event: 'tap-unreadable', reader: name, cause: 'mute' }]);
    expect(of('card-removed')).toEqual([]);
    await mute.remove();
    await waitFor('its removal', () => of('card-removed').length === 1);
    await card(port, { uid: '04EE0002' });
    await tap('04EE0002');
    expect(of('tap-unreadable')).toHaveLength(1);
  },

  'a badge that bounces in the field, unnoticed by pcscd, is one tap': async (testbed) => {
    const { events, tap } = await ward(testbed);
    const { name, port } = slotOf(testbed, 1);
    const first = await card(port, { mute: true });
    await first.asked;
    // pcscd cannot look at a reader that is busy with an APDU, so a card back at once has never been away for it.
    const gone = first.remove();
    await card(port, { uid: '04BC0001' });
    await gone;
    await tap('04BC0001');
    const told = events.filter(({ event }) => event !== 'adapter' && event !== 'reader');
    expect(told.filter(({ event }) => event === 'tap')).toEqual([{ event: 'tap', reader: name, assurance: 'uid', uid: '04BC0001' }]);
  },

  'two badges on two readers at once are two taps, each on its own reader': async (testbed) => {
    const { of, tap } = await ward(testbed);
    const [first, second] = [slotOf(testbed, 0), slotOf(testbed, 2)];
    await Promise.all([card(first.port, { uid: '0411110001' + '0203' }), card(second.port, { uid: '04222201' })]);
    await Promise.all([tap('04111100010203'), tap('04222201')]);
    expect(new Map(of('tap').map(({ uid, reader }) => [uid, reader]))).toEqual(new Map([['04111100010203', first.name], ['04222201', second.name]]));
  },

  'identifiers that name nobody are refused with their cause': async (testbed) => {
    const { of } = await ward(testbed);
    const { port } = slotOf(testbed, 1);
    const cards: [CardOptions, string][] = [
      [{ uid: '08A1B2C3', atr: DESFIRE_ATR }, 'random-uid'],
      [{ uid: '0401020304' }, 'uid-length'],
      [{ answer: () => '6A81' }, 'protocol'],
      [{ answer: () => '90' }, 'protocol'],
    ];
    for (const [index, [options, cause]] of cards.entries()) {
      const inserted = await card(port, options);
      await waitFor(cause, () => of('tap-unreadable').length === index + 1);
      expect(of('tap-unreadable').at(-1)?.cause).toBe(cause);
      await inserted.remove();
      await waitFor('its removal', () => of('card-removed').length === index + 1);
    }
    expect(of('tap')).toEqual([]);
  },

  'thirty quick taps on one reader are thirty taps, none lost and none told twice': async (testbed) => {
    const { of, tap } = await ward(testbed);
    const { port } = slotOf(testbed, 3);
    const uids = Array.from({ length: 30 }, (_, index) => `04FF${index.toString(16).toUpperCase().padStart(4, '0')}`);
    for (const uid of uids) {
      const badge = await card(port, { uid });
      await tap(uid);
      await badge.remove();
      await waitFor('the removal', () => of('card-removed').length === of('tap').length);
    }
    expect(of('tap').map(({ uid }) => uid)).toEqual(uids);
  },

  'another program that reads every card too costs no tap': async (testbed) => {
    const ours = await ward(testbed);
    const theirs = await ward(testbed);
    const { port } = slotOf(testbed, 2);
    for (let time = 1; time <= 5; time += 1) {
      const badge = await card(port, { uid: `04BE000${time}` });
      await Promise.all([ours.tap(`04BE000${time}`), theirs.tap(`04BE000${time}`)]);
      await badge.remove();
      await waitFor('both removals', () => ours.of('card-removed').length === time && theirs.of('card-removed').length === time);
    }
    expect(ours.of('tap-unreadable')).toEqual([]);
  },

  'opensc sees the same readers and can use the card beside us': async (testbed) => {
    const { events, tap } = await ward(testbed);
    const { name, port } = slotOf(testbed, 0);
    await card(port, { uid: '04AB0001' });
    await tap('04AB0001');
    const listed = await run('opensc-tool', ['-l']);
    for (const reader of present(events)) expect(listed.stdout).toContain(reader);
    const sent = await run('opensc-tool', ['-r', name, '-s', 'FFCA000000']);
    expect(sent.stdout).toMatch(/04 AB 00 01/);
  },
});
