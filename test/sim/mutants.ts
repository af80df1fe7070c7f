import type { Mutant } from './world.ts';
import { play } from './world.ts';

/** The system with one thing in it deliberately wrong. A simulation that does not notice proves nothing. */
export const MUTANTS = {
  'an upload is taken as new whatever is held of it already': { central: { known: async (_transaction, upload) => upload.entries } },
  'the server answers before its commit is durable': { central: { faults: { earlyCommit: true } } },
  'the station keeps its mark before the answer has come': {
    station: {
      client: (client, store) => ({
        ...client,
        post: async (path, body, shape) => {
          const { from, entries } = body as { readonly from: number; readonly entries: readonly unknown[] };
          if (path === '/v1/log/entries') await store.setAcked(from + entries.length, '', 0);
          return client.post(path, body, shape);
        },
      }),
    },
  },
  'two server processes write to one ledger at once': { central: { faults: { noRowLock: true, noPrimaryKey: true } } },
  'the cursor of the statements is kept before the entries that they made': {
    station: {
      store: (store) => ({
        ...store,
        append: async (drafts, options) => {
          if (options?.meta) await store.setMeta(options.meta);
          return store.append(drafts);
        },
      }),
    },
  },
  'nobody asks the bus whether a tablet left its slot while nothing watched': { station: { store: (store) => ({ ...store, getMeta: (key) => (key === 'attachments' ? undefined : store.getMeta(key)) }) } },
} satisfies Record<string, Mutant>;

/** The first seed from `first` on in which the mutant shows itself, and how. */
export async function findMutant(mutant: Mutant, first: number, most: number): Promise<{ readonly seed: number; readonly divergence: string } | undefined> {
  for (let seed = first; seed < first + most; seed += 1) {
    const [divergence] = (await play(seed, mutant)).divergences;
    if (divergence !== undefined) return { seed, divergence };
  }
  return undefined;
}
