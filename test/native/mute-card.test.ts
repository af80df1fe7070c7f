import { expect } from 'vitest';
import { cardAuthority, trustIn } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { PIV_STEPS, pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { askedFor, card, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

/** Of the test authority's cards, unless they are told another. */
const SIGNED_NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';

insidePcscTestbed('a mute card', import.meta.filename, 2, {
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

  'a PIV card that falls silent before its proof is mute, and is not known by its number; other readers go on': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const keys = { '9E': await root.issue() };
    const { of, tap } = await ward(testbed, trustIn([root]));
    const { name, port } = slotOf(testbed, 0);
    const mute = await card(port, pivCard({ keys, muteAt: 'authenticate' }));
    await askedFor(mute, PIV_STEPS.authenticate);
    await card(slotOf(testbed, 2).port, pivCard({ keys }));
    await tap(SIGNED_NAME);
    expect(of('tap-unreadable')).toEqual([]);
    await waitFor('the mute card to be told', () => of('tap-unreadable').length === 1);
    expect(of('tap-unreadable')).toEqual([{ event: 'tap-unreadable', reader: name, cause: 'mute' }]);
    expect(of('tap')).toHaveLength(1);
  },
});
