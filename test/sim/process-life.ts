import { between } from '../../app/simulator/world/random.ts';
import type { VirtualTime } from './virtual-time.ts';

/**
 * One run of a program, from its start to its end. Whatever it waits for never comes once it has ended: timers, answers,
 * the disk. A write that is under way when it dies is on the disk or not, as the seed says.
 */
export interface ProcessLife {
  alive(): boolean;
  after(ms: number, what: string, call: () => void): () => void;
  /** Resolves in `ms`. */
  pause(ms: number, what: string): Promise<void>;
  /** Becomes durable after `ms` of disk time; throws what `apply` throws. */
  durably<T>(ms: number, what: string, apply: () => T): Promise<T>;
  /** Resolves with what another process answers, if this one still lives then. */
  hears<T>(answer: Promise<T>): Promise<T>;
  /** As a kill or a power cut ends it: nobody is told. */
  end(): void;
}

/** `dies`: asked whenever a write becomes durable whether the program is killed at this very moment; it then calls `end`. */
export function createProcessLife(time: VirtualTime, random: () => number, dies: () => boolean = () => false): ProcessLife {
  const under = new Set<() => void>();
  let alive = true;
  const life: ProcessLife = {
    alive: () => alive,
    after: (ms, what, call) => (alive ? time.after(ms, what, () => void (alive && call())) : () => undefined),
    pause: (ms, what) => new Promise((resolve) => life.after(ms, what, resolve)),
    durably: (ms, what, apply) =>
      new Promise((resolve, reject) => {
        if (!alive) return;
        under.add(apply);
        life.after(ms, what, () => {
          if (dies()) return;
          under.delete(apply);
          try {
            resolve(apply());
          } catch (error) {
            reject(error);
          }
        });
      }),
    hears: (answer) =>
      new Promise((resolve, reject) => {
        answer.then(
          (value) => alive && resolve(value),
          (error: Error) => alive && reject(error),
        );
      }),
    end: () => {
      if (!alive) return;
      alive = false;
      for (const apply of under) {
        const kept = random() < 0.5;
        time.trace(`a write under way was ${kept ? 'kept' : 'lost'}`);
        if (kept) attempt(apply);
      }
      under.clear();
    },
  };
  return life;
}

/** How long a disk takes to make something durable: a few milliseconds, now and then much longer. */
export const diskMs = (random: () => number): number => (random() < 0.04 ? between(random, 40, 900) : between(random, 1, 4));

/** Nobody is left to hear that it failed. */
function attempt(apply: () => void): void {
  try {
    apply();
  } catch (error) {
    if (!(error instanceof Error)) throw error;
  }
}
