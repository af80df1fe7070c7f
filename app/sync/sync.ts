import { X509Certificate } from 'node:crypto';
import { epochResponse, renewResponse } from '../contract/station-http.ts';
import type { NetworkEvent } from '../contract/network-event.ts';
import { createCentralClient, type CentralClient, type CentralRefusal } from './central-client.ts';
import type { Downlink } from './downlink.ts';
import type { Enrolled, Identity } from './identity.ts';
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
  readonly random: () => number;
  readonly log: (line: { readonly level: 'info' | 'warn' | 'error'; readonly what: string; readonly [detail: string]: unknown }) => void;
}

const FIRST_RETRY_MS = 300;
const LONGEST_RETRY_MS = 10_000;
/** New entries are looked for this often; a tap is on the server within a second. */
const UPLINK_PAUSE_MS = 150;

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
  const retry = async (failures: number, refusal: CentralRefusal): Promise<void> => {
    const ceiling = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures, 10));
    await pause(Math.max(refusal.retryAfterMs ?? 0, deps.random() * ceiling), stopping.signal);
  };

  const up = async (): Promise<void> => {
    let failures = 0;
    let { registered } = deps.epoch;
    while (!stopping.signal.aborted) {
      if (!registered) {
        const told = await deps.client().post('/v1/epochs', { epoch: deps.epoch.number, ledgerKey: deps.identity.ledgerPublicKey() }, epochResponse);
        registered = told.ok;
        if (told.ok) await deps.identity.keepEpochRegistered();
        else {
          failures += 1;
          await retry(failures, told.reason);
          continue;
        }
      }
      const pushed = await deps.uplink.push();
      if (!pushed.ok) {
        told(pushed.reason);
        failures += 1;
        await retry(failures, pushed.reason);
        continue;
      }
      failures = 0;
      if (pushed.value.kind === 'sent') {
        told(undefined);
        deps.submit({ kind: 'cosigned', atMs: pushed.value.cosignedAtMs });
      } else await pause(UPLINK_PAUSE_MS, stopping.signal);
    }
  };
  const down = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      await renewWhenDue(deps);
      const pulled = await deps.downlink.pull(reachable === true ? undefined : 0);
      if (pulled.ok) {
        told(undefined);
        failures = pulled.value.taken ? 0 : failures + 1;
        if (!pulled.value.taken) await retry(failures, { reason: 'unavailable', message: 'the station could not take what the server sent' });
        continue;
      }
      told(pulled.reason);
      failures += 1;
      await retry(failures, pulled.reason);
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

/** Client certificates live seven days and are renewed after two thirds of that (R9.2). TLS judges them by the machine's clock. */
async function renewWhenDue({ identity, client, renewClient, log }: SyncDeps): Promise<void> {
  const enrolled = identity.enrolled();
  if (!enrolled) return;
  const certificate = new X509Certificate(enrolled.certificatePem);
  const fromMs = Date.parse(certificate.validFrom);
  const dueMs = fromMs + ((Date.parse(certificate.validTo) - fromMs) * 2) / 3;
  if (Date.now() < dueMs) return;
  const answer = await client().post('/v1/renew', { csrPem: await identity.keys.certificateRequest() }, renewResponse);
  if (!answer.ok) {
    log({ level: 'warn', what: 'the station certificate could not be renewed', reason: answer.reason.reason, message: answer.reason.message });
    return;
  }
  await identity.keepCertificate(answer.value.certificatePem);
  renewClient();
}

export function clientOf(url: string, enrolled: Enrolled, keyPem: string): CentralClient {
  return createCentralClient(url, { caPem: enrolled.enrolment.caPem, certificatePem: enrolled.certificatePem, keyPem });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
