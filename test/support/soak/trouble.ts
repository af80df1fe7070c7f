import type { News } from './news.ts';

/** What a misfortune takes from the cart: badges cannot be read, slots cannot be seen. */
export type Sense = 'readers' | 'sight';

/** Which senses the cart lacks now, as the one knows who takes them: told before a process is killed, taken back once all is whole again. */
export interface Trouble {
  begin(...senses: Sense[]): () => void;
  isActive(sense: Sense): boolean;
  /** How many misfortunes take it from the cart now. */
  count(sense: Sense): number;
  /** True from now on once the sense was lacking at any time since this call, this moment included. */
  watch(sense: Sense): () => boolean;
  calm(sense: Sense): Promise<unknown>;
  /** The cart owes somebody a word, from now until the function returned is called. */
  owe(): () => void;
  /**
   * Resolves when nothing has been owed for longer than any word takes. Whatever takes a sense from the cart waits for it: what was
   * lost before would pass for lost by that.
   */
  nothingOverdue(): Promise<unknown>;
}

const OVERDUE_MS = 1_000;

export function createTrouble(news: News): Trouble {
  const begun = { readers: 0, sight: 0 };
  const active = { readers: 0, sight: 0 };
  const owed = new Set<{ readonly sinceMs: number }>();
  const isActive = (sense: Sense): boolean => active[sense] > 0;
  return {
    begin(...senses) {
      for (const sense of senses) {
        begun[sense] += 1;
        active[sense] += 1;
      }
      news.happened();
      return () => {
        for (const sense of senses) active[sense] -= 1;
        news.happened();
      };
    },
    isActive,
    count: (sense) => active[sense],
    watch(sense) {
      const then = isActive(sense) ? -1 : begun[sense];
      return () => begun[sense] !== then;
    },
    // A recovery that fails says so itself, and earlier.
    calm: (sense) => news.until(`the end of the trouble with the ${sense}`, () => !isActive(sense), 120_000),
    owe() {
      const debt = { sinceMs: performance.now() };
      owed.add(debt);
      return () => {
        owed.delete(debt);
        news.happened();
      };
    },
    nothingOverdue: () => news.until('all that is owed to be told', () => [...owed].every(({ sinceMs }) => performance.now() - sinceMs < OVERDUE_MS), 120_000),
  };
}
