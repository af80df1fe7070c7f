import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { devicePast, ledgerOf, stateAt } from '../../app/station/history.ts';
import { questionOf } from '../../scripts/verify/history.ts';
import { startCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';
import { bundleOf, chain, cosignedNote, noteOf, ORIGIN, STATION, wardDrafts } from './ward-ledger.ts';

const VERIFY = fileURLToPath(new URL('../../scripts/verify.ts', import.meta.url));
const SIZE = 120;
const START_MS = 1_790_000_000_000;
let folder: string;
let bundle: string;
/** The witness saw it two seconds after its last entry. */
const entries = chain(wardDrafts(SIZE));
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dockward-past-'));
  bundle = await fileOf('sound.tar', await bundleOf(entries, { checkpoint: cosignedNote(entries, STATION, (START_MS + SIZE * 1_000) / 1_000 + 1) }));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function fileOf(name: string, bytes: Buffer | string): Promise<string> {
  await writeFile(join(folder, name), bytes);
  return join(folder, name);
}
const verify = (...args: string[]): Promise<{ code: number; out: string }> =>
  new Promise((resolve, reject) => {
    execFile(process.execPath, [VERIFY, ...args], (error, stdout, stderr) => {
      if (stderr !== '') reject(new Error(stderr));
      else resolve({ code: typeof error?.code === 'number' ? error.code : 0, out: stdout });
    });
  });
const iso = (seq: number): string => new Date(START_MS + seq * 1_000).toISOString();
const DEVICE = 'R52T000000';

describe('an auditor with nothing but the bundle', () => {
  test('asks who held a tablet between two times: told in words, with the entries and what bounds them', async () => {
    // Entry 11 takes the tablet, entry 13 brings it back.
    const { code, out } = await verify(bundle, '--device', DEVICE, '--from', iso(12), '--to', iso(12));
    expect(code).toBe(0);
    for (const words of [`THE TABLET ${DEVICE}`, 'Held           by the person abababababababab…', 'taken out of the slot, claimed', 'not before', 'not after', '(entry 11, ', 'put back into the cart', 'What other carts recorded']) expect(out).toContain(words);
  });

  test('asks the same as JSON, with evidence for both ends', async () => {
    const { out } = await verify(bundle, '--device', DEVICE, '--from', iso(0), '--to', iso(200), '--json');
    const { finding, intervals } = JSON.parse(out) as { finding: string; intervals: { kind: string; overlap: string; holder?: { actor: string }; opened: { evidence: object; time: { claimed: string; notBefore?: string; notAfter?: string } }; touches: { type: string }[] }[] };
    expect([finding, intervals.filter(({ kind }) => kind === 'held').length]).toEqual(['none', 5]);
    const held = intervals.find(({ kind }) => kind === 'held');
    expect(held).toMatchObject({ overlap: 'certain', holder: { actor: 'ab'.repeat(32) }, opened: { evidence: { origin: ORIGIN, seq: 11 }, time: { claimed: iso(11) } } });
    const { notBefore = '', notAfter = '' } = held?.opened.time ?? {};
    expect([Date.parse(notBefore) <= START_MS + 11_000, Date.parse(notAfter) >= START_MS + 11_000, Date.parse(notAfter) - Date.parse(notBefore) < 5_000]).toEqual([true, true, true]);
  });

  test('asks how the cart stood at an instant: the fold up to it, and which entries the bounds leave open', async () => {
    const held = JSON.parse((await verify(bundle, '--at', iso(12), '--json')).out) as { size: number; out: object[]; uncertain?: { fromSeq: number; toSeq: number } };
    expect(held).toMatchObject({ size: 13, policyVersion: 3, slots: [], out: [{ device: DEVICE, holder: { kind: 'person' } }] });
    expect(held.uncertain?.fromSeq).toBeLessThanOrEqual(12);
    expect(held.uncertain?.toSeq).toBeGreaterThanOrEqual(12);
    const { out } = await verify(bundle, '--at', iso(14));
    for (const words of ['THE CART at', `Slot 1         ${DEVICE}`, 'Not decided', 'Policy         version 3']) expect(out).toContain(words);
    expect((await verify(bundle, '--at', '2020-01-01T00:00:00Z')).out).toContain('this ledger had not begun');
  });

  test('asks of a bundle that nobody witnessed, or that was changed: the finding, and no history', async () => {
    const alone = await fileOf('alone.tar', await bundleOf(entries, { checkpoint: noteOf(entries) }));
    const { code, out } = await verify(alone, '--device', DEVICE, '--from', iso(0), '--to', iso(9));
    expect([code, out.includes('THE TABLET')]).toEqual([7, false]);
  });

  test.each([
    [['--device', DEVICE], 'which span'],
    [['--device', DEVICE, '--from', 'yesterday', '--to', iso(1)], 'Give times as'],
    [['--device', DEVICE, '--from', '2026-11-22T02:00:00', '--to', iso(1)], 'Give times as'],
    [['--device', DEVICE, '--from', iso(5), '--to', iso(1)], 'ends before it begins'],
    [['--at', iso(1), '--device', DEVICE], 'Ask either'],
  ])('asks badly (%j): told how', (flags, words) => {
    const options = { device: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' }, at: { type: 'string' } } as const;
    expect(questionOf(parseArgs({ args: flags, options }).values)).toEqual(expect.stringContaining(words) as string);
  });

  test('asks badly: no finding, and told how', async () => {
    expect(await verify(bundle, '--at', 'noon')).toMatchObject({ code: 1, out: expect.stringContaining('Give times as') as string });
  });
});

test('a station without any network answers the same questions from its own disk', async () => {
  const cart = await startCart({ tablets: 2 });
  await cart.pass(120_000);
  await cart.tap(MARIA, 'crypto');
  await cart.pull(1);
  const takenMs = cart.clock.trueMs();
  await cart.pass(3_600_000);
  await cart.dock(3, 'T1');
  await cart.store().setAcked(cart.store().size(), 'the line of the witness', cart.clock.trueMs());
  const source = ledgerOf(cart.store(), 'mercy/station/cart-7/e1');
  const past = await devicePast(source, 'T1', { fromMs: takenMs + 60_000, toMs: takenMs + 120_000 });
  expect(past.map(({ interval: { kind, row, opened, closed } }) => [kind, row.holder, opened.how, closed?.how])).toEqual([['held', { kind: 'person', actor: MARIA.actor }, 'taken', 'returned']]);
  const { view } = await stateAt(source, takenMs + 60_000);
  expect(view.get('device', 'T1')?.custody).toMatchObject({ kind: 'person', actor: MARIA.actor });
  expect(view.get('device', 'T2')?.custody).toMatchObject({ kind: 'cart', slot: 2 });
  expect((await stateAt(source, takenMs + 2 * 3_600_000)).view.get('device', 'T1')?.custody).toMatchObject({ kind: 'cart', slot: 3 });
});
