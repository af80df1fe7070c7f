import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTextSet } from '../../../app/ledger/text-set.ts';

/** "Aa" and "BB" make the same number, and so does every text of them of one length. */
const colliding = fc.array(fc.constantFrom('Aa', 'BB'), { maxLength: 5 }).map((parts) => parts.join(''));

test('a value is taken once, whatever it shares its number with, text or not', () => {
  const shared = { release: 'r-1' };
  const value = fc.oneof(colliding, fc.string({ maxLength: 3 }), fc.constantFrom<unknown>(undefined, 0, 1, true, shared, { release: 'r-1' }));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 60 }), (values) => {
      const set = createTextSet();
      const plain = new Set<unknown>();
      for (const one of values) {
        expect(set.add(one)).toBe(!plain.has(one));
        plain.add(one);
      }
    }),
    { numRuns: 500 },
  );
});

test('a forger who makes all texts share a number does not make it slow', () => {
  const texts = Array.from({ length: 2 ** 14 }, (_, seed) => Array.from({ length: 14 }, (_bit, bit) => ((seed >> bit) % 2 === 0 ? 'Aa' : 'BB')).join(''));
  const set = createTextSet();
  for (const text of texts) if (!set.add(text)) expect.fail(`${text} was never there`);
  for (const text of texts) if (set.add(text)) expect.fail(`${text} was there`);
});
