import { createHash } from 'node:crypto';

/**
 * One queue of events for everybody. Time passes only between events; after each one everything that follows from it at
 * that instant is run to its end, signatures on the thread pool included. So the same seed gives the same run.
 */
export interface VirtualTime {
  /** True time, Unix milliseconds. Nobody in the world can read it but the judge. */
  nowMs(): number;
  /** Calls once, `ms` from now, unless cancelled. `what` goes into the trace. */
  after(ms: number, what: string, call: () => void): () => void;
  /** Work that leaves this thread: the next event waits for it. Pieces run one after another, so that no race is left to the machine. */
  pooled<T>(work: () => Promise<T>): Promise<T>;
  /** Something worth comparing between two runs of one seed. */
  trace(line: string): void;
  /** Runs what falls due until `untilMs`, or until `enough` says so between two events. */
  run(untilMs: number, enough?: () => boolean): Promise<void>;
  /** SHA-256 over everything that was traced. */
  traceHash(): string;
}

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly what: string;
  readonly call: () => void;
  cancelled: boolean;
}

/** `told` sees every line of the trace as it is made. */
export function createVirtualTime(startMs: number, told?: (line: string) => void): VirtualTime {
  const queue: Due[] = [];
  const digest = createHash('sha256');
  let nowMs = startMs;
  let order = 0;
  let pooled = 0;
  let tail: Promise<unknown> = Promise.resolve();

  const trace = (line: string): void => {
    const text = `${nowMs} ${line}`;
    digest.update(text);
    told?.(text);
  };
  const quiet = async (): Promise<void> => {
    do await new Promise<void>((resolve) => setImmediate(resolve));
    while (pooled > 0);
  };

  return {
    nowMs: () => nowMs,
    after: (ms, what, call) => {
      const due: Due = { atMs: nowMs + Math.max(0, ms), order: (order += 1), what, call, cancelled: false };
      push(queue, due);
      return () => {
        due.cancelled = true;
      };
    },
    pooled: (work) => {
      pooled += 1;
      const done = tail.then(work).finally(() => {
        pooled -= 1;
      });
      tail = done.catch(() => undefined);
      return done;
    },
    trace,
    run: async (untilMs, enough) => {
      await quiet();
      for (;;) {
        if (enough?.()) return;
        const next = queue[0];
        if (!next || next.atMs > untilMs) break;
        pop(queue);
        if (next.cancelled) continue;
        nowMs = Math.max(nowMs, next.atMs);
        trace(next.what);
        next.call();
        await quiet();
      }
      nowMs = Math.max(nowMs, untilMs);
    },
    traceHash: () => digest.copy().digest('hex'),
  };
}

const before = (a: Due, b: Due): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap, earliest first; events of one instant in the order in which they were asked for. */
function push(heap: Due[], due: Due): void {
  let at = heap.length;
  heap.push(due);
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (!parent || !before(due, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = due;
}

function pop(heap: Due[]): void {
  const last = heap.pop();
  if (!last || heap.length === 0) return;
  let at = 0;
  for (;;) {
    let down = 2 * at + 1;
    const right = heap[down + 1];
    let child = heap[down];
    if (child && right && before(right, child)) [child, down] = [right, down + 1];
    if (!child || !before(child, last)) break;
    heap[at] = child;
    at = down;
  }
  heap[at] = last;
}
