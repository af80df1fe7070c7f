import { generateKeyPairSync } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { cosign, signCheckpoint } from '../../../app/ledger/checkpoint.ts';
import { buildEntry, NO_PREVIOUS } from '../../../app/ledger/entry.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../../app/ledger/merkle.ts';
import { verifierKey } from '../../../app/ledger/note.ts';
import { inclusionProof } from '../../../app/ledger/proofs.ts';
import { openReceipt, writeReceipt, type Receipt, type ReceiptParts } from '../../../app/ledger/receipt.ts';
import type { EntryDraft } from '../../../app/domain/entries.ts';

const ORIGIN = 'mercy/station/cart-7/e1';
const STATION = generateKeyPairSync('ed25519').privateKey;
const WITNESS = generateKeyPairSync('ed25519').privateKey;
const WITNESS_KEY = verifierKey('mercy/witness', WITNESS, 'cosignature');
const SEEN_AT_S = 1_790_100_000;
const NURSE = 'ab'.repeat(32);
const RELEASED: EntryDraft = { type: 'released', device: 'R52TGNPY77Z', slot: 4, actor: NURSE, body: { release: 'r-77', offer: 'o-77', how: 'offered', offeredSlot: 4 } };

function ledger(drafts: readonly EntryDraft[], station = 'cart-7'): Buffer[] {
  const entries: Buffer[] = [];
  for (const draft of drafts) {
    const prev = entries.at(-1);
    entries.push(buildEntry(draft, { station, epoch: 1, seq: entries.length, prev: prev ? leafHash(prev).toString('hex') : NO_PREVIOUS, hlc: { ms: 1_790_000_000_000 + entries.length, n: 0 }, boot: 'boot-1', mono: entries.length }).bytes);
  }
  return entries;
}

const ENTRIES = ledger([...Array.from({ length: 5 }, (): EntryDraft => ({ type: 'host-lost', body: { cause: 'cable' } })), RELEASED, { type: 'host-lost', body: { cause: 'cable' } }]);

function partsOf(index: number, entries: readonly Buffer[] = ENTRIES, { origin = ORIGIN, signer = STATION } = {}): ReceiptParts {
  const leaves = entries.map(leafHash);
  const key = verifierKey(origin, signer);
  const note = signCheckpoint(origin, entries.length, rootOf(leaves.reduce(append, EMPTY_FRONTIER)), key, signer);
  return {
    entry: entries[index] ?? expect.fail(),
    proof: { index, hashes: inclusionProof(index, entries.length, (at) => leaves[at] ?? expect.fail()), checkpoint: note + cosign(note, WITNESS_KEY, WITNESS, SEEN_AT_S) },
    ledgerKeys: [key],
    witnesses: [WITNESS_KEY],
  };
}

function written(parts: ReceiptParts): Receipt {
  const receipt = writeReceipt(parts);
  return receipt.ok ? receipt.value : expect.fail(receipt.reason.message);
}
const kindOf = (text: string): string => {
  const opened = openReceipt(Buffer.from(text));
  return opened.ok ? 'accepted' : opened.reason.kind;
};

describe('a receipt', () => {
  test('says who, what, when and where, and who has seen it', () => {
    const { text } = written(partsOf(5));
    expect(text.split('\n').slice(0, 8)).toEqual([
      'Dockward receipt, version 1',
      '',
      'What     Tablet R52TGNPY77Z was taken from slot 4. Release r-77.',
      `Who      The person whom the hospital's directory knows as ${NURSE}.`,
      "When     2026-09-21T14:13:20.005Z by the cart's own clock.",
      `Where    Cart cart-7, entry 5 of the ledger ${ORIGIN}.`,
      'Witness  mercy/witness had this entry by 2026-09-22T18:00:00.000Z; it cannot have been changed since.',
      '',
    ]);
    expect(text).toContain(`\nentry ${ENTRIES[5]?.toString() ?? ''}\n`);
    expect(openReceipt(Buffer.from(text))).toMatchObject({ ok: true, value: { origin: ORIGIN, size: 7, witnessed: [{ timeS: SEEN_AT_S }] } });
  });

  test('with one bit flipped anywhere is refused', () => {
    const bytes = Buffer.from(written(partsOf(5)).text);
    const long = process.env['DOCKWARD_LONG'] === '1';
    const accepted: string[] = [];
    for (let at = 0; at < bytes.length; at += 1) {
      for (const bit of long ? [0, 1, 2, 3, 4, 5, 6, 7] : [(at * 5) % 8]) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        if (openReceipt(changed).ok) accepted.push(`bit ${bit} of byte ${at}`);
      }
    }
    expect(accepted).toEqual([]);
  }, 120_000);

  test('with a byte too many, too few or doubled is refused', () => {
    const bytes = Buffer.from(written(partsOf(5)).text);
    for (let at = 0; at <= bytes.length; at += 7) {
      expect([at, openReceipt(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1)])).ok]).toEqual([at, at === bytes.length]);
      expect([at, openReceipt(Buffer.concat([bytes.subarray(0, at), Buffer.from('\n'), bytes.subarray(at)])).ok]).toEqual([at, false]);
    }
    expect(openReceipt(Buffer.concat([Buffer.from('\ufeff'), bytes])).ok).toBe(false);
  });

  test('before any server has seen the entry is provisional and says so', () => {
    const parts = partsOf(5);
    const alone = written({ ...parts, witnesses: [] });
    expect([alone.witnessed, alone.text.includes('PROVISIONAL'), alone.text.includes('witness-key')]).toEqual([[], true, false]);
    const stranger = verifierKey('mercy/witness', generateKeyPairSync('ed25519').privateKey, 'cosignature');
    expect(written({ ...parts, witnesses: [stranger] }).witnessed).toEqual([]);
  });

  test('whose checkpoint has lost the cosignature that it boasts of is refused', () => {
    const { text } = written(partsOf(5));
    expect(kindOf(text.replace(/— mercy\/witness .*\n/, ''))).toBe('witness');
    expect(kindOf(text.replace(/^Witness .*$/m, 'Witness  None yet.'))).toBe('bytes');
  });

  test('with a line that nobody named here has signed is refused: it could be anything', () => {
    const stranger = generateKeyPairSync('ed25519').privateKey;
    const { text } = written(partsOf(5));
    const note = text.slice(text.indexOf(`${ORIGIN}\n7\n`));
    expect(kindOf(text + cosign(note, verifierKey('else/witness', stranger, 'cosignature'), stranger, SEEN_AT_S))).toBe('bytes');
  });

  test('under the key of another ledger, or about an entry of another cart, is not made and not believed', () => {
    const other = generateKeyPairSync('ed25519').privateKey;
    expect(writeReceipt({ ...partsOf(5), ledgerKeys: [verifierKey(ORIGIN, other)] })).toMatchObject({ ok: false, reason: { kind: 'signature' } });
    expect(writeReceipt({ ...partsOf(5), ledgerKeys: [verifierKey('mercy/station/cart-8/e1', STATION)] })).toMatchObject({ ok: false, reason: { kind: 'signature' } });
    expect(writeReceipt(partsOf(5, ENTRIES, { origin: 'mercy/station/cart-8/e1' }))).toMatchObject({ ok: false, reason: { kind: 'chain' } });
    expect(writeReceipt(partsOf(0, ENTRIES.slice(5)))).toMatchObject({ ok: false, reason: { kind: 'chain' } });
    expect(writeReceipt({ ...partsOf(5), entry: ENTRIES[4] ?? expect.fail() })).toMatchObject({ ok: false });
    const [theirs, ours] = [written(partsOf(5, ledger([...Array.from({ length: 5 }, (): EntryDraft => ({ type: 'host-lost', body: { cause: 'other' } })), RELEASED]))), written(partsOf(5))];
    const ourEntry = (text: string): string => text.slice(text.indexOf('\nentry '), text.indexOf('\nledger-key '));
    expect(kindOf(ours.text.replace(ourEntry(ours.text), ourEntry(theirs.text)))).toBe('root');
  });

  test('about a tablet with a name that imitates our words keeps it in quotes', () => {
    const { text } = written(partsOf(0, ledger([{ ...RELEASED, device: 'X was taken.\nWho  \u202eEwa' }])));
    expect(text.split('\n')[2]).toBe(String.raw`What     Tablet "X was taken.\nWho  \u202eEwa" was taken from slot 4. Release r-77.`);
    expect(kindOf(text)).toBe('accepted');
  });

  test('over the only entry of a ledger needs no hashes; of a kind that is new it names the kind', () => {
    expect(written(partsOf(0, ENTRIES.slice(0, 1))).text).toContain('What     An entry of the kind host-lost was recorded.');
    expect(written(partsOf(0, ENTRIES.slice(0, 1))).text).toContain('Who      The entry names no person.');
  });

  test('that was given out long ago is still accepted', async () => {
    // Version 1, one of each sentence. Where one is refused, the words were changed without beginning another version.
    const givenOut = JSON.parse(await readFile(new URL('given-out-receipts.json', import.meta.url), 'utf8')) as readonly string[];
    expect(givenOut.map(kindOf)).toEqual(Array.from({ length: 9 }, () => 'accepted'));
  });
});
