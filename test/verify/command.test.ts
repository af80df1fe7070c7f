import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { cosign } from '../../app/ledger/checkpoint.ts';
import { encodeVkey, verifierKey } from '../../app/ledger/note.ts';
import { openStore } from '../../app/storage/open.ts';
import { bundleOf, chain, noteOf, ORIGIN, POLICY, rechained, wardDrafts } from './ward-ledger.ts';

const VERIFY = fileURLToPath(new URL('../../scripts/verify.ts', import.meta.url));
let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'dockward-verify-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

const verify = (...args: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [VERIFY, ...args], (error, stdout, stderr) => {
      if (stderr !== '') reject(new Error(stderr));
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout });
    });
  });
const fileOf = async (name: string, bytes: Buffer | string): Promise<string> => {
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
};

describe('npm run verify -- BUNDLE', () => {
  const entries = chain(wardDrafts(120));

  test('tells a lawyer what a sound bundle proves and who vouches for it', async () => {
    const { code, out } = await verify(await fileOf('sound.tar', await bundleOf(entries)), '--policy', await fileOf('policy.jws', `${POLICY}\n`));
    expect(code).toBe(0);
    for (const words of [`SOUND: the ledger ${ORIGIN}`, '120', 'none is missing, added or moved', 'saw the first 120 entries', 'the policy that you gave', '11 offers, 11 releases']) expect(out).toContain(words);
  });

  test('has one exit code per class and names the first bad entry, as words and as JSON', async () => {
    const bundle = await bundleOf(entries);
    const changed = Buffer.from(bundle);
    const at = bundle.indexOf(entries[77] ?? '') + 40;
    changed[at] = (changed[at] ?? 0) ^ 1;
    const told = await verify(await fileOf('changed.tar', changed));
    expect([told.code, told.out]).toEqual([2, expect.stringContaining('entry 77') as string]);
    const answers = [
      { name: 'moved.tar', bytes: await bundleOf([...entries.slice(0, 5), ...entries.slice(6), entries[5] ?? Buffer.of()]), code: 3, finding: 'chain', seq: 5 },
      { name: 'alone.tar', bytes: await bundleOf(entries, { checkpoint: noteOf(entries) }), code: 7, finding: 'witness' },
      { name: 'told.tar', bytes: await bundleOf(rechained(entries, 11, (entry) => (entry.body['offer'] = 'o-none'))), code: 10, finding: 'custody', seq: 11 },
    ];
    for (const { name, bytes, code, ...facts } of answers) {
      const answer = await verify(await fileOf(name, bytes), '--json');
      expect(answer.code).toBe(code);
      expect(JSON.parse(answer.out)).toMatchObject(facts);
    }
  });

  test('what cannot be read is no finding', async () => {
    expect(await verify(join(folder, 'missing.tar'))).toMatchObject({ code: 1 });
    expect(await verify()).toMatchObject({ code: 1, out: expect.stringContaining('Say what to verify') as string });
  });
});

describe('npm run verify -- --store DIR', () => {
  const station = generateKeyPairSync('ed25519').privateKey;
  const witness = generateKeyPairSync('ed25519').privateKey;
  const witnessKey = verifierKey('mercy/witness', witness, 'cosignature');

  test('a stopped station’s ledger is exported whole and untouched, with what the server has seen of it', async () => {
    let mono = 0;
    const drafts: EntryDraft[] = [
      { type: 'station-started', body: { program: '0.1.0' } },
      { type: 'device-admitted', device: 'R52T1', body: { asset: 'T-1', ward: '7e', model: 'Tab', profile: 'p1', bundleVersion: 1 } },
      { type: 'returned', device: 'R52T1', slot: 1, body: { how: 'unheld' } },
    ];
    const opened = await openStore({
      path: join(folder, 'ledger.db'), station: 'cart-7', epoch: 1, origin: ORIGIN, signingKey: station, project: projectEntry,
      clock: { wallMs: () => 1_790_000_000_000, monoMs: () => (mono += 1), bootId: 'boot-1' },
    });
    if (!opened.ok) throw new Error(opened.reason);
    await opened.value.append(drafts);
    const signed = await opened.value.checkpoint();
    if (!signed.ok) throw new Error(signed.reason);
    await opened.value.setAcked(3, cosign(signed.value.note, witnessKey, witness, 1_790_000_001), 1_790_000_001_000);
    await opened.value.append([{ type: 'host-lost', body: { cause: 'cable' } }]);
    await opened.value.close();
    await fileOf('identity.json', JSON.stringify({ enrolment: { tenant: 'mercy', station: 'cart-7', witness: encodeVkey(witnessKey) }, epoch: { number: 1 }, ledgerKey: station.export({ format: 'jwk' }) }));

    expect(await verify('--store', folder)).toMatchObject({ code: 0, out: expect.stringContaining('4 entries') as string });
    const target = join(folder, 'exported.tar');
    expect(await verify('--store', folder, '--export', target)).toMatchObject({ code: 0 });
    expect((await readdir(folder)).filter((name) => name.startsWith('exported'))).toEqual(['exported.tar']);
    const audited = await verify(target, '--json');
    expect([audited.code, JSON.parse(audited.out)]).toMatchObject([0, { finding: 'none', size: 4, witnessedSize: 3 }]);
    expect((await verify(target)).out).toContain('The last 1 entry is vouched for by the station alone');
  });
});
