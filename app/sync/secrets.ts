import { secretsResponse } from '../contract/secrets.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';
import type { Identity } from './identity.ts';

/** The tenant's badge keys and peppers, as new as the policy bundle that names people by them. */
export interface NewerSecrets {
  /**
   * Before a bundle is used that was made with the secrets of `version`: fetches what is newer than held and keeps it durably. Refused,
   * the bundle waits; after a few refusals in a row it does not, because whom it revokes matters more than whom it cannot name.
   */
  catchUp(version: number): Promise<Result<void, CentralRefusal>>;
  /** A bundle that was made with the secrets of `version` is in use: what only those before needed is dropped. */
  inUse(version: number): Promise<void>;
}

export interface NewerSecretsDeps {
  readonly identity: Pick<Identity, 'enrolledOrThrow' | 'keepSecrets' | 'dropSecretsBefore'>;
  readonly client: () => CentralClient;
  readonly log: (line: { readonly level: 'info' | 'warn'; readonly what: string; readonly [detail: string]: unknown }) => void;
}

const MOST_REFUSALS = 5;
const TIMEOUT_MS = 15_000;

export function createNewerSecrets({ identity, client, log }: NewerSecretsDeps): NewerSecrets {
  let told: number | undefined;
  let refusals = 0;
  const held = (): number => identity.enrolledOrThrow().secrets.version;

  /** Says what is held; takes what comes. */
  const ask = async (): Promise<Result<void, CentralRefusal>> => {
    const before = held();
    const answer = await client().get(`/v1/secrets?held=${before}`, secretsResponse, TIMEOUT_MS);
    if (!answer.ok) return answer;
    if (answer.value.secrets === undefined) {
      told = before;
      return ok(undefined);
    }
    const kept = await keep(answer.value.secrets);
    if (!kept.ok) return kept;
    log({ level: 'info', what: 'newer badge keys or PIN peppers are held', version: held() });
    return ok(undefined);
  };
  const keep = async (jwe: string): Promise<Result<void, CentralRefusal>> => {
    try {
      const kept = await identity.keepSecrets(jwe);
      return kept.ok ? kept : refused({ reason: 'malformed', message: kept.reason });
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      return refused({ reason: 'unavailable', message: 'the disk is full; the newer secrets are not kept' });
    }
  };

  return {
    catchUp: async (version) => {
      if (held() < version) {
        const asked = await ask();
        if (!asked.ok && (refusals += 1) < MOST_REFUSALS) return asked;
        if (!asked.ok) log({ level: 'warn', what: 'the newer badge keys or PIN peppers cannot be had; the policy bundle is used without them', reason: asked.reason.reason, message: asked.reason.message });
        refusals = 0;
      }
      // The server learns what is kept, so that it can say when an older version is needed no more. Unheard, it is said again with the next bundle.
      if (told !== held()) await ask();
      return ok(undefined);
    },
    inUse: async (version) => {
      if (version >= held()) await identity.dropSecretsBefore();
    },
  };
}
