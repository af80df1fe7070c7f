import type { HostClock } from '../clock.ts';
import type { UsbEvents } from './hotplug.ts';

/** How often to look where no news is to be had, or it cannot be relied on. */
const POLL_MS = 250;
/** How often to look, as a safety net, while it is news that finds changes first: every eighth poll, 2 s. */
const POLLS_SKIPPED = 8;
/** However fast news comes, looks are this far apart. */
const BETWEEN_LOOKS_MS = 5;

export interface LookOnNewsDeps {
  readonly clock: HostClock;
  readonly events: () => UsbEvents;
  /** True when it found something changed. Never throws. */
  readonly look: () => boolean;
}

/**
 * Looks at once, then on each piece of news from the kernel. Regular looks are the safety net: rare while news is to be had, every
 * 250 ms where it is not, or once one of them has found a change that was not announced; the next news that leads to a change
 * makes them rare again. So nothing depends on news: without it (no package, no udev) the first change is found 2 s late at most,
 * later ones a quarter of a second.
 */
export function lookOnNews({ clock, events, look }: LookOnNewsDeps): { stop(): Promise<void> } {
  let reliable = false;
  let polls = 0;
  let stopped = false;
  let lookedMs = clock.monoMs();
  let pending = false;
  let cancelPending = () => {};

  function onNews(): void {
    if (stopped || pending) return;
    const wait = Math.max(lookedMs + BETWEEN_LOOKS_MS - clock.monoMs(), 0);
    pending = true;
    // Never inside the callback: native code made it.
    cancelPending = clock.after(wait, () => {
      pending = false;
      lookedMs = clock.monoMs();
      if (look()) reliable = true;
    });
  }

  look();
  const module = events();
  const watching = module.found ? module.watch(onNews).catch(() => undefined) : Promise.resolve(undefined);
  void watching.then((watched) => (reliable = watched !== undefined));
  const stopPolling = clock.every(POLL_MS, () => {
    polls += 1;
    if (reliable && polls < POLLS_SKIPPED) return;
    polls = 0;
    if (look() && !pending) reliable = false;
  });

  return {
    async stop() {
      stopped = true;
      cancelPending();
      stopPolling();
      await (await watching)?.stop();
    },
  };
}
