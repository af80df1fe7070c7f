import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { checkpointText, cosign, openCheckpoint, openCosignature, parseCheckpoint, signCheckpoint, verifyCosignature } from '../../../app/ledger/checkpoint.ts';
import { EMPTY_ROOT, leafHash } from '../../../app/ledger/merkle.ts';
import { encodeVkey, openNote, parseNote, parseVkey, publicKeyFrom, rawPublicKey, signNote, verifierKey } from '../../../app/ledger/note.ts';

/** The published example of golang.org/x/mod/sumdb/note. */
const NEUMANN_VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
const NEUMANN_SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1);
const NEUMANN_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
const NEUMANN_NOTE = `${NEUMANN_TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;
/** A witness's key as the C2SP ecosystem publishes it. */
const WITNESS_VKEY = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2';
/** The example of the C2SP tlog-cosignature specification. */
const SPECIFIED = `example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`;

const PKCS8_ED25519_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const privateKeyFrom = (seed: Buffer): KeyObject => createPrivateKey({ key: Buffer.concat([PKCS8_ED25519_PREFIX, seed]), format: 'der', type: 'pkcs8' });

const ORIGIN = 'mercy/station/cart-7/e1';
const station = generateKeyPairSync('ed25519').privateKey;
const witness = generateKeyPairSync('ed25519').privateKey;
const stationKey = verifierKey(ORIGIN, station);
const witnessKey = verifierKey('mercy/witness', witness, 'cosignature');
const ROOT = leafHash(Buffer.from('one'));
const NOTE = signCheckpoint(ORIGIN, 1, ROOT, stationKey, station);

const known = <T>(result: { ok: true; value: T } | { ok: false; reason: string }): T => (result.ok ? result.value : expect.fail(result.reason));

describe('the published vectors', () => {
  test('the key id, the vkey and the signature of Go’s example, byte for byte', () => {
    const key = verifierKey('PeterNeumann', privateKeyFrom(NEUMANN_SEED));
    expect(encodeVkey(key)).toBe(NEUMANN_VKEY);
    expect(signNote(NEUMANN_TEXT, key, privateKeyFrom(NEUMANN_SEED))).toBe(NEUMANN_NOTE);
    expect(known(openNote(NEUMANN_NOTE, known(parseVkey(NEUMANN_VKEY)))).text).toBe(NEUMANN_TEXT);
  });

  test('a witness key of type 0x04', () => {
    const key = known(parseVkey(WITNESS_VKEY));
    expect(key).toMatchObject({ name: 'remora.n621.de', type: 'cosignature', keyId: 0xda77ade7 });
    expect(encodeVkey(key)).toBe(WITNESS_VKEY);
  });

  test('the specification’s cosigned checkpoint', () => {
    const note = known(parseNote(SPECIFIED));
    expect(known(parseCheckpoint(note.text))).toMatchObject({ origin: 'example.com/behind-the-sofa', size: 20852163, extensions: [] });
    expect(note.signatures.map(({ name, keyId, signature }) => [name, keyId, signature.length])).toEqual([
      ['example.com/behind-the-sofa', 0x033de0ae, 64],
      ['witness.example.com/w1', 0x8d66cf3f, 72],
    ]);
    expect(Number(note.signatures[1]?.signature.readBigUInt64BE(0))).toBe(1679315147);
  });
});

describe('a checkpoint', () => {
  test('is opened by the key that signed it', () => {
    expect(known(openCheckpoint(NOTE, stationKey))).toEqual({ origin: ORIGIN, size: 1, root: ROOT, extensions: [] });
    expect(known(parseVkey(encodeVkey(stationKey)))).toMatchObject({ name: ORIGIN, keyId: stationKey.keyId });
    expect(rawPublicKey(publicKeyFrom(rawPublicKey(station)))).toEqual(rawPublicKey(station));
  });

  test('of an empty ledger has size 0', () => {
    expect(known(openCheckpoint(signCheckpoint(ORIGIN, 0, EMPTY_ROOT, stationKey, station), stationKey)).size).toBe(0);
  });

  test('signed by somebody else under the same name is not signed', () => {
    expect(openCheckpoint(NOTE, verifierKey(ORIGIN, witness))).toEqual({ ok: false, reason: 'not-signed' });
  });

  test('changed anywhere is never opened as something else', () => {
    const bytes = Buffer.from(NOTE);
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const damaged = Buffer.from(bytes);
        damaged[at] = (damaged[at] ?? 0) ^ (1 << bit);
        expect(openCheckpoint(damaged.toString('utf8'), stationKey).ok).toBe(false);
      }
    }
  });

  test('with signatures of strangers, of unknown algorithms or made twice is opened all the same', () => {
    const strangers = `— example.com/other+thing x\n`.replace('+', '-').replace(' x\n', ` ${Buffer.alloc(90, 3).toString('base64')}\n`);
    const [, signature = ''] = NOTE.split('\n\n');
    expect(openCheckpoint(NOTE.replace('\n\n', `\n\n${strangers}`), stationKey).ok).toBe(true);
    expect(openCheckpoint(NOTE + signature, stationKey).ok).toBe(true);
  });

  test('that sixteen witnesses have signed after the end of elliptic curves is opened all the same', () => {
    const postQuantum = Array.from({ length: 16 }, (_, at) => `— witness-${at} ${Buffer.alloc(4_900, at).toString('base64')}\n`);
    expect(openCheckpoint(NOTE + postQuantum.join(''), stationKey).ok).toBe(true);
  });

  test('of another log signed by the same key is refused', () => {
    const other = signCheckpoint('mercy/station/cart-8/e1', 1, ROOT, stationKey, station);
    expect(openCheckpoint(other, stationKey)).toEqual({ ok: false, reason: 'other-origin' });
  });

  test('with extension lines keeps them', () => {
    const note = signNote(checkpointText(ORIGIN, 1, ROOT, ['hello']), stationKey, station);
    expect(known(openCheckpoint(note, stationKey)).extensions).toEqual(['hello']);
  });

  test.each([
    ['a size with a leading zero', `${ORIGIN}\n01\n${ROOT.toString('base64')}\n`],
    ['a negative size', `${ORIGIN}\n-1\n${ROOT.toString('base64')}\n`],
    ['a size beyond 2^53', `${ORIGIN}\n9007199254740993\n${ROOT.toString('base64')}\n`],
    ['a short root', `${ORIGIN}\n1\n${ROOT.subarray(1).toString('base64')}\n`],
    ['a root in URL-safe base64', `${ORIGIN}\n1\n${Buffer.alloc(32, 255).toString('base64url')}=\n`],
    ['an empty extension line', `${ORIGIN}\n1\n${ROOT.toString('base64')}\n\nx\n`],
    ['no origin', `\n1\n${ROOT.toString('base64')}\n`],
    ['no root', `${ORIGIN}\n1\n`],
    ['no last newline', `${ORIGIN}\n1\n${ROOT.toString('base64')}`],
  ])('with %s is malformed', (_name, text) => {
    expect(parseCheckpoint(text)).toEqual({ ok: false, reason: 'malformed' });
  });

  test.each([
    ['empty', ''],
    ['without signatures', `${ORIGIN}\n1\n`],
    ['with a carriage return', NOTE.replace('\n', '\r\n')],
    ['with a hyphen for the dash', NOTE.replace('—', '-')],
    ['with text after the signatures', `${NOTE}more\n`],
    ['with a hundred and one signatures', NOTE + `— a ${Buffer.alloc(68).toString('base64')}\n`.repeat(101)],
  ])('note %s is malformed', (_name, note) => {
    expect(parseNote(note)).toEqual({ ok: false, reason: 'malformed' });
  });

  test('a vkey with a wrong id, an unknown algorithm or a short key is malformed', () => {
    const vkey = encodeVkey(stationKey);
    expect(parseVkey(vkey.replace(/\+[0-9a-f]{8}\+/, '+00000000+')).ok).toBe(false);
    expect(parseVkey(NEUMANN_VKEY.replace('+AR', '+AB')).ok).toBe(false);
    expect(parseVkey(vkey.slice(0, -4)).ok).toBe(false);
    expect(() => verifierKey('with space', station)).toThrow(TypeError);
    expect(() => verifierKey('with+plus', station)).toThrow(TypeError);
    expect(() => verifierKey(ORIGIN, generateKeyPairSync('x25519').privateKey)).toThrow(TypeError);
  });
});

describe('the witness', () => {
  const LINE = cosign(NOTE, witnessKey, witness, 1_790_000_000);

  test('says when it cosigned', () => {
    expect(verifyCosignature(NOTE, LINE, witnessKey)).toEqual({ ok: true, value: 1_790_000_000 });
    expect(openCosignature(NOTE + LINE, witnessKey)).toEqual({ ok: true, value: 1_790_000_000 });
  });

  test('its line under the checkpoint leaves the station’s own signature standing', () => {
    expect(openCheckpoint(NOTE + LINE, stationKey).ok).toBe(true);
  });

  test('has said nothing of another checkpoint', () => {
    const other = signCheckpoint(ORIGIN, 2, ROOT, stationKey, station);
    expect(verifyCosignature(other, LINE, witnessKey)).toEqual({ ok: false, reason: 'bad-signature' });
  });

  test('cannot be made to have cosigned at another time', () => {
    const bytes = Buffer.from(LINE.trimEnd().split(' ')[2] ?? '', 'base64');
    bytes.writeBigUInt64BE(1_790_000_001n, 4);
    expect(verifyCosignature(NOTE, `— ${witnessKey.name} ${bytes.toString('base64')}\n`, witnessKey)).toEqual({ ok: false, reason: 'bad-signature' });
  });

  test('is not a plain signature by the same key', () => {
    const plain = verifierKey(witnessKey.name, witness);
    const [, line = ''] = signNote(known(parseNote(NOTE)).text, plain, witness).split('\n\n');
    expect(verifyCosignature(NOTE, line, witnessKey)).toEqual({ ok: false, reason: 'not-signed' });
    expect(verifyCosignature(NOTE, LINE, plain)).toEqual({ ok: false, reason: 'not-signed' });
    expect(verifyCosignature(NOTE, 'no line', witnessKey)).toEqual({ ok: false, reason: 'malformed' });
    expect(() => cosign('no checkpoint', witnessKey, witness, 1)).toThrow(TypeError);
    expect(() => cosign(NOTE, plain, witness, 1)).toThrow(TypeError);
  });
});
