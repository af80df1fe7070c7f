import { downlinkResponse } from '../contract/station-http.ts';
import { ok, type Result } from '../domain/result.ts';
import { CURSOR_META, type NetworkEvent } from '../contract/network-event.ts';
import type { Store } from '../storage/store.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';
import type { NewerSecrets } from './secrets.ts';
import { verifyBundle, verifyStatement, type Here, type ServerKeys } from './verify-signed.ts';

const LONG_POLL_MS = 20_000;

export interface Downlink {
  /**
   * Asks once; `waitMs` is how long the server may hold the answer back. Resolves when the station has judged what came.
   * `taken`: it holds all of it now; otherwise (refused, or no room for it) the server will answer the same at once.
   */
  pull(waitMs?: number): Promise<Result<{ readonly taken: boolean }, CentralRefusal>>;
}

export interface DownlinkDeps {
  readonly store: Store;
  readonly client: () => CentralClient;
  readonly here: Here;
  readonly keys: () => ServerKeys;
  /** What bundles name people by. */
  readonly secrets: NewerSecrets;
  readonly nowMs: () => number;
  readonly submit: (event: NetworkEvent) => void;
  /** Resolves when the station's mailbox has run everything submitted before. */
  readonly settled: () => Promise<void>;
  /** Signatures are checked on the thread pool, which no virtual clock sees: the simulation waits for it here. */
  readonly verify?: { readonly bundle: typeof verifyBundle; readonly statement: typeof verifyStatement };
}

export function createDownlink({ store, client, here, keys, secrets, nowMs, submit, settled, verify = { bundle: verifyBundle, statement: verifyStatement } }: DownlinkDeps): Downlink {
  const cursor = (): number => Number(store.getMeta(CURSOR_META) ?? '0');
  const heldVersion = (): number => store.view.get('cart', 'cart')?.bundle?.version ?? 0;
  return {
    pull: async (waitMs = LONG_POLL_MS) => {
      const after = cursor();
      const held = heldVersion();
      const answer = await client().get(`/v1/downlink?bundle=${held}&after=${after}&waitMs=${waitMs}`, downlinkResponse, waitMs + 10_000);
      if (!answer.ok) return answer;
      const { bundle, statements } = answer.value;
      const received = bundle === undefined ? undefined : await verify.bundle(bundle, keys(), here, held, nowMs());
      if (received && 'bundle' in received) {
        const caughtUp = await secrets.catchUp(received.bundle.secretsVersion);
        if (!caughtUp.ok) return caughtUp;
      }
      if (received) submit({ kind: 'bundle', bundle: received });
      const last = statements.at(-1);
      if (last) {
        const checked = await Promise.all(statements.map(({ jws }) => verify.statement(jws, keys())));
        submit({ kind: 'statements', statements: checked, cursor: last.cursor });
      }
      await settled();
      const bundleTaken = bundle === undefined || heldVersion() > held;
      if (received && 'bundle' in received && bundleTaken) await secrets.inUse(received.bundle.secretsVersion);
      return ok({ taken: bundleTaken && (!last || cursor() >= last.cursor) });
    },
  };
}
