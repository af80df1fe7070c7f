import { expect } from 'vitest';
import { cardAuthority, trustIn } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { card, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

insidePcscTestbed('two cards at once', import.meta.filename, 2, {
  'two badges on two readers at once are two taps, each on its own reader': async (testbed) => {
    const { of, tap } = await ward(testbed);
    const [first, second] = [slotOf(testbed, 0), slotOf(testbed, 2)];
    await Promise.all([card(first.port, { uid: '0411110001' + '0203' }), card(second.port, { uid: '04222201' })]);
    await Promise.all([tap('04111100010203'), tap('04222201')]);
    expect(new Map(of('tap').map(({ uid, reader }) => [uid, reader]))).toEqual(new Map([['04111100010203', first.name], ['04222201', second.name]]));
  },

  'a PIV card and a storage card at once, and then two PIV cards, are each known on their own reader': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const uuids = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b'];
    const [one, other] = await Promise.all(uuids.map(async (uuid) => pivCard({ keys: { '9E': await root.issue({ uuid }) } })));
    const { of, tap } = await ward(testbed, trustIn([root]));
    const [first, second] = [slotOf(testbed, 0), slotOf(testbed, 2)];
    const both = [await card(first.port, { ...one }), await card(second.port, { uid: '04222202' })];
    await Promise.all([tap('0000000000004000800000000000000A'), tap('04222202')]);
    await Promise.all(both.map((inserted) => inserted.remove()));
    await waitFor('both removals', () => of('card-removed').length === 2);
    await Promise.all([card(second.port, { ...one }), card(first.port, { ...other })]);
    await waitFor('both taps', () => of('tap').length === 4);
    expect(of('tap').map(({ reader, assurance, uid }) => `${reader} ${assurance} ${uid}`).sort()).toEqual(
      [
        `${first.name} crypto 0000000000004000800000000000000A`,
        `${first.name} crypto 0000000000004000800000000000000B`,
        `${second.name} crypto 0000000000004000800000000000000A`,
        `${second.name} uid 04222202`,
      ].sort(),
    );
  },
});
