import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { EntryDraft, LedgerValue } from '../../../app/domain/entries.ts';
import { canonicalText, MAX_DEPTH, NotRepresentable } from '../../../app/ledger/canonical.ts';
import { isPlainlyCanonical } from '../../../app/ledger/canonical-scan.ts';
import { buildEntry, NO_PREVIOUS, parseEntry, parseEntryClosely, type EntryPosition } from '../../../app/ledger/entry.ts';
import { readPlainEntry } from '../../../app/ledger/plain-entry.ts';

const RUNS = process.env['DOCKWARD_LONG'] === '1' ? 200_000 : 3_000;

const plainText = fc.string({ unit: fc.constantFrom(...'abAB09 !#,:{}[]-~/\x7f'), minLength: 1, maxLength: 6 });
const anyText = fc.oneof({ weight: 5, arbitrary: plainText }, { weight: 1, arbitrary: fc.string({ unit: fc.constantFrom('"', '\\', '\n', '\u0000', '/', 'ü', '€', '😀', '\ufb33', 'a'), minLength: 1, maxLength: 4 }) });
const plainCount = fc.nat({ max: 999_999_999_999_999 });
const anyCount = fc.oneof({ weight: 5, arbitrary: plainCount }, { weight: 1, arbitrary: fc.maxSafeNat() });

function valueOf(text: fc.Arbitrary<string>, integer: fc.Arbitrary<number>): fc.Arbitrary<LedgerValue> {
  return fc.letrec<{ value: LedgerValue }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, text, integer, fc.boolean(), fc.array(tie('value'), { maxLength: 3 }), fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true })),
  })).value;
}
const plainValue = valueOf(fc.oneof(plainText, fc.constant('')), fc.integer({ min: -999_999_999_999_999, max: 999_999_999_999_999 }).map((integer) => integer + 0));
const anyValue = valueOf(anyText, fc.maxSafeInteger());

const isCanonical = (text: string): boolean => {
  try {
    return canonicalText(JSON.parse(text) as LedgerValue) === text;
  } catch (error) {
    if (error instanceof NotRepresentable) return false;
    throw error;
  }
};
const accepted = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Bytes put in, taken out, written over or said again, mostly such as stand in JSON. */
const wound = fc.record({
  at: fc.nat(),
  take: fc.nat({ max: 3 }),
  put: fc.oneof(fc.constantFrom(...'{}[]",:0123456789-+.eE \t\n\\tfn', '""', ',,', '-0', '00', '1e2', '1.0', 'null', 'true', '\\u0041', ',"boot":"x"', '},"boot":"', '"a":1,', '\u0000', 'ü', ''), fc.string({ maxLength: 2 })),
  again: fc.nat({ max: 12 }),
});
type Wound = typeof wound extends fc.Arbitrary<infer W> ? W : never;
function wounded(text: string, wounds: readonly Wound[]): string {
  return wounds.reduce((whole, { at, take, put, again }) => {
    const place = at % (whole.length + 1);
    return whole.slice(0, place) + put + whole.slice(place, again > 9 ? place + 9 : place) + whole.slice(place + take);
  }, text);
}

describe('a quick look at canonical text', () => {
  const scan = (text: string, levels = MAX_DEPTH): boolean => isPlainlyCanonical(Buffer.from(text), 0, text.length, levels);

  test('sees every plain value as what it is', () => {
    fc.assert(fc.property(plainValue, (value) => scan(canonicalText(value))), { numRuns: RUNS });
  });

  test('never takes for canonical what is not', () => {
    let promised = 0;
    fc.assert(
      fc.property(plainValue, fc.array(wound, { maxLength: 3 }), (value, wounds) => {
        const text = wounded(canonicalText(value), wounds);
        // What it is asked about: text that JSON.parse accepts, ASCII, without a backslash.
        if (!/^[^\\\x80-\uffff]*$/.test(text) || !accepted(text) || !scan(text)) return;
        promised += 1;
        expect(isCanonical(text)).toBe(true);
      }),
      { numRuns: 4 * RUNS },
    );
    expect(promised).toBeGreaterThan(RUNS / 4);
  });

  test.each([
    ['{"a":1,"a":1}'], ['{"b":1,"a":1}'], ['{"aa":1,"a":1}'], ['{"a ":1,"a":1}'], ['{"2":1,"10":1}'], ['{"a" :1}'], ['{"a": 1}'], ['{ "a":1}'], ['{"a":1 }'], ['[1, 2]'], [' 1'], ['1 '],
    ['-0'], ['[-0]'], ['1e2'], ['1E2'], ['1.0'], ['[1.5]'], ['null'], ['{"a":null}'], ['1000000000000000'], ['{"a":1}\n'],
  ])('%j is left to a closer look', (text) => {
    expect(accepted(text)).toBe(true);
    expect(scan(text)).toBe(false);
  });

  test.each([['{"a":1,"a ":2,"a!":3,"aa":4}'], ['{"":0,"a":[]}'], ['{"10":1,"2":1}'], ['[0,-1,999999999999999,true,false,"",{},[]]']])('%j is seen at once', (text) => {
    expect(scan(text)).toBe(true);
  });

  test('counts levels as the slow writer does', () => {
    const nested = '['.repeat(MAX_DEPTH) + ']'.repeat(MAX_DEPTH);
    expect([scan(nested), scan(nested, MAX_DEPTH - 1)]).toEqual([true, false]);
  });
});

describe('an entry read in one go', () => {
  interface Told {
    readonly draft: EntryDraft;
    readonly position: EntryPosition;
  }
  function told(text: fc.Arbitrary<string>, count: fc.Arbitrary<number>, body: fc.Arbitrary<LedgerValue>): fc.Arbitrary<Told> {
    return fc.record({
      draft: fc.record({ type: text, body: fc.dictionary(text, body, { maxKeys: 4, noNullPrototype: true }), device: text, actor: text, slot: count }, { requiredKeys: ['type', 'body'] }) as unknown as fc.Arbitrary<EntryDraft>,
      position: fc.record({ station: text, epoch: count, seq: count, prev: fc.constantFrom(NO_PREVIOUS, '0f'.repeat(32)), hlc: fc.record({ ms: count, n: count }), boot: text, mono: count }),
    });
  }
  const plain = told(plainText, plainCount, plainValue);
  const any = told(anyText, anyCount, anyValue);

  test('is the entry that a close reading finds, if it is plain', () => {
    fc.assert(
      fc.property(plain, ({ draft, position }) => {
        const { bytes } = buildEntry(draft, position);
        expect(readPlainEntry(bytes)).toEqual(JSON.parse(bytes.toString()));
        expect(parseEntryClosely(bytes)).toEqual({ ok: true, value: JSON.parse(bytes.toString()) });
      }),
      { numRuns: RUNS },
    );
  });

  test('and whatever was done to its bytes, both readings say the same', () => {
    let whole = 0;
    fc.assert(
      fc.property(fc.oneof(plain, any), fc.array(wound, { maxLength: 2 }), fc.boolean(), ({ draft, position }, wounds, expected) => {
        const bytes = Buffer.from(wounded(buildEntry(draft, position).bytes.toString(), wounds));
        const closely = parseEntryClosely(bytes);
        whole += closely.ok ? 1 : 0;
        expect(parseEntry(bytes, expected ? position.prev : undefined)).toEqual(closely);
      }),
      { numRuns: 2 * RUNS },
    );
    expect(whole).toBeGreaterThan(RUNS / 4);
  });

  test('and so they do where one bit was turned, or a byte lost or doubled', () => {
    const { bytes } = buildEntry({ type: 'returned', device: 'R52T1', actor: 'ab'.repeat(4), slot: 7, body: { release: 'r-1', how: 'return' } }, { station: 'cart-7', epoch: 1, seq: 10, prev: NO_PREVIOUS, hlc: { ms: 1_790_000_000_000, n: 0 }, boot: 'b-1', mono: 4711 });
    for (let at = 0; at < bytes.length; at += 1) {
      const changed = Array.from({ length: 8 }, (_, bit) => Buffer.from(bytes.with(at, (bytes[at] ?? 0) ^ (1 << bit))));
      changed.push(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)]), Buffer.concat([bytes.subarray(0, at + 1), bytes.subarray(at)]));
      for (const one of changed) expect(parseEntry(one, NO_PREVIOUS)).toEqual(parseEntryClosely(one));
    }
  });

  const POSITION: EntryPosition = { station: 'cart-7', epoch: 1, seq: 0, prev: NO_PREVIOUS, hlc: { ms: 1, n: 0 }, boot: 'b-1', mono: 1 };

  test('what stands before it or behind it is not overlooked', () => {
    const text = buildEntry({ type: 'host-lost', body: {} } as unknown as EntryDraft, POSITION).bytes.toString();
    expect(parseEntry(Buffer.from(text)).ok).toBe(true);
    // Eight bytes and a body where the body of an entry without an actor would stand.
    for (const more of [`12345678{}${text}`, `${text}${text}`]) expect(parseEntry(Buffer.from(more))).toEqual({ ok: false, reason: 'not-json' });
    for (const more of [`${text}\n`, `\n${text}`]) expect(parseEntry(Buffer.from(more))).toEqual({ ok: false, reason: 'not-canonical' });
  });

  test('8192 bytes are an entry, 8193 are none', () => {
    const text = buildEntry({ type: 'host-lost', body: { cause: 'x' } }, POSITION).bytes.toString();
    const long = (bytes: number): Buffer => Buffer.from(text.replace('"x"', `"${'x'.repeat(bytes - text.length + 1)}"`));
    expect(parseEntry(long(8192)).ok).toBe(true);
    expect(parseEntry(long(8193))).toEqual({ ok: false, reason: 'too-large' });
  });

  test('a prev that is no hash is no hash to either, whatever was expected', () => {
    const { bytes } = buildEntry({ type: 'host-lost', body: { cause: 'x' } }, POSITION);
    for (const prev of ['0'.repeat(63), 'G'.repeat(64), 'A'.repeat(64)]) {
      const other = Buffer.from(bytes.toString().replace(NO_PREVIOUS, prev));
      expect(parseEntry(other, NO_PREVIOUS)).toEqual({ ok: false, reason: 'fields' });
    }
  });
});
