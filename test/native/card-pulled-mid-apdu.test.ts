import { expect } from 'vitest';
import { cardAuthority, trustIn } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { PIV_STEPS, pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { askedFor, card, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

/** Of the test authority's cards, unless they are told another. */
const SIGNED_NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';

insidePcscTestbed('a card pulled in the middle of an APDU', import.meta.filename, 2, {
  'a card pulled in the middle of its APDU is unreadable, and the next one is read': async (testbed) => {
    const { cards, of, tap } = await ward(testbed);
    const { name, port } = slotOf(testbed, 2);
    const pulled = await card(port, { mute: true });
    await pulled.asked;
    await pulled.remove();
    await waitFor('the removal', () => of('card-removed').length === 1);
    await card(port, { uid: '04DD0001' });
    await tap('04DD0001');
    expect(cards()).toEqual([
      { event: 'tap-unreadable', reader: name, cause: 'removed' },
      { event: 'card-removed', reader: name },
      { event: 'tap', reader: name, assurance: 'uid', uid: '04DD0001' },
    ]);
  },

  'a PIV card pulled in the middle of any of its APDUs is unreadable, never known by its number, and the next one is read': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const keys = { '9E': await root.issue({ kind: 'RSA-2048' }) };
    const { cards, of, tap } = await ward(testbed, trustIn([root]));
    const { name, port } = slotOf(testbed, 1);
    const steps = ['select', 'get-data', 'get-response', 'authenticate'] as const;
    for (const [index, muteAt] of steps.entries()) {
      const pulled = await card(port, pivCard({ keys, muteAt }));
      await askedFor(pulled, PIV_STEPS[muteAt]);
      await pulled.remove();
      await waitFor('the removal', () => of('card-removed').length === index + 1);
    }
    await card(port, pivCard({ keys }));
    await tap(SIGNED_NAME);
    expect(cards()).toEqual([
      ...steps.flatMap(() => [
        { event: 'tap-unreadable', reader: name, cause: 'removed' },
        { event: 'card-removed', reader: name },
      ]),
      { event: 'tap', reader: name, assurance: 'crypto', uid: SIGNED_NAME },
    ]);
  },
});
