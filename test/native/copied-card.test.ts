import { expect } from 'vitest';
import { cardAuthority, NOON, trustIn } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { card, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

/** Of the test authority's cards, unless they are told another. */
const SIGNED_NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';

insidePcscTestbed('a copy of a card', import.meta.filename, 1, {
  'is told as forged and never read by its number, whatever key it has instead': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const original = await root.issue();
    const { key: _, ...withoutKey } = original;
    const copies = [{ '9E': { ...original, key: (await root.issue()).key } }, { '9E': withoutKey }];
    const { of, tap, cards } = await ward(testbed, trustIn([root]));
    const { name, port } = slotOf(testbed, 0);
    for (const [index, keys] of copies.entries()) {
      const copy = await card(port, pivCard({ keys }));
      await waitFor('the copy to be told', () => of('tap-unreadable').length === index + 1);
      expect(copy.apdus.filter((apdu) => apdu.startsWith('FFCA'))).toEqual([]);
      await copy.remove();
      await waitFor('its removal', () => of('card-removed').length === index + 1);
    }
    await card(port, pivCard({ keys: { '9E': original } }));
    await tap(SIGNED_NAME);
    expect(cards()).toEqual([
      ...copies.flatMap(() => [
        { event: 'tap-unreadable', reader: name, cause: 'card-forged' },
        { event: 'card-removed', reader: name },
      ]),
      { event: 'tap', reader: name, assurance: 'crypto', uid: SIGNED_NAME },
    ]);
  },

  'of another hospital, expired or revoked are told with their cause': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const stranger = await cardAuthority('Another Hospital');
    const distrusted = {
      'card-untrusted': await stranger.issue(),
      'card-expired': await root.issue({ untilMs: NOON - 1_000 }),
      'card-revoked': await root.issue({ serial: 'ABCD' }),
    };
    const { of } = await ward(testbed, trustIn([root], [{ authority: root.fingerprint, serials: ['ABCD'] }]));
    const { port } = slotOf(testbed, 0);
    for (const [cause, key] of Object.entries(distrusted)) {
      const inserted = await card(port, pivCard({ keys: { '9E': key } }));
      await waitFor(cause, () => of('tap-unreadable').at(-1)?.cause === cause);
      await inserted.remove();
      await waitFor('its removal', () => of('card-removed').length === of('tap-unreadable').length);
    }
    expect(of('tap')).toEqual([]);
  },

  'is read by its number as long as no authority is trusted, and proves itself from the moment one is': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const keys = { '9E': await root.issue() };
    const { of, tap, running } = await ward(testbed, trustIn([]));
    const { port } = slotOf(testbed, 0);
    const before = await card(port, pivCard({ keys, uid: '04CAFE01' }));
    await tap('04CAFE01');
    expect(before.apdus).toEqual(['FFCA000000']);
    await before.remove();
    await waitFor('its removal', () => of('card-removed').length === 1);
    running.trust?.(trustIn([root]));
    await card(port, pivCard({ keys, uid: '04CAFE01' }));
    await tap(SIGNED_NAME);
    expect(of('tap').map(({ assurance }) => assurance)).toEqual(['uid', 'crypto']);
  },
});
