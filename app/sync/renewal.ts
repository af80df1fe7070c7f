import { X509Certificate } from 'node:crypto';
import { renewalNonceResponse, renewalText, renewResponse } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';
import type { SyncClock } from './clock.ts';
import type { Enrolled, Identity } from './identity.ts';

export interface RenewalDeps {
  readonly identity: Identity;
  readonly client: () => CentralClient;
  /** Puts the certificate that the identity now holds into use. */
  readonly renewClient: () => void;
  readonly clock: SyncClock;
  readonly log: (line: { readonly level: 'info' | 'warn'; readonly what: string; readonly [detail: string]: unknown }) => void;
}

export interface Renewal {
  /** Renews the client certificate once two thirds of its seven days are over (R9.2). TLS judges it by the machine's clock. */
  whenDue(): Promise<void>;
  /**
   * Renews a certificate that the server no longer takes, by its key's signature over a nonce of the server. Calls at the same
   * time share one try; after a refusal the next try waits, and until then the refusal is repeated.
   */
  expired(): Promise<Result<void, CentralRefusal>>;
}

const AFTER_REFUSAL_MS = 30_000;

export function createRenewal({ identity, client, renewClient, clock, log }: RenewalDeps): Renewal {
  let running: Promise<Result<void, CentralRefusal>> | undefined;
  let last: { readonly refusal: CentralRefusal; readonly untilMs: number } | undefined;

  const take = async (certificatePem: string): Promise<void> => {
    await identity.keepCertificate(certificatePem);
    renewClient();
  };
  const byNonce = async ({ certificatePem }: Enrolled): Promise<Result<void, CentralRefusal>> => {
    const given = await client().post('/v1/renewal-nonce', {}, renewalNonceResponse);
    if (!given.ok) return given;
    const { nonce } = given.value;
    const csrPem = await identity.keys.certificateRequest();
    const answer = await client().post('/v1/renew-expired', { certificatePem, csrPem, nonce, signature: identity.keys.sign(renewalText(nonce, csrPem)) }, renewResponse);
    if (!answer.ok) return answer;
    await take(answer.value.certificatePem);
    return ok(undefined);
  };
  const tryOnce = async (): Promise<Result<void, CentralRefusal>> => {
    const enrolled = identity.enrolled();
    if (!enrolled) return refused({ reason: 'not-authenticated', message: 'this station is not enrolled' });
    const done = await byNonce(enrolled);
    if (done.ok) {
      last = undefined;
      log({ level: 'info', what: 'the station certificate had expired and was renewed' });
    } else if (done.reason.reason !== 'unreachable') {
      last = { refusal: done.reason, untilMs: clock.monoMs() + Math.max(AFTER_REFUSAL_MS, done.reason.retryAfterMs ?? 0) };
      log({ level: 'warn', what: 'the expired station certificate could not be renewed', reason: done.reason.reason, message: done.reason.message });
    }
    return done;
  };
  const expired = (): Promise<Result<void, CentralRefusal>> => {
    if (last && clock.monoMs() < last.untilMs) return Promise.resolve(refused(last.refusal));
    running ??= tryOnce().finally(() => {
      running = undefined;
    });
    return running;
  };

  return {
    expired,
    whenDue: async () => {
      const enrolled = identity.enrolled();
      if (!enrolled) return;
      const certificate = new X509Certificate(enrolled.certificatePem);
      const [fromMs, untilMs] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
      if (clock.wallMs() > untilMs) return void (await expired());
      if (clock.wallMs() < fromMs + ((untilMs - fromMs) * 2) / 3) return;
      const answer = await client().post('/v1/renew', { csrPem: await identity.keys.certificateRequest() }, renewResponse);
      if (answer.ok) await take(answer.value.certificatePem);
      else log({ level: 'warn', what: 'the station certificate could not be renewed', reason: answer.reason.reason, message: answer.reason.message });
    },
  };
}
