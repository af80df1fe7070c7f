import { expect } from 'vitest';
import { cardAuthority, trustIn } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { killPcscd, startPcscd } from '../support/pcsc/pcscd.ts';
import { PIV_STEPS, pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { askedFor, card, present, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

/** Of the test authority's cards, unless they are told another. */
const SIGNED_NAME = '0F1E2D3C4B5A69788796A5B4C3D2E1F0';

insidePcscTestbed('pcscd killed in the middle of a tap', import.meta.filename, 2, {
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

  'pcscd killed between the APDUs of a PIV card: the card, still there afterwards, proves itself anew': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const keys = { '9E': await root.issue() };
    const { of, tap, events } = await ward(testbed, trustIn([root]));
    const { name, port } = slotOf(testbed, 0);
    const interrupted = await card(port, pivCard({ keys, muteAt: 'authenticate' }));
    await askedFor(interrupted, PIV_STEPS.authenticate);
    await killPcscd(testbed);
    await waitFor('all readers gone', () => present(events).size === 0);
    await interrupted.remove();
    await startPcscd(testbed);
    await card(port, pivCard({ keys }));
    await tap(SIGNED_NAME);
    expect(of('tap')).toEqual([{ event: 'tap', reader: name, assurance: 'crypto', uid: SIGNED_NAME }]);
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
});
