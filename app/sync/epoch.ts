import { epochResponse } from '../contract/station-http.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { EpochCause } from '../domain/terms.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';
import type { Identity } from './identity.ts';

/** Why the ledger that is open cannot be continued. `allocated`: the epoch that the server gave to the key we have. */
export interface Fork {
  readonly cause: EpochCause;
  readonly message: string;
  readonly allocated?: number;
}

/**
 * Tells the server of the ledger's epoch and its new key. It allocates: the number that comes back is the epoch's, and differs
 * from the one asked for where another program used that up under this identity. The answer is the same however often it is asked.
 */
export async function askForEpoch(client: CentralClient, identity: Identity, number: number): Promise<Result<number, CentralRefusal>> {
  const { cause } = identity.epoch();
  const answer = await client.post('/v1/epochs', { epoch: number, ledgerKey: identity.ledgerPublicKey(), ...(cause === undefined ? {} : { cause }) }, epochResponse);
  if (!answer.ok) return answer;
  const allocated = Number(/\/e([1-9][0-9]{0,8})$/.exec(answer.value.origin)?.[1]);
  return Number.isSafeInteger(allocated) ? ok(allocated) : refused({ reason: 'malformed', message: `the server named the new ledger ${answer.value.origin}` });
}
