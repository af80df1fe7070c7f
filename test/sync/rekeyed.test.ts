import { expect, test } from 'vitest';
import type { Rekeyed } from '../../app/contract/secrets.ts';
import { createRekeyedOutbox, sendingRekeyed } from '../../app/sync/rekeyed.ts';
import { AWAY, stubServer } from './stub-server.ts';

const MOVED: readonly Rekeyed[] = [
  { kind: 'badge', old: { hmac: 'aa'.repeat(32), version: 1 }, new: { hmac: 'bb'.repeat(32), version: 2 } },
  { kind: 'pin', actor: 'cc'.repeat(32), from: 1, new: { salt: 'dd'.repeat(16), hash: 'ee'.repeat(32), pepperVersion: 2 } },
];

test('the server is away when a badge and a PIN are to be reported: they wait with growing patience, the ledger does not wait for them, and they arrive once', async () => {
  const answers: unknown[] = [AWAY, { reason: 'slow-down', message: 'wait', retryAfterMs: 60_000 }, { taken: 2, refused: 0 }];
  const stub = stubServer(() => answers.shift());
  let monoMs = 0;
  const outbox = createRekeyedOutbox({ client: () => stub.client, monoMs: () => monoMs, random: () => 1, log: () => undefined });
  const uplink = sendingRekeyed({ onGrowth: () => () => undefined, push: () => Promise.resolve({ ok: true, value: { kind: 'nothing' } }) }, outbox);
  await uplink.push();
  expect(stub.asked).toEqual([]);
  MOVED.forEach(outbox.add);
  const askedAfter = async (ms: number): Promise<number> => {
    monoMs += ms;
    expect(await uplink.push()).toEqual({ ok: true, value: { kind: 'nothing' } });
    await outbox.send();
    return stub.asked.length;
  };
  expect([await askedAfter(0), await askedAfter(3_999), await askedAfter(1), await askedAfter(60_000), await askedAfter(8_000), await askedAfter(3_600_000)]).toEqual([1, 1, 2, 2, 3, 3]);
  expect(stub.asked.at(-1)).toMatchObject({ method: 'POST', path: '/v1/rekeyed', body: { badges: [{ old: { version: 1 }, new: { version: 2 } }], pins: [{ actor: 'cc'.repeat(32), from: 1 }] } });
});

test('entries wait, or the ledger is refused: nothing else is sent in its turn', async () => {
  const stub = stubServer(() => ({ taken: 2, refused: 0 }));
  const outbox = createRekeyedOutbox({ client: () => stub.client, monoMs: () => 0, random: () => 1, log: () => undefined });
  MOVED.forEach(outbox.add);
  await sendingRekeyed({ onGrowth: () => () => undefined, push: () => Promise.resolve({ ok: true, value: { kind: 'sent', cosignedAtMs: 1, more: false } }) }, outbox).push();
  await sendingRekeyed({ onGrowth: () => () => undefined, push: () => Promise.resolve({ ok: false, reason: AWAY }) }, outbox).push();
  expect(stub.asked).toEqual([]);
});

test('the server refuses some, or does not understand at all: told without a number or a hash, and not sent again', async () => {
  for (const answer of [{ taken: 0, refused: 2 }, { reason: 'malformed', message: 'The request is not as the API describes it.' }]) {
    const log: object[] = [];
    const stub = stubServer(() => answer);
    const outbox = createRekeyedOutbox({ client: () => stub.client, monoMs: () => 0, random: () => 1, log: (line) => log.push(line) });
    MOVED.forEach(outbox.add);
    await outbox.send();
    await outbox.send();
    expect([stub.asked.length, log.length]).toEqual([1, 1]);
    expect(JSON.stringify(log)).not.toMatch(/(?:aa|bb|cc|dd|ee){8}/);
  }
});

test('a whole hospital taps at once: it goes in batches that the server takes', async () => {
  const stub = stubServer((_method, _path, body) => ({ taken: (body as { badges: unknown[] }).badges.length, refused: 0 }));
  const outbox = createRekeyedOutbox({ client: () => stub.client, monoMs: () => 0, random: () => 1, log: () => undefined });
  for (let n = 0; n < 250; n += 1) outbox.add({ kind: 'badge', old: { hmac: n.toString(16).padStart(64, '0'), version: 1 }, new: { hmac: 'bb'.repeat(32), version: 2 } });
  for (let turns = 0; turns < 4; turns += 1) await outbox.send();
  expect(stub.asked.map(({ body }) => (body as { badges: unknown[] }).badges.length)).toEqual([100, 100, 50]);
});
