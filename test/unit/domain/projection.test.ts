import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EntryBodies, EntryDraft, EntryType } from '../../../app/domain/entries.ts';
import { ENROLMENTS_KEPT } from '../../../app/domain/tables.ts';
import { ASSURANCES, BUNDLE_REFUSALS, DEVICE_STANDINGS, EPOCH_CAUSES, EXPOSURE_CAUSES, GRADES, QUARANTINE_REASONS, REFUSAL_REASONS, SANITIZATION_FAILURES, STATEMENT_KINDS, STATEMENT_REFUSALS, UPDATE_FAILURES } from '../../../app/domain/terms.ts';
import { SHORT_REASONS } from '../../../app/domain/night-problem.ts';
import { foldedLedger } from './folded-ledger.ts';

const int = fc.nat(1_000_000);
const id = fc.constantFrom('a', 'b', 'c');
const slot = fc.integer({ min: 1, max: 4 });
const of = <T>(list: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...list);
const facts = fc.record({ enrolment: id, previous: id, command: id, profile: id, issuedMdmMs: int, confirmedMdmMs: int, enrolledMdmMs: int, unseenAtSize: int, unlockTokenKept: fc.boolean(), osAtFloor: fc.boolean(), compliant: fc.boolean(), rooted: fc.boolean(), adbEnabled: fc.boolean() });

const need = fc.record({ ward: id, count: int, dueMs: int });

/** A body for every entry type there is: a type that is added and not listed here does not compile. */
const BODIES: { readonly [T in EntryType]: fc.Arbitrary<EntryBodies[T]> } = {
  'station-started': fc.record({ program: id }),
  'epoch-began': fc.record({ cause: of(EPOCH_CAUSES) }),
  'ledger-key-rotated': fc.record({ from: id, to: id, oldSignature: id, newSignature: id }),
  'clock-stepped': fc.record({ fromMs: int, toMs: int }),
  'host-lost': fc.record({ cause: id }),
  'host-restored': fc.record({ gapMs: int }),
  'hub-lost': fc.record({ hub: id, slots: fc.array(int) }),
  'hub-restored': fc.record({ hub: id }),
  'recording-resumed': fc.record({ gapMs: int }),
  'bundle-accepted': fc.record({ version: int, issuedAtMs: int, expiresAtMs: int, digest: id }),
  'bundle-refused': fc.record({ reason: of(BUNDLE_REFUSALS), digest: id }),
  'staff-revoked': fc.record({ bundleVersion: fc.nat() }),
  'device-admitted': fc.record({ asset: id, ward: id, model: id, profile: id, bundleVersion: int }),
  'device-standing': fc.record({ standing: of(DEVICE_STANDINGS), bundleVersion: int }),
  'tap-refused': fc.record({ reason: of(REFUSAL_REASONS), assurance: of(ASSURANCES), reader: id, count: int }),
  'pin-attempted': fc.record({ attempt: int }),
  'pin-accepted': fc.record({ attempt: int }),
  'pin-refused': fc.record({ attempt: int, locked: fc.boolean(), lockedUntilMs: int }),
  offered: fc.record({ offer: id, release: id, assurance: of(ASSURANCES), stale: fc.boolean(), request: id, chargePercent: int, untilMs: int }),
  'offer-lapsed': fc.record({ offer: id, cause: of(['not-pulled', 'cancelled', 'restart', 'slot-lost'] as const) }),
  released: fc.record({ release: id, offer: id, how: of(['offered', 'other-clean'] as const), offeredSlot: slot }),
  'wrong-pull': fc.record({ offer: id, offeredSlot: slot, release: id, reasons: fc.constant(['exposed'] as const) }),
  'unidentified-removal': fc.record({ release: id, claimUntilMs: int }),
  'removal-claimed': fc.record({ release: id, owed: fc.boolean() }),
  'removal-unclaimed': fc.record({ release: id }),
  'returned-elsewhere': fc.record({ release: id, atStation: id, origin: id, seq: int, leaf: id, claimedMs: int, issuedAtMs: int, digest: id }),
  returned: fc.record({ release: id, how: of(['return', 'put-back', 'found', 'unheld'] as const) }),
  'foreign-docked': fc.record({ standing: of(['unknown', 'other-ward', 'lost', 'retired'] as const) }),
  'dock-unreadable': fc.record({ waitedMs: int }),
  absent: fc.record({ request: id, sinceMs: int }),
  reappeared: fc.record({ request: id, absenceMs: int }),
  exposed: fc.record({ cause: of(EXPOSURE_CAUSES), gapMs: int }),
  'sanitization-requested': fc.record({ request: id, nonce: id, exposure: id, attempt: int }),
  'statement-accepted': fc.record({ kind: of(STATEMENT_KINDS), request: id, digest: id, issuedAtMs: int, facts }),
  'statement-refused': fc.record({ reason: of(STATEMENT_REFUSALS), digest: id }),
  'sanitization-failed': fc.record({ request: id, reason: of(SANITIZATION_FAILURES) }),
  sanitized: fc.record({ request: id, nonce: id, asked: id, exposure: id, attempt: int, grade: of(GRADES), proven: fc.constant(['wipe-confirmed'] as const), command: id, previous: id, confirmedMdmMs: int }),
  'update-requested': fc.record({ request: id, nonce: id }),
  updated: fc.record({ request: id, before: id, after: id, issuedAtMs: int, digest: id }),
  'update-failed': fc.record({ request: id, reason: of(UPDATE_FAILURES) }),
  'return-stated': fc.record({ release: id, label: id }),
  'port-cycled': fc.record({ request: id, outcome: of(['cycled', 'refused'] as const) }),
  'night-began': fc.record({ shiftMs: int, needs: fc.array(need), owed: int }),
  'need-threatened': fc.record({ ward: id, shortBy: int, dueMs: int, because: of(SHORT_REASONS) }),
  'night-ended': fc.record({ fromMs: int, shiftMs: int, needs: fc.array(fc.record({ ward: id, count: int, dueMs: int, ready: int })), exceptions: fc.constant([]), more: int, done: fc.record({ sanitized: int, failed: int, quarantined: int, starts: int }) }),
  quarantined: fc.record({ reason: of(QUARANTINE_REASONS) }),
};
const TYPES = Object.keys(BODIES) as EntryType[];
const draft: fc.Arbitrary<EntryDraft> = fc
  .constantFrom(...TYPES)
  .chain((type) => fc.record({ type: fc.constant(type), body: BODIES[type] as fc.Arbitrary<unknown>, device: fc.constantFrom('T1', 'T2'), actor: fc.constantFrom('maria', 'jonas'), slot }))
  .map((drawn) => drawn as EntryDraft);

function admitted() {
  const ledger = foldedLedger();
  for (const serial of ['T1', 'T2']) ledger.record({ type: 'device-admitted', device: serial, body: { asset: serial, ward: '7e', model: 'm', profile: 'p', bundleVersion: 1 } });
  return ledger;
}

test.each(TYPES)('the fold knows what %s means', (type) => {
  fc.assert(
    fc.property(BODIES[type] as fc.Arbitrary<never>, (body) => {
      expect(() => admitted().record({ type, body, device: 'T1', actor: 'maria', slot: 1 } as EntryDraft)).not.toThrow();
    }),
    { numRuns: 20 },
  );
});

test('any ledger, in any order, folds without a throw, and replaying it gives the same tables', () => {
  fc.assert(
    fc.property(fc.array(draft, { maxLength: 60 }), (drafts) => {
      const lived = admitted();
      for (const each of drafts) lived.record(each);
      const replayed = foldedLedger();
      for (const { seq: _seq, leaf: _leaf, atMs, station: _station, ...each } of lived.entries) replayed.record(each as EntryDraft, atMs);
      expect(replayed.rows()).toEqual(lived.rows());
    }),
    { numRuns: 150 },
  );
});

test('whatever happens, proof never outlives an exposure: every exposure has its own leaf, a request clears the evidence, and an update what it may change', () => {
  fc.assert(
    fc.property(fc.array(draft, { maxLength: 60 }), (drafts) => {
      const ledger = admitted();
      for (const each of drafts) {
        const before = ledger.view.get('device', each.device ?? '');
        const entry = ledger.record(each);
        const after = ledger.view.get('device', each.device ?? '');
        const leaves = ['released', 'wrong-pull', 'unidentified-removal', 'exposed'].includes(each.type);
        expect(after?.exposure?.leaf).toBe(leaves ? entry.leaf : before?.exposure?.leaf);
        // An update may change the profile and the posture; they are stated anew once it is over.
        const { profile: _profile, posture: _posture, ...beyondUpdates } = before?.evidence ?? {};
        if (each.type === 'sanitization-requested') expect(after?.evidence).toEqual({});
        else if (each.type === 'update-requested') expect(after?.evidence).toEqual(beyondUpdates);
        else if (each.type !== 'statement-accepted') expect(after?.evidence).toEqual(before?.evidence);
      }
    }),
    { numRuns: 150 },
  );
});

test('an entry about a tablet that was never admitted is a broken rule, not a row', () => {
  expect(() => foldedLedger().record({ type: 'returned', device: 'GHOST', slot: 1, body: { how: 'unheld' } })).toThrow('never admitted');
});

test('an enrolment that was seen before is not fresh, for whichever wipe it is stated; the same statement twice still is', () => {
  const ledger = admitted();
  const state = (request: string) =>
    ledger.record({ type: 'statement-accepted', device: 'T1', body: { kind: 'enrolled', request, digest: 'd', issuedAtMs: 1, facts: { enrolment: 'e1', previous: 'e0', command: 'c', issuedMdmMs: 1, enrolledMdmMs: 2, unseenAtSize: 3 } } });
  const fresh = () => ledger.view.get('device', 'T1')?.evidence.enrolment?.fresh;
  state('r1');
  expect(fresh()).toBe(true);
  state('r1');
  expect(fresh()).toBe(true);
  state('r2');
  expect(fresh()).toBe(false);
});

test('years of wipes: as many enrolments of a tablet are kept as tell a repeated one, the newest, and no more', () => {
  const ledger = admitted();
  const state = (enrolment: string, request: string) =>
    ledger.record({ type: 'statement-accepted', device: 'T1', body: { kind: 'enrolled', request, digest: 'd', issuedAtMs: 1, facts: { enrolment, previous: 'e0', command: 'c', issuedMdmMs: 1, enrolledMdmMs: 2, unseenAtSize: 3 } } });
  for (let wipe = 1; wipe <= 3 * ENROLMENTS_KEPT; wipe += 1) state(`e${wipe}`, `r${wipe}`);
  const newest = Array.from({ length: ENROLMENTS_KEPT }, (_, n) => `e${2 * ENROLMENTS_KEPT + n + 1}`);
  expect([...ledger.view.all('enrolment')].map(({ serial, stated }) => [serial, stated.map(({ enrolment }) => enrolment)])).toEqual([['T1', newest]]);
  for (const enrolment of newest) {
    state(enrolment, 'another request');
    expect(ledger.view.get('device', 'T1')?.evidence.enrolment?.fresh).toBe(false);
  }
});
