import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attemptsNow, decideTap, lockedMinutes, PIN_TRIES, triesNow, type TapFacts } from '../../../app/domain/identify.ts';
import { RULES } from '../../support/ward-rules.ts';
import { foldedLedger } from './folded-ledger.ts';

const NOW_MS = Date.UTC(2027, 0, 4, 12);
const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const person = { actor: 'a'.repeat(64), roles: ['clinician'], revoked: false, hasPin: true } as const;
const standing = (change: object) => ({ actor: person.actor, attempts: 0, ...change });
const decide = (change: Partial<TapFacts>) => decideTap({ person, standing: undefined, assurance: 'uid', ladder: 'fresh', rules: RULES, bundleVersion: 3, nowMs: NOW_MS, ...change });

test.each<[string, Partial<TapFacts>, object]>([
  ['a badge alone, no recent PIN', {}, { kind: 'needs-pin', triesLeft: 5 }],
  ['a badge that proves itself', { assurance: 'crypto' }, { kind: 'identified', stale: false }],
  ['a PIN a moment ago', { standing: standing({ lastPinAtMs: NOW_MS }) }, { kind: 'identified', stale: false }],
  ['a PIN exactly a grace period ago', { standing: standing({ lastPinAtMs: NOW_MS - RULES.graceMs }) }, { kind: 'identified', stale: false }],
  ['a PIN longer ago', { standing: standing({ lastPinAtMs: NOW_MS - RULES.graceMs - 1 }) }, { kind: 'needs-pin', triesLeft: 5 }],
  ['a PIN five minutes in the future: clocks differ', { standing: standing({ lastPinAtMs: NOW_MS + 5 * MINUTE_MS }) }, { kind: 'identified', stale: false }],
  ['a PIN further in the future: a turned clock', { standing: standing({ lastPinAtMs: NOW_MS + 5 * MINUTE_MS + 1 }) }, { kind: 'needs-pin', triesLeft: 5 }],
  ['one wrong PIN since the right one', { standing: standing({ lastPinAtMs: NOW_MS, attempts: 1 }) }, { kind: 'needs-pin', triesLeft: 4 }],
  ['an old list of staff: a PIN, whatever the badge proves', { ladder: 'stale', assurance: 'crypto', standing: standing({ lastPinAtMs: NOW_MS }) }, { kind: 'needs-pin', triesLeft: 5 }],
  ['a list of staff that is too old', { ladder: 'break-glass-only', assurance: 'crypto' }, { kind: 'refused', reason: 'bundle-too-old' }],
  ['no list of staff', { ladder: 'none', person: undefined }, { kind: 'refused', reason: 'bundle-missing' }],
  ['nobody known', { person: undefined }, { kind: 'refused', reason: 'badge-unknown' }],
  ['struck off', { person: { ...person, revoked: true }, assurance: 'crypto' }, { kind: 'refused', reason: 'staff-revoked' }],
  ['struck off, on a list that is too old', { person: { ...person, revoked: true }, ladder: 'break-glass-only' }, { kind: 'refused', reason: 'staff-revoked' }],
  ['struck off by a later list that could not be used', { standing: standing({ revokedInVersion: 4 }), assurance: 'crypto' }, { kind: 'refused', reason: 'staff-revoked' }],
  ['struck off by such a list, and back in the list that was accepted since', { standing: standing({ revokedInVersion: 3 }), assurance: 'crypto' }, { kind: 'identified', stale: false }],
  ['a role that takes nothing', { person: { ...person, roles: ['vendor'] }, assurance: 'crypto' }, { kind: 'refused', reason: 'role-not-allowed' }],
  ['no PIN set', { person: { ...person, hasPin: false } }, { kind: 'refused', reason: 'pin-not-set' }],
  ['no PIN set, but a badge that proves itself', { person: { ...person, hasPin: false }, assurance: 'crypto' }, { kind: 'identified', stale: false }],
  ['locked for another second', { standing: standing({ attempts: 5, lockedUntilMs: NOW_MS + 1_000 }), assurance: 'crypto' }, { kind: 'refused', reason: 'pin-locked', minutes: 1 }],
  ['the lockout ends now', { standing: standing({ attempts: 5, lockedUntilMs: NOW_MS }) }, { kind: 'needs-pin', triesLeft: 5 }],
  ['five tries and no verdict on the last', { standing: standing({ attempts: 5 }) }, { kind: 'tries-spent' }],
])('%s', (_, change, expected) => expect(decide(change)).toEqual(expected));

type Step = { readonly kind: 'wrong' } | { readonly kind: 'wrong, power cut before the verdict' } | { readonly kind: 'wait'; readonly ms: number };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.constant({ kind: 'wrong' } as const) },
  { weight: 2, arbitrary: fc.constant({ kind: 'wrong, power cut before the verdict' } as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: HOUR_MS }) }) },
);

test('no sequence of wrong PINs, waits and power cuts gets more than five tries in any lockout period', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const ledger = foldedLedger();
      let nowMs = NOW_MS;
      const triedAtMs: number[] = [];
      for (const next of steps) {
        if (next.kind === 'wait') {
          nowMs += next.ms;
          continue;
        }
        nowMs += 1;
        const held = ledger.view.get('person', person.actor);
        const decision = decide({ standing: held, nowMs });
        const lock = { attempt: PIN_TRIES, locked: true, lockedUntilMs: nowMs + RULES.pinLockoutMs };
        if (decision.kind === 'tries-spent') ledger.record({ type: 'pin-refused', actor: person.actor, body: lock });
        if (decision.kind !== 'needs-pin') continue;
        const attempt = attemptsNow(held, nowMs) + 1;
        expect(decision.triesLeft).toBe(PIN_TRIES - attempt + 1);
        ledger.record({ type: 'pin-attempted', actor: person.actor, body: { attempt } });
        triedAtMs.push(nowMs);
        if (next.kind === 'wrong') ledger.record({ type: 'pin-refused', actor: person.actor, body: attempt >= PIN_TRIES ? lock : { attempt, locked: false, lockedUntilMs: 0 } });
        expect(triesNow(ledger.view.get('person', person.actor), nowMs)).toBe(PIN_TRIES - attempt);
      }
      for (const [n, atMs] of triedAtMs.entries()) {
        const sixth = triedAtMs[n + 5];
        // Five tries, then a lockout: between the fifth and the sixth of any six in a row of one count lies a whole period.
        if (sixth === undefined) continue;
        expect(sixth - atMs).toBeGreaterThanOrEqual(RULES.pinLockoutMs);
      }
    }),
    { numRuns: 400 },
  );
});

test('minutes of a lockout are rounded up, so that nobody is told to come back too early', () => {
  fc.assert(
    fc.property(fc.integer({ min: -HOUR_MS, max: HOUR_MS }), (leftMs) => {
      const minutes = lockedMinutes(standing({ attempts: 5, lockedUntilMs: NOW_MS + leftMs }), NOW_MS);
      if (leftMs <= 0) expect(minutes).toBeUndefined();
      else expect((minutes ?? 0) * MINUTE_MS - leftMs).toBeGreaterThanOrEqual(0);
    }),
  );
});
