import { expect } from 'vitest';
import { cardAuthority, trustIn } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { plugReader, unplugReader } from '../support/pcsc/pcscd.ts';
import { pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { afterwards, card, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

/** Of the test authority's cards, unless they are told another. */
const SIGNED_NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';

insidePcscTestbed('a reader yanked off its cable', import.meta.filename, 2, {
  'with a card on it tells the card as removed, and reads whatever lies there when it is back': async (testbed) => {
    const { cards, of, tap } = await ward(testbed);
    const reader = slotOf(testbed, 0);
    afterwards(async () => plugReader(reader));
    const lying = await card(reader.port, { uid: '04DE0001' });
    await tap('04DE0001');
    unplugReader(reader);
    await waitFor('the removal', () => of('card-removed').length === 1);
    await card(slotOf(testbed, 2).port, { uid: '04DE0002' });
    await tap('04DE0002');
    await lying.remove();
    await card(reader.port, { uid: '04DE0003' });
    plugReader(reader);
    await tap('04DE0003');
    expect(cards()).toEqual([
      { event: 'tap', reader: reader.name, assurance: 'uid', uid: '04DE0001' },
      { event: 'card-removed', reader: reader.name },
      { event: 'tap', reader: slotOf(testbed, 2).name, assurance: 'uid', uid: '04DE0002' },
      { event: 'tap', reader: reader.name, assurance: 'uid', uid: '04DE0003' },
    ]);
  },

  'in the middle of a PIV card leaves an unreadable card and its removal, and no number': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const keys = { '9E': await root.issue() };
    const { cards, of, tap } = await ward(testbed, trustIn([root]));
    const reader = slotOf(testbed, 0);
    afterwards(async () => plugReader(reader));
    const genuine = pivCard({ keys });
    const interrupted = await card(reader.port, {
      ...genuine,
      answer(apdu) {
        if (apdu.startsWith('00CB')) unplugReader(reader);
        return genuine.answer(apdu);
      },
    });
    await waitFor('the removal', () => of('card-removed').length === 1);
    await interrupted.remove();
    plugReader(reader);
    await card(reader.port, pivCard({ keys }));
    await tap(SIGNED_NAME);
    expect(cards()).toEqual([
      { event: 'tap-unreadable', reader: reader.name, cause: 'removed' },
      { event: 'card-removed', reader: reader.name },
      { event: 'tap', reader: reader.name, assurance: 'crypto', uid: SIGNED_NAME },
    ]);
  },
});
