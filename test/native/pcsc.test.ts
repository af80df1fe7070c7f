import { expect } from 'vitest';
import { probePcscService } from '../../native/readers/service-probe.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { killPcscd, startPcscd } from '../support/pcsc/pcscd.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { DESFIRE_ATR, type CardOptions } from '../support/pcsc/virtual-card.ts';
import { card, present, run, untilSlotsWithCard, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

insidePcscTestbed('badge readers on real pcscd', import.meta.filename, 2, {
  'an empty reader at the start is no removal, and a badge is one tap and one removal': async (testbed) => {
    const { cards, of, tap } = await ward(testbed);
    const { name, port } = slotOf(testbed, 0);
    const badge = await card(port, { uid: '04112233445566' });
    await tap('04112233445566');
    await badge.remove();
    await waitFor('the removal', () => of('card-removed').length === 1);
    expect(cards()).toEqual([
      { event: 'tap', reader: name, assurance: 'uid', uid: '04112233445566' },
      { event: 'card-removed', reader: name },
    ]);
    expect(badge.apdus).toEqual(['FFCA000000']);
  },

  'a badge left lying on the reader is not tapped again by a restart of pcscd': async (testbed) => {
    let held = false;
    const { of, tap, events } = await ward(testbed, undefined, (deadlineMs) => (held ? Promise.resolve('down') : probePcscService(deadlineMs)));
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

  'a badge that bounces in the field, unnoticed by pcscd, is one tap': async (testbed) => {
    const { cards, tap } = await ward(testbed);
    const { name, port } = slotOf(testbed, 1);
    const first = await card(port, { mute: true });
    await first.asked;
    // pcscd cannot look at a reader that is busy with an APDU, so a card back at once has never been away for it.
    const gone = first.remove();
    await card(port, { uid: '04BC0001' });
    await gone;
    await tap('04BC0001');
    const told = cards();
    expect(told.filter(({ event }) => event === 'tap')).toEqual([{ event: 'tap', reader: name, assurance: 'uid', uid: '04BC0001' }]);
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
