import { spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { cosign, signCheckpoint } from '../../../app/ledger/checkpoint.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../../app/ledger/merkle.ts';
import { encodeVkey, rawPublicKey, verifierKey } from '../../../app/ledger/note.ts';
import { consistencyProof, inclusionProof } from '../../../app/ledger/proofs.ts';
import { buildGo, GO_MISSING, WITHOUT_GO } from './go-tools.ts';

const COMPILE_MS = 180_000;

const ORIGIN = 'mercy/station/cart-7/e1';
const TIME_S = 1_790_000_000;
const station = generateKeyPairSync('ed25519').privateKey;
const witness = generateKeyPairSync('ed25519').privateKey;
const witnessKey = verifierKey('mercy/witness', witness, 'cosignature');

let folder: string;
let auditor: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auditor-'));
  auditor = join(folder, 'auditor');
  if (GO_MISSING === undefined) await buildGo('auditor', auditor);
}, COMPILE_MS);

afterAll(() => rm(folder, { recursive: true, force: true }));

function published(size: number) {
  const entries = Array.from({ length: size }, (_, index) => Buffer.from(`{"seq":${index}}`));
  const leaves = entries.map(leafHash);
  const leafAt = (index: number) => leaves[index] ?? expect.fail(`leaf ${index} was asked for`);
  const note = signCheckpoint(ORIGIN, size, rootOf(leaves.reduce(append, EMPTY_FRONTIER)), verifierKey(ORIGIN, station), station);
  const base64 = (proof: readonly Buffer[]) => proof.map((hash) => hash.toString('base64'));
  const sizes = Array.from({ length: size }, (_, index) => index + 1);
  return {
    Vkey: encodeVkey(verifierKey(ORIGIN, station)),
    Note: note + cosign(note, witnessKey, witness, TIME_S),
    Witness: { Name: witnessKey.name, Key: rawPublicKey(witnessKey.publicKey).toString('base64') },
    TimeS: TIME_S,
    Entries: base64(entries),
    Inclusion: sizes.flatMap((within) => sizes.slice(0, within).map((n) => ({ Index: n - 1, Size: within, Proof: base64(inclusionProof(n - 1, within, leafAt)) }))),
    Consistency: sizes.flatMap((within) => sizes.slice(0, within).map((old) => ({ Old: old, Size: within, Proof: base64(consistencyProof(old, within, leafAt)) }))),
  };
}

async function audit(input: unknown): Promise<string> {
  const child = spawn(auditor, { stdio: ['pipe', 'pipe', 'pipe'] });
  child.stdin.end(JSON.stringify(input));
  const [out, error] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return (out + error).trim();
}

test('an auditor with Go’s own packages accepts our checkpoint, cosignature, root and every proof', async (context) => {
  if (GO_MISSING !== undefined) context.skip(WITHOUT_GO);
  expect(await audit(published(21))).toBe('ok');
});

test('and refuses them when something is not so', async (context) => {
  if (GO_MISSING !== undefined) context.skip(WITHOUT_GO);
  const honest = published(5);
  expect(await audit({ ...honest, Note: honest.Note.replace('\n5\n', '\n6\n') })).toContain('invalid signature');
  expect(await audit({ ...honest, TimeS: TIME_S + 1 })).toContain("witness's time");
  expect(await audit({ ...honest, Entries: honest.Entries.with(0, 'AAAA') })).toContain('root over the entries');
  expect(await audit({ ...honest, Inclusion: honest.Inclusion.map((proof) => ({ ...proof, Proof: proof.Proof.slice(1) })) })).toContain('invalid transparency proof');
});
