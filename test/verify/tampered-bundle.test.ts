import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { auditBundle, type Finding } from '../../app/ledger/audit.ts';
import { parseCanonical } from '../../app/ledger/canonical.ts';
import { bundleOf, chain, cosignedNote, noteOf, rechained, wardDrafts } from './ward-ledger.ts';

/** `npm run test:long` takes every mutation; otherwise a sample of the same ones. */
const LONG = process.env['DOCKWARD_LONG'] === '1';
const SIZE = 1_000;
const LONG_MS = 4 * 3_600_000;

let entries: readonly Buffer[];
let bundle: Buffer;

beforeAll(async () => {
  entries = chain(wardDrafts(SIZE));
  bundle = await bundleOf(entries);
});

/** Per kind of tampering: how often each class was the answer. The whole run tells it. */
const told = new Map<string, Map<string, number>>();
afterEach(() => {
  for (const [tampering, answers] of LONG ? told : []) {
    const tried = [...answers.values()].reduce((sum, count) => sum + count, 0);
    const found = tried - (answers.get('nothing') ?? 0);
    process.stdout.write(`${tampering}: ${tried} tried, ${found} found (${[...answers].map(([kind, count]) => `${kind} ${count}`).join(', ')})\n`);
  }
  told.clear();
});

/** What the audit says of a bundle, counted under what was done to it. */
async function findingOf(bytes: Buffer, tampering: string): Promise<Finding | undefined> {
  const { finding } = await auditBundle([bytes]);
  const answers = told.get(tampering) ?? new Map<string, number>();
  const kind = finding?.kind ?? 'nothing';
  told.set(tampering, answers.set(kind, (answers.get(kind) ?? 0) + 1));
  return finding;
}

/** The finding about the bundle with one bit turned, which is turned back afterwards. */
async function flipped(at: number, bit: number, where: string): Promise<Finding | undefined> {
  const before = bundle[at] ?? 0;
  bundle[at] = before ^ (1 << bit);
  const finding = await findingOf(bundle, `one bit ${where}`);
  bundle[at] = before;
  return finding;
}

const placeOf = (seq: number): number => bundle.indexOf(entries[seq] ?? expect.fail());

describe('a bundle of 1,000 entries', () => {
  test('is sound as it was exported', async () => {
    expect(await auditBundle([bundle])).toMatchObject({ finding: undefined, size: SIZE, witnessed: { size: SIZE }, custodyFindings: 0, policies: 1 });
  });

  test('any bit of an entry is turned: the very entry is named', { timeout: LONG_MS }, async () => {
    let tried = 0;
    let bits = 0;
    for (let nth = 0; nth < 20; nth += 1) {
      const seq = nth === 19 ? SIZE - 1 : nth * 52;
      const start = placeOf(seq);
      const length = entries[seq]?.length ?? 0;
      bits += length * 8;
      for (let bit = LONG ? 0 : nth % 8; bit < length * 8; bit += LONG ? 1 : 401) {
        const finding = await flipped(start + Math.floor(bit / 8), bit % 8, 'of 20 entries');
        if (finding?.seq !== seq) expect.fail(`bit ${bit} of entry ${seq}: ${JSON.stringify(finding)}`);
        tried += 1;
      }
    }
    if (LONG) expect(tried).toBe(bits);
    else expect(tried).toBeGreaterThan(90);
  });

  test('any byte of any file, header, padding or end mark is changed: found', { timeout: LONG_MS }, async () => {
    const missed: string[] = [];
    const take = async (at: number, bit: number, where: string): Promise<void> => {
      if (!(await flipped(at, bit, where))) missed.push(`byte ${at} bit ${bit}`);
    };
    const tiles = bundle.indexOf('tile/0/000');
    // What the tiles are held against: signatures, keys and policies, where one spelling must not stand for another.
    for (let bit = 0; bit < tiles * 8; bit += LONG ? 1 : 233) await take(Math.floor(bit / 8), bit % 8, 'before the tiles');
    for (let at = tiles; at < bundle.length; at += LONG ? 1 : 4_093) await take(at, at % 8, 'of each byte from the tiles on');
    // The last block of the file is the end mark.
    for (let at = bundle.length - 1_024; at < bundle.length; at += 97) await take(at, at % 8, 'of the end mark');
    expect(missed).toEqual([]);
  });

  test('an entry is taken out, put in twice or exchanged with its neighbour: named', { timeout: LONG_MS }, async () => {
    const parts = { checkpoint: cosignedNote(entries) };
    for (let seq = 0; seq < SIZE - 1; seq += LONG ? 1 : 83) {
      const one = entries[seq] ?? expect.fail();
      const next = entries[seq + 1] ?? expect.fail();
      // Everything that needs no key is made to fit: sizes, tiles, names.
      const changes = [['taken out', entries.toSpliced(seq, 1), seq], ['put in twice', entries.toSpliced(seq, 0, one), seq + 1], ['exchanged with its neighbour', entries.with(seq, next).with(seq + 1, one), seq]] as const;
      for (const [what, changed, named] of changes) {
        const whole = changed.length === SIZE ? changed : changed.length > SIZE ? changed.slice(0, SIZE) : [...changed, one];
        expect(await findingOf(await bundleOf(whole, parts), `an entry ${what}`)).toMatchObject({ kind: 'chain', seq: named });
      }
    }
  });

  test('it is cut short at any block, or something is put behind it: found', { timeout: LONG_MS }, async () => {
    for (let end = 0; end < bundle.length; end += 512 * (LONG ? 1 : 41)) expect(await findingOf(bundle.subarray(0, end), 'cut short')).toMatchObject({ kind: 'bytes' });
    expect(await findingOf(Buffer.concat([bundle, Buffer.alloc(512)]), 'something behind it')).toMatchObject({ kind: 'bytes' });
  });

  test('it arrives in pieces of any size: the answer is the same', async () => {
    const pieces = function* (length: number): Generator<Buffer> {
      for (let at = 0; at < bundle.length; at += length) yield bundle.subarray(at, at + length);
    };
    for (const length of [1_000, 4_096, 65_537]) expect((await auditBundle(pieces(length))).finding).toBeUndefined();
  });
});

describe('a thief who holds the station’s key writes history anew', () => {
  /** One entry changed in a way that reads well, and everything behind it chained, hashed and signed again. */
  const forged = (seq: number, turn: number): readonly Buffer[] =>
    rechained(entries, seq, (entry) => {
      const field = (['mono', 'boot', 'actor'] as const)[turn % 3] ?? 'mono';
      entry[field] = field === 'mono' ? Number(entry['mono']) + 1 + turn : field === 'boot' ? `boot-${turn + 2}` : turn.toString(16).padStart(64, '0');
    });

  test('up to what the witness has cosigned, it is found whatever he does with the cosignature', { timeout: LONG_MS }, async () => {
    const cosigned = cosignedNote(entries);
    const line = cosigned.slice(cosigned.indexOf('— mercy/witness'));
    const older = cosignedNote(entries.slice(0, 700));
    for (let turn = 0; turn < (LONG ? 2_000 : 10); turn += 1) {
      const seq = (turn * 397) % 700;
      const mine = forged(seq, turn);
      expect(parseCanonical(mine[seq] ?? Buffer.of()).ok).toBe(true);
      const note = noteOf(mine);
      const tries = [
        { checkpoint: note, cosigned: undefined, kind: 'witness' },
        { checkpoint: note + line, cosigned: undefined, kind: 'witness' },
        { checkpoint: note, cosigned: older, kind: 'consistency' },
        { checkpoint: cosigned, cosigned: undefined, kind: 'consistency' },
      ].slice(turn % 2 === 0 ? 0 : 2);
      for (const { kind, ...parts } of tries) expect([kind, (await findingOf(await bundleOf(mine, parts), 'signed again with the stolen key'))?.kind]).toEqual([kind, kind]);
    }
  });

  test('behind it, it cannot be found, and the audit says how far the witness saw', async () => {
    const audit = await auditBundle([await bundleOf(forged(900, 0), { checkpoint: noteOf(forged(900, 0)), cosigned: cosignedNote(entries.slice(0, 700)) })]);
    expect(audit).toMatchObject({ finding: undefined, size: SIZE, witnessed: { size: 700 } });
  });
});
