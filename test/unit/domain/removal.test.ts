import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeRemoval, type RemovalFacts } from '../../../app/domain/removal.ts';
import { ACTOR, offer, provenDevice, SERIAL } from './rows.ts';

const OTHER = 'b'.repeat(64);
const pull = (change: Partial<RemovalFacts> = {}) =>
  judgeRemoval({ device: provenDevice(), slot: 4, unproven: [], openOffers: [], restarts: undefined, claimUntilMs: 60_000, nowMs: 0, release: 'fresh', ...change });

test('the tablet that was offered: hers, under the release that was authorized', () => {
  expect(pull({ openOffers: [offer({ offer: 'o2', actor: OTHER, serial: 'X', slot: 7 }), offer()] })).toMatchObject({ kind: 'released', actor: ACTOR, draft: { type: 'released', actor: ACTOR, body: { release: 'rel-1', offer: 'o1', how: 'offered' } } });
});

test('one person is being served and takes another: hers when clean, to be put back when not', () => {
  const openOffers = [offer({ serial: 'X', slot: 7 })];
  expect(pull({ openOffers })).toMatchObject({ kind: 'other-clean', offeredSlot: 7, draft: { type: 'released', device: SERIAL, slot: 4, body: { release: 'rel-1', how: 'other-clean', offeredSlot: 7 } } });
  expect(pull({ openOffers, unproven: ['exposed', 'battery-low'] })).toMatchObject({ kind: 'wrong-pull', draft: { type: 'wrong-pull', actor: ACTOR, body: { release: 'fresh', reasons: ['exposed', 'battery-low'] } } });
});

test('two people are being served and a third tablet leaves: nobody’s', () => {
  const openOffers = [offer({ serial: 'X', slot: 7 }), offer({ offer: 'o2', actor: OTHER, serial: 'Y', slot: 8 })];
  expect(pull({ openOffers })).toMatchObject({ kind: 'unidentified', draft: { body: { release: 'fresh', claimUntilMs: 60_000 } } });
});

test('in its wipe: a restart until it has been away too long, unless it was offered', () => {
  expect(pull({ restarts: 'r1', openOffers: [offer({ serial: 'X', slot: 7 })], nowMs: 77 })).toMatchObject({ kind: 'rebooting', draft: { type: 'absent', body: { request: 'r1', sinceMs: 77 } } });
  expect(pull({ restarts: 'r1', openOffers: [offer()] })).toMatchObject({ kind: 'released' });
});

test('the offered tablet stood in another slot: that offer was for that slot', () => {
  expect(pull({ openOffers: [offer({ slot: 9 }), offer({ offer: 'o2', actor: OTHER, serial: 'Y', slot: 8 })] })).toMatchObject({ kind: 'unidentified' });
});

test('whatever is pulled: it is somebody’s only by their own open offer, and an unclean one is never anybody’s to keep', () => {
  const openOffers = fc.array(fc.record({ serial: fc.constantFrom(SERIAL, 'X', 'Y'), slot: fc.constantFrom(4, 7), actor: fc.constantFrom(ACTOR, OTHER) }), { maxLength: 3 });
  fc.assert(
    fc.property(openOffers, fc.boolean(), fc.boolean(), (rows, clean, restarting) => {
      const offers = rows.map((row, n) => offer({ ...row, offer: `o${n}`, release: `rel-${n}` }));
      const removal = pull({ openOffers: offers, unproven: clean ? [] : ['exposed'], restarts: restarting ? 'r1' : undefined });
      if ('actor' in removal) expect(offers.map(({ actor }) => actor)).toContain(removal.actor);
      const own = offers.some(({ serial, slot }) => serial === SERIAL && slot === 4);
      if (!own && offers.length !== 1) expect(['unidentified', 'rebooting']).toContain(removal.kind);
      if (!own && !clean) expect(removal.draft.type).not.toBe('released');
    }),
  );
});
