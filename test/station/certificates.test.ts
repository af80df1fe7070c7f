import { expect, test } from 'vitest';
import { entriesToProve, writeCertificate, type Certificate } from '../../app/ledger/certificate.ts';
import { parseVkey } from '../../app/ledger/note.ts';
import { startCart, type OneCart } from '../support/one-cart.ts';
import { MARIA } from '../support/ward-policy.ts';

/** The certificate over the cart's last completed sanitization, from its ledger alone. */
async function certificateOf(cart: OneCart): Promise<Certificate> {
  const store = cart.store();
  const done = (await cart.ofType('sanitized')).at(-1) ?? expect.fail('nothing was sanitized');
  const all = await store.entries(0, store.size());
  const checkpoint = await store.checkpoint();
  if (!checkpoint.ok) return expect.fail(checkpoint.reason);
  const { note, size } = checkpoint.value;
  const chosen = entriesToProve(all[done.seq]?.bytes ?? Buffer.of(), all.slice(0, done.seq).map(({ bytes }) => bytes));
  const entries = await Promise.all(chosen.map(async ({ bytes, entry }) => ({ bytes, hashes: await store.inclusionProof(entry.seq, size) })));
  const keys = store.keyRanges().flatMap(({ vkey }) => {
    const key = parseVkey(vkey);
    return key.ok ? [key.value] : [];
  });
  const certificate = writeCertificate({ entries, checkpoint: note, ledgerKeys: keys, witnesses: [] });
  return certificate.ok ? certificate.value : expect.fail(certificate.reason.message);
}

test('what a cart records of a wipe makes a certificate, provisional until a server has seen it', async () => {
  const cart = await startCart({ tablets: 1 });
  const { facts, witnessed, text } = await certificateOf(cart);
  expect(witnessed).toEqual([]);
  expect(facts).toMatchObject({ media: { serial: 'T1', source: { slot: 1 } }, sanitization: { tool: 'test', attempt: 1 }, verification: { grade: 'E2', policy: { version: 1 }, statements: [{}, {}, {}, {}] } });
  expect(text).not.toContain('actor\\":');
});

test('the wipe after a nurse had it, with an absence in the middle, makes one that names no nurse', async () => {
  const cart = await startCart({ tablets: 1 });
  await cart.tap(MARIA);
  await cart.pull(1);
  await cart.dock(1, 'T1');
  await cart.pull(1);
  await cart.pass(5_000);
  await cart.dock(1, 'T1');
  await cart.prove('T1');
  const { facts, held, text } = await certificateOf(cart);
  expect(held.map(({ entry }) => entry.type)).toContain('reappeared');
  expect(facts.sanitization.request).toBe((await cart.ofType('sanitization-requested')).at(-1)?.body.request);
  expect(text).not.toContain('actor\\":');
});
