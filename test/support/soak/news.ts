/** Wakes those who wait for a fact whenever anything has happened that may have made it true. */
export interface News {
  happened(): void;
  /** Resolves with the first value of `look` that is neither undefined nor false; rejects, naming `what`, after the deadline. */
  until<Fact>(what: string, look: () => Fact | undefined | false, deadlineMs?: number): Promise<Fact>;
}

/** Far above what anything takes here; a machine that is busy with other suites still gets there. */
const DEADLINE_MS = 30_000;

export function createNews(): News {
  const watchers = new Set<() => void>();
  let pending = false;

  return {
    happened() {
      if (pending || watchers.size === 0) return;
      pending = true;
      setImmediate(() => {
        pending = false;
        for (const watcher of [...watchers]) watcher();
      });
    },
    until<Fact>(what: string, look: () => Fact | undefined | false, deadlineMs = DEADLINE_MS): Promise<Fact> {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(watcher);
          reject(new Error(`waited ${deadlineMs} ms in vain for ${what}`));
        }, deadlineMs);
        const watcher = (): void => {
          const fact = look();
          if (fact === undefined || fact === false) return;
          watchers.delete(watcher);
          clearTimeout(timer);
          resolve(fact);
        };
        watchers.add(watcher);
        watcher();
      });
    },
  };
}
