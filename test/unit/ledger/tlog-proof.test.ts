import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { signCheckpoint } from '../../../app/ledger/checkpoint.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../../app/ledger/merkle.ts';
import { verifierKey } from '../../../app/ledger/note.ts';
import { inclusionProof } from '../../../app/ledger/proofs.ts';
import { openTlogProof, parseTlogProof, tlogProofText } from '../../../app/ledger/tlog-proof.ts';

const sum = (text: string): Buffer => createHash('sha256').update(text).digest();
const HEADER = 'c2sp.org/tlog-proof@v1';
const [H1, H2] = [sum('hash1'), sum('hash2')];

describe('a tlog-proof', () => {
  test('is spelled as C2SP spells it', () => {
    expect(tlogProofText({ index: 5, hashes: [H1, H2], checkpoint: 'test checkpoint\n' })).toBe(`${HEADER}\nindex 5\n${H1.toString('base64')}\n${H2.toString('base64')}\n\ntest checkpoint\n`);
    expect(tlogProofText({ index: 10, hashes: [H1], checkpoint: 'checkpoint data\n', extra: Buffer.from('extra information') })).toBe(`${HEADER}\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n${H1.toString('base64')}\n\ncheckpoint data\n`);
    expect(tlogProofText({ index: 0, hashes: [], checkpoint: 'checkpoint\n' })).toBe(`${HEADER}\nindex 0\n\ncheckpoint\n`);
  });

  test('is read back as it was written, whatever the checkpoint says', () => {
    const hash = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes));
    const extra = fc.option(fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)), { nil: undefined });
    fc.assert(
      fc.property(fc.nat(2 ** 31), fc.array(hash, { maxLength: 63 }), extra, fc.string({ unit: 'grapheme', minLength: 1 }), (index, hashes, more, checkpoint) => {
        const proof = { index, hashes, checkpoint: `${checkpoint}\n\nmore\n`, ...(more && { extra: more }) };
        expect(parseTlogProof(tlogProofText(proof))).toEqual({ ok: true, value: proof });
      }),
    );
  });

  test('in any other spelling is refused', () => {
    const hash = H1.toString('base64');
    const refused = [
      '', `${HEADER}\n`, `${HEADER}\nindex 1\n`, `wrong-header\nindex 0\n\ncheckpoint\n`, `${HEADER}\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n`, `${HEADER}\nextra YR==\nindex 0\n\ncp\n`, `${HEADER}\nextra\nindex 0\n\ncp\n`,
      `${HEADER}\n\n\ncheckpoint\n`, `${HEADER}\nindex notanumber\n\ncheckpoint\n`, `${HEADER}\nindex -5\n\ncheckpoint\n`, `${HEADER}\nindex +1\n\ncp\n`, `${HEADER}\nindex 007\n\ncp\n`, `${HEADER}\nindex  1\n\ncp\n`,
      `${HEADER}\nindex 18446744073709551616\n\ncp\n`, `${HEADER}\nindex 9007199254740993\n\ncp\n`, `${HEADER}\nindex 0\n!!notbase64!!\n\ncheckpoint\n`, `${HEADER}\nindex 0\n${Buffer.alloc(64).toString('base64')}\n\ncheckpoint\n`,
      `${HEADER}\nindex 0\nypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLt=\n\ncp\n`, `${HEADER}\r\nindex 5\r\n\r\ncp line\r\n`, `${HEADER}\nindex 1\n${hash} \n\ncp\n`, `${HEADER}\nindex 1\n${`${hash}\n`.repeat(64)}\ncp\n`, `${HEADER}\nindex 1\n\n`,
    ];
    for (const text of refused) expect([text, parseTlogProof(text)]).toEqual([text, { ok: false, reason: 'malformed' }]);
  });

  test('of another entry, another place, another log or another key shows nothing', () => {
    const { privateKey } = generateKeyPairSync('ed25519');
    const key = verifierKey('mercy/station/cart-7/e1', privateKey);
    const leaves = Array.from({ length: 11 }, (_, index) => leafHash(Buffer.from(`entry ${index}`)));
    const leafAt = (index: number): Buffer => leaves[index] ?? expect.fail(`leaf ${index} was asked for`);
    const checkpoint = signCheckpoint(key.name, 11, rootOf(leaves.reduce(append, EMPTY_FRONTIER)), key, privateKey);
    const proof = { index: 4, hashes: inclusionProof(4, 11, leafAt), checkpoint };
    expect(openTlogProof(proof, leafAt(4), key)).toMatchObject({ ok: true, value: { origin: key.name, size: 11 } });
    expect(openTlogProof(proof, leafAt(5), key)).toEqual({ ok: false, reason: 'not-included' });
    expect(openTlogProof({ ...proof, index: 5 }, leafAt(4), key)).toEqual({ ok: false, reason: 'not-included' });
    expect(openTlogProof({ ...proof, index: 11 }, leafAt(4), key)).toEqual({ ok: false, reason: 'not-included' });
    expect(openTlogProof({ ...proof, hashes: proof.hashes.slice(1) }, leafAt(4), key)).toEqual({ ok: false, reason: 'not-included' });
    expect(openTlogProof(proof, leafAt(4), verifierKey(key.name, generateKeyPairSync('ed25519').privateKey))).toEqual({ ok: false, reason: 'not-signed' });
    expect(openTlogProof(proof, leafAt(4), verifierKey('mercy/station/cart-8/e1', privateKey))).toEqual({ ok: false, reason: 'not-signed' });
  });
});
