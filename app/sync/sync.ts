import type { NetworkEvent } from '../contract/network-event.ts';
import { createCentralClient, type CentralClient, type CentralRefusal } from './central-client.ts';
import type { SyncClock } from './clock.ts';
import type { Downlink } from './downlink.ts';
import { askForEpoch, type Fork } from './epoch.ts';
import type { Enrolled, Identity } from './identity.ts';
import { createRenewal } from './renewal.ts';
import type { Uplink } from './uplink.ts';

export interface SyncDeps {
  readonly identity: Identity;
  /** The ledger's epoch; one that the server has not heard of is told before anything is sent. */
  readonly epoch: { readonly number: number; readonly registered: boolean };
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly renewClient: () => void;
  readonly client: () => CentralClient;
  readonly submit: (event: NetworkEvent) => void;
  /** Told once: this ledger cannot be continued. Nothing more is sent or asked after that. */
  readonly onFork: (fork: Fork) => void;
  readonly random: () => number;
  readonly clock: SyncClock;
  readonly log: (line: { readonly level: 'info' | 'warn' | 'error'; readonly what: string; readonly [detail: string]: unknown }) => void;
}

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 10_000;
/** A Retry-After beyond this is not believed. */
const LONGEST_RETRY_AFTER_MS = 600_000;
/** So long after a new entry those that belong to it are waited for, and all are sent together; a tap is on the server within a second. */
const UPLINK_PAUSE_MS = 150;
/** While the ledger does not grow, what else may be due is looked at this often: a fresh cosignature, badges under newer secrets. */
const UPLINK_QUIET_MS = 2_000;
/** Between two uploads of a backlog: the cart's own work goes first. 100,000 entries still drain within a minute (scripts/bench/backlog.ts). */
const BACKLOG_PAUSE_MS = 60;

/** Runs both directions until stopped. Failures wait with full jitter and are told once, when they begin. */
export function startSync(deps: SyncDeps): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let reachable: boolean | undefined;
  const told = (refusal: CentralRefusal | undefined): void => {
    const now = refusal === undefined;
    if (reachable === now) return;
    reachable = now;
    deps.submit({ kind: now ? 'online' : 'offline' });
    if (refusal) deps.log({ level: 'warn', what: 'the central server gives no usable answer; the cart goes on alone', reason: refusal.reason, message: refusal.message });
    else deps.log({ level: 'info', what: 'in contact with the central server' });
  };
  /** `wakeable` is given what ends the pause sooner. */
  const pause = (ms: number, wakeable?: (wake: () => void) => void): Promise<void> =>
    new Promise((resolve) => {
      if (stopping.signal.aborted) return resolve();
      const cancel = deps.clock.after(ms, done);
      wakeable?.(done);
      stopping.signal.addEventListener('abort', done, { once: true });
      function done(): void {
        cancel();
        stopping.signal.removeEventListener('abort', done);
        resolve();
      }
    });
  // The server's time to wait is kept, and the jitter comes on top of it: whoever was told the same does not come back at once.
  const retry = async (failures: number, refusal: CentralRefusal): Promise<void> => {
    const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));
    await pause(Math.min(refusal.retryAfterMs ?? 0, LONGEST_RETRY_AFTER_MS) + deps.random() * ceiling);
  };
  const renewal = createRenewal(deps);
  /** A certificate that ran out during an outage is renewed; everything else waits for better times. */
  const recover = async (failures: number, refusal: CentralRefusal): Promise<void> => {
    if (refusal.reason !== 'not-authenticated') return retry(failures, refusal);
    const renewed = await renewal.expired();
    if (!renewed.ok) await retry(failures, renewed.reason);
  };
  const forked = (fork: Fork): void => {
    if (stopping.signal.aborted) return;
    stopping.abort();
    deps.log({ level: 'error', what: 'the server holds another history than this ledger; a new epoch begins', cause: fork.cause, message: fork.message });
    deps.onFork(fork);
  };

  const up = async (): Promise<void> => {
    let failures = 0;
    let { registered } = deps.epoch;
    let grown = false;
    let wake = (): void => undefined;
    const stopHearing = deps.uplink.onGrowth(() => {
      grown = true;
      wake();
    });
    stopping.signal.addEventListener('abort', stopHearing, { once: true });
    while (!stopping.signal.aborted) {
      if (!registered) {
        const allocated = await askForEpoch(deps.client(), deps.identity, deps.epoch.number);
        if (!allocated.ok) {
          failures += 1;
          await recover(failures, allocated.reason);
          continue;
        }
        if (allocated.value !== deps.epoch.number) {
          return forked({ cause: 'epoch-taken', allocated: allocated.value, message: `another program under this identity uses epoch ${deps.epoch.number}; the server gave this one ${allocated.value}` });
        }
        await deps.identity.keepEpochRegistered(allocated.value);
        registered = true;
      }
      grown = false;
      const pushed = await deps.uplink.push();
      if (!pushed.ok) {
        told(pushed.reason);
        failures += 1;
        // A server that was restored from a backup may not know of the epoch any more: it is told again, under the same key.
        if (pushed.reason.reason === 'not-found' && deps.epoch.number > 1) registered = false;
        await recover(failures, pushed.reason);
        continue;
      }
      failures = 0;
      if (pushed.value.kind === 'forked') return forked(pushed.value.fork);
      if (pushed.value.kind === 'sent') {
        told(undefined);
        deps.submit({ kind: 'cosigned', atMs: pushed.value.cosignedAtMs });
        if (pushed.value.more) await pause(BACKLOG_PAUSE_MS);
      } else {
        if (!grown) await pause(UPLINK_QUIET_MS, (end) => (wake = end));
        if (grown) await pause(UPLINK_PAUSE_MS);
      }
    }
  };
  const down = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      await renewal.whenDue();
      const pulled = await deps.downlink.pull(reachable === true ? undefined : 0);
      if (pulled.ok) {
        told(undefined);
        failures = pulled.value.taken ? 0 : failures + 1;
        if (!pulled.value.taken) await retry(failures, { reason: 'unavailable', message: 'the station could not take what the server sent' });
        continue;
      }
      told(pulled.reason);
      failures += 1;
      await recover(failures, pulled.reason);
    }
  };
  const running = Promise.all([up(), down()]);
  return {
    stop: async () => {
      stopping.abort();
      deps.client().close();
      await running;
    },
  };
}

export function clientOf(url: string, enrolled: Enrolled, keyPem: string): CentralClient {
  return createCentralClient(url, { caPem: enrolled.enrolment.caPem, certificatePem: enrolled.certificatePem, keyPem });
}
