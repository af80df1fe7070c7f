import { downlinkResponse } from '../contract/station-http.ts';
import { ok, type Result } from '../domain/result.ts';
import { CURSOR_META, type NetworkEvent } from '../contract/network-event.ts';
import type { Store } from '../storage/store.ts';
import type { CentralClient, CentralRefusal } from './central-client.ts';
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
  readonly nowMs: () => number;
  readonly submit: (event: NetworkEvent) => void;
  /** Resolves when the station's mailbox has run everything submitted before. */
  readonly settled: () => Promise<void>;
}

export function createDownlink({ store, client, here, keys, nowMs, submit, settled }: DownlinkDeps): Downlink {
  const cursor = (): number => Number(store.getMeta(CURSOR_META) ?? '0');
  const heldVersion = (): number => store.view.get('cart', 'cart')?.bundle?.version ?? 0;
  return {
    pull: async (waitMs = LONG_POLL_MS) => {
      const after = cursor();
      const held = heldVersion();
      const answer = await client().get(`/v1/downlink?bundle=${held}&after=${after}&waitMs=${waitMs}`, downlinkResponse, waitMs + 10_000);
      if (!answer.ok) return answer;
      const { bundle, statements } = answer.value;
      if (bundle !== undefined) submit({ kind: 'bundle', bundle: await verifyBundle(bundle, keys(), here, held, nowMs()) });
      const last = statements.at(-1);
      if (last) {
        const checked = await Promise.all(statements.map(({ jws }) => verifyStatement(jws, keys())));
        submit({ kind: 'statements', statements: checked, cursor: last.cursor });
      }
      await settled();
      const bundleTaken = bundle === undefined || heldVersion() > held;
      return ok({ taken: bundleTaken && (!last || cursor() >= last.cursor) });
    },
  };
}
