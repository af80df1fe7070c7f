import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { NetworkEvent } from '../../app/contract/network-event.ts';
import { ok, refused } from '../../app/domain/result.ts';
import { systemClock } from '../../app/entrypoints/system-clock.ts';
import { openIdentity } from '../../app/sync/identity.ts';
import type { Fork } from '../../app/sync/epoch.ts';
import type { SyncClock } from '../../app/sync/clock.ts';
import { startSync, type SyncDeps } from '../../app/sync/sync.ts';
import { AWAY, stubServer } from './stub-server.ts';

type Pull = Awaited<ReturnType<SyncDeps['downlink']['pull']>>;
type Push = Awaited<ReturnType<SyncDeps['uplink']['push']>>;
const NOTHING: Push = ok({ kind: 'nothing' });

/** Both directions against a server that is scripted; when a script is at its end the long poll just waits. */
async function syncing(options: { pulls?: Pull[]; pushes?: Push[]; epochAnswers?: unknown[]; registered?: boolean; clock?: SyncClock }) {
  const folder = await mkdtemp(join(tmpdir(), 'sync-'));
  const identity = await openIdentity(folder);
  const { pulls = [], pushes = [], epochAnswers = [], registered = true } = options;
  const submitted: NetworkEvent[] = [];
  const log: string[] = [];
  const order: string[] = [];
  const hearers = new Set<() => void>();
  const waits: number[] = [];
  const forks: Fork[] = [];
  const forkTold = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<Pull>();
  const [pulledOut, pushed] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const stub = stubServer(() => {
    order.push('epoch');
    return epochAnswers.shift();
  });
  const sync = startSync({
    identity,
    epoch: { number: 2, registered },
    client: () => ({ ...stub.client, close: () => closed.resolve(refused(AWAY)) }),
    renewClient: () => undefined,
    uplink: {
      onGrowth: (heard) => {
        hearers.add(heard);
        return () => hearers.delete(heard);
      },
      push: () => {
        order.push('push');
        pushed.resolve();
        return Promise.resolve(pushes.shift() ?? NOTHING);
      },
    },
    downlink: {
      pull: () => {
        order.push('pull');
        const next = pulls.shift();
        if (!next) pulledOut.resolve();
        return next ? Promise.resolve(next) : closed.promise;
      },
    },
    submit: (event) => submitted.push(event),
    onFork: (fork) => {
      forks.push(fork);
      forkTold.resolve();
    },
    random: () => {
      waits.push(order.length);
      return 0;
    },
    clock: options.clock ?? (await systemClock()),
    log: ({ level, what }) => log.push(`${level}: ${what}`),
  });
  onTestFinished(async () => {
    await sync.stop();
    await rm(folder, { recursive: true });
  });
  return { submitted, log, order, hearers, waits, identity, asked: stub.asked, forks, forked: forkTold.promise, idle: Promise.all([pulledOut.promise, pushed.promise]), stop: sync.stop };
}
const kinds = (events: readonly NetworkEvent[]) => events.map(({ kind }) => kind);

test('the server is away for a while: the page is told once when it goes and once when it is back', async () => {
  const taken: Pull = ok({ taken: true });
  const { submitted, log, idle } = await syncing({ pulls: [refused(AWAY), refused(AWAY), refused(AWAY), taken, taken, refused(AWAY), taken] });
  await idle;
  expect(kinds(submitted)).toEqual(['offline', 'online', 'offline', 'online']);
  expect(log.filter((line) => line.startsWith('warn'))).toHaveLength(2);
});

test('what came could not be taken: it waits before it asks again, and is still online', async () => {
  const stuck: Pull = ok({ taken: false });
  const { submitted, waits, idle } = await syncing({ pulls: [stuck, stuck, stuck, stuck] });
  await idle;
  expect(waits).toHaveLength(4);
  expect(kinds(submitted)).toEqual(['online']);
});

test('a cosignature brings the server’s time', async () => {
  const { submitted, idle } = await syncing({ pushes: [ok({ kind: 'sent', cosignedAtMs: 1_800_000_000_000, more: false })] });
  await idle;
  expect(submitted).toContainEqual({ kind: 'cosigned', atMs: 1_800_000_000_000 });
});

test('a month of entries waits: after each upload the cart has time for its own work before the next one', async () => {
  const sent = (more: boolean): Push => ok({ kind: 'sent', cosignedAtMs: 1_800_000_000_000, more });
  const paused: number[] = [];
  const rested = Promise.withResolvers<void>();
  const after: SyncClock['after'] = (ms, call) => {
    paused.push(ms);
    if (paused.length === 3) rested.resolve();
    else setImmediate(call);
    return () => undefined;
  };
  const { order } = await syncing({ pushes: [sent(true), sent(true), sent(false)], clock: { wallMs: Date.now, monoMs: () => 0, after } });
  await rested.promise;
  // After the last one nothing waits: the cart is asked again at its usual pace.
  expect(paused).toEqual([60, 60, 2_000]);
  expect(order.filter((step) => step === 'push').length).toBe(4);
});

test('the cart has been quiet all night, then a nurse taps: her entries wait for one another only, not for the next look', async () => {
  const paused: { readonly ms: number; readonly end: () => void }[] = [];
  const after: SyncClock['after'] = (ms, end) => {
    paused.push({ ms, end });
    return () => undefined;
  };
  const { order, hearers, stop } = await syncing({ clock: { wallMs: Date.now, monoMs: () => 0, after } });
  await expect.poll(() => paused.map(({ ms }) => ms)).toEqual([2_000]);
  for (const heard of [...hearers, ...hearers]) heard();
  await expect.poll(() => paused.map(({ ms }) => ms)).toEqual([2_000, 150]);
  expect(order.filter((step) => step === 'push')).toHaveLength(1);
  paused[1]?.end();
  await expect.poll(() => order.filter((step) => step === 'push').length).toBe(2);
  await stop();
  expect(hearers.size).toBe(0);
});

test('the ledger began anew: its epoch and key are told before any entry is sent, and remembered', async () => {
  const { order, asked, identity, idle, stop } = await syncing({ registered: false, epochAnswers: [AWAY, AWAY, { origin: 'mercy/station/cart-7/e2' }] });
  await idle;
  await stop();
  const up = order.filter((step) => step !== 'pull');
  expect(up.slice(0, 4)).toEqual(['epoch', 'epoch', 'epoch', 'push']);
  expect(asked[0]).toMatchObject({ method: 'POST', path: '/v1/epochs', body: { epoch: 2, ledgerKey: identity.ledgerPublicKey() } });
  expect(identity.epoch().registered).toBe(true);
});

test('the ledger has another history at the server: told once, and nothing more is sent', async () => {
  const fork: Fork = { cause: 'two-histories', message: 'Entry 3 differs.' };
  const { forks, forked, log, order, stop } = await syncing({ pushes: [ok({ kind: 'forked', fork })] });
  await forked;
  await stop();
  expect(forks).toEqual([fork]);
  expect(order.filter((step) => step === 'push')).toHaveLength(1);
  expect(log).toContain('error: the server holds another history than this ledger; a new epoch begins');
});

test('the epoch was used up by another program under this identity: the server’s number is handed on, and nothing is sent into the wrong ledger', async () => {
  const { forks, forked, order, identity, stop } = await syncing({ registered: false, epochAnswers: [{ origin: 'mercy/station/cart-7/e5' }] });
  await forked;
  await stop();
  expect(forks).toMatchObject([{ cause: 'epoch-taken', allocated: 5 }]);
  expect(order).not.toContain('push');
  expect(identity.epoch().number).toBe(1);
});

test('the server is busy and says for how long: that is waited, with jitter on top', async () => {
  const timer = vi.spyOn(globalThis, 'setTimeout');
  onTestFinished(() => timer.mockRestore());
  const busy: Push = refused({ reason: 'slow-down', message: 'wait', retryAfterMs: 43 });
  const forever: Push = refused({ reason: 'slow-down', message: 'wait', retryAfterMs: 1e12 });
  const { order, idle, stop } = await syncing({ pushes: [busy, busy, forever] });
  await idle;
  await expect.poll(() => order.filter((step) => step === 'push').length).toBe(3);
  await stop();
  const waits = timer.mock.calls.map(([, ms]) => ms);
  expect(waits.filter((ms) => ms === 43)).toHaveLength(2);
  expect(waits).toContain(600_000);
});
