import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LedgerValue } from '../../../app/domain/entries.ts';
import { canonicalText, MAX_DEPTH, MAX_ENTRY_BYTES, NotRepresentable, parseCanonical } from '../../../app/ledger/canonical.ts';

const text = fc.string({ unit: 'grapheme', maxLength: 12 });
const key = fc.oneof(text, fc.constantFrom('1', '2', '10', '__proto__', 'constructor', '', '\u20ac', '\ud83d\ude02', '\ufb33', '\r'));
const { value: ledgerValue } = fc.letrec<{ value: LedgerValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    text,
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 5, noNullPrototype: true }),
  ),
}));

const read = (source: string) => parseCanonical(Buffer.from(source));

describe('what is written can be read, and only that', () => {
  test('every value comes back as it was, from the only bytes it has', () => {
    fc.assert(
      fc.property(ledgerValue, (value) => {
        const bytes = Buffer.from(canonicalText(value));
        fc.pre(bytes.length <= MAX_ENTRY_BYTES);
        const back = parseCanonical(bytes);
        // Through JSON: fast-check makes -0, which has no spelling of its own.
        expect(back).toEqual({ ok: true, value: JSON.parse(JSON.stringify(value)) });
      }),
      { numRuns: 500 },
    );
  });

  test('the order in which keys were set does not show', () => {
    fc.assert(
      fc.property(fc.uniqueArray(key, { maxLength: 6 }), (keys) => {
        const object = (names: readonly string[]) => Object.fromEntries(names.map((name) => [name, 1]));
        expect(canonicalText(object(keys))).toBe(canonicalText(object(keys.toReversed())));
      }),
    );
  });

  test('one changed byte is refused or is another value', () => {
    const value = { b: [1, -20, 'ü\n"\\'], a: { c: true, 'd€': 'x' }, n: 9007199254740991 };
    const bytes = Buffer.from(canonicalText(value));
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        const back = parseCanonical(damaged);
        if (back.ok) expect(back.value).not.toEqual(value);
      }
    }
  });

  test('keys stand in the order of RFC 8785 section 3.2.3, by UTF-16 code units', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\ud83d\ude00', '\u0080', '\u00f6'];
    const written = canonicalText(Object.fromEntries(names.map((name) => [name, 0])));
    expect(Object.keys(JSON.parse(written) as object).sort()).toEqual(names.toSorted());
    expect(written).toBe('{"\\r":0,"1":0,"\u0080":0,"ö":0,"€":0,"😀":0,"\ufb33":0}');
  });
});

describe('bytes another program wrote carelessly', () => {
  test.each([
    ['a space', '{"a": 1}', 'not-canonical'],
    ['a trailing newline', '{"a":1}\n', 'not-canonical'],
    ['keys out of order', '{"b":1,"a":2}', 'not-canonical'],
    ['numeric keys in number order', '{"2":1,"10":2}', 'not-canonical'],
    ['a duplicate key', '{"a":1,"a":2}', 'not-canonical'],
    ['a duplicate key with equal values', '{"a":1,"a":1}', 'not-canonical'],
    ['an exponent', '{"a":1e2}', 'not-canonical'],
    ['a fraction that is whole', '{"a":1.0}', 'not-canonical'],
    ['minus zero', '{"a":-0}', 'not-canonical'],
    ['an escape that is not needed', '{"a":"\\u0041"}', 'not-canonical'],
    ['an escaped slash', '{"a":"\\/"}', 'not-canonical'],
    ['upper-case hex in an escape', '{"a":"\\u001F"}', 'not-canonical'],
    ['null', '{"a":null}', 'not-representable'],
    ['a fraction', '{"a":0.5}', 'not-representable'],
    ['2^53', '{"a":9007199254740992}', 'not-representable'],
    ['a lone surrogate, escaped', '{"a":"\\ud800"}', 'not-representable'],
    ['a lone surrogate as a key', '{"\\udc00":1}', 'not-representable'],
    ['nothing', '', 'not-json'],
    ['half an object', '{"a":1', 'not-json'],
    ['a byte-order mark', '\ufeff{"a":1}', 'not-json'],
  ])('%s is refused', (_name, source, reason) => {
    expect(read(source)).toEqual({ ok: false, reason });
  });

  test('bytes that are not UTF-8 are refused', () => {
    expect(parseCanonical(Buffer.from([0x22, 0xff, 0x22]))).toEqual({ ok: false, reason: 'not-utf8' });
    expect(parseCanonical(Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]))).toEqual({ ok: false, reason: 'not-utf8' });
  });

  test('8192 bytes are read, 8193 are not', () => {
    expect(read(JSON.stringify('x'.repeat(MAX_ENTRY_BYTES - 2))).ok).toBe(true);
    expect(read(JSON.stringify('x'.repeat(MAX_ENTRY_BYTES - 1)))).toEqual({ ok: false, reason: 'too-large' });
  });

  test('8 KiB of brackets do not overflow the stack of whoever reads them', () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(read(nested(MAX_DEPTH)).ok).toBe(true);
    expect(read(nested(MAX_DEPTH + 1))).toEqual({ ok: false, reason: 'not-representable' });
    expect(read(nested(4096))).toEqual({ ok: false, reason: 'not-representable' });
    expect(() => canonicalText(JSON.parse(nested(MAX_DEPTH + 1)) as LedgerValue)).toThrow(NotRepresentable);
  });
});

describe('a writer handing over what the ledger cannot hold', () => {
  test.each([
    ['null', null],
    ['undefined in an object', { a: undefined }],
    ['undefined in a list', [undefined]],
    ['a hole in a list', new Array(1)],
    ['a fraction', 0.1],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['2^53', 2 ** 53],
    ['a lone surrogate', '\ud800'],
    ['a lone surrogate as a key', { '\udfff': 1 }],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['a bigint', 1n],
    ['a function', () => 1],
  ])('%s is thrown back', (_name, value) => {
    expect(() => canonicalText(value as LedgerValue)).toThrow(NotRepresentable);
  });
});
