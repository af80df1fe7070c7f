import { expect } from 'vitest';
import { cardAuthority, trustIn } from '../support/pcsc/card-authority.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { pivCard } from '../support/pcsc/piv-card.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { card, run, untilSlotsWithCard, ward } from '../support/pcsc/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

insidePcscTestbed('six cards on six readers at once', import.meta.filename, 6, {
  'of every kind, are six taps, each on its own reader, while opensc sees the same six': async (testbed) => {
    const root = await cardAuthority('Hospital Cards');
    const kinds = ['P-256', 'P-384', 'RSA-2048'] as const;
    const proving = await Promise.all(kinds.map(async (kind, index) => pivCard({ keys: { '9E': await root.issue({ kind, uuid: `00000000-0000-4000-8000-00000000000${index}` }) } })));
    const { of } = await ward(testbed, trustIn([root]));
    const slots = [0, 2, 4, 6, 8, 10].map((slot) => slotOf(testbed, slot));
    expect(new Set(slots.map(({ name }) => name.replace(/ 00 0.$/, ''))).size).toBe(6);
    const options = [...proving, ...[3, 4, 5].map((index) => ({ uid: `0455550${index}` }))];
    const listing = run('opensc-tool', ['-l']);
    await Promise.all(slots.map(({ port }, index) => card(port, { ...options[index] })));
    await waitFor('six taps', () => of('tap').length === 6);
    expect(new Map(of('tap').map(({ reader, assurance, uid }) => [reader, `${assurance} ${uid}`]))).toEqual(
      new Map(slots.map(({ name }, index) => [name, index < 3 ? `crypto 0000000000004000800000000000000${index}` : `uid 0455550${index}`])),
    );
    const { stdout } = await listing;
    for (const { name } of slots) expect(stdout).toContain(name);
    await untilSlotsWithCard(6);
  },
});
