import type { Hold } from './night-view.ts';

/** A cable or a port that stays as it is holds the night no longer than this. */
const MOST_MS = 30_000;
/** Whoever has just come back has this long to pick up what it missed. */
const SETTLE_MS = 1_000;

export interface HoldFacts {
  /** Somebody stands at the cart. */
  readonly hands: boolean;
  /** The power is about to go. */
  readonly power: boolean;
  readonly stationRuns: boolean;
  readonly hostConnected: boolean;
  /** The cable is whole, and nobody talks over it. */
  readonly cableSilent: boolean;
  /** The station has taken the power of a port, to give it back three seconds later. */
  readonly portOff: boolean;
}

function reasonOf(facts: HoldFacts): Hold | undefined {
  if (facts.hands) return 'hands';
  if (facts.power) return 'power';
  if (!facts.stationRuns || !facts.hostConnected) return 'process';
  if (facts.cableSilent) return 'network';
  return facts.portOff ? 'port' : undefined;
}

/**
 * Why time runs at its own pace for a moment, asked at every step; `realMs` only goes forward. A program that starts, a
 * connection that is made again, a port without power take real seconds: at a hundred times the speed they would look
 * like minutes in which nobody watched the cart.
 */
export function createHold(): (facts: HoldFacts, realMs: number) => Hold | undefined {
  let current: { readonly hold: Hold; readonly sinceMs: number; readonly seenMs: number } | undefined;
  return (facts, realMs) => {
    const hold = reasonOf(facts);
    if (hold === undefined) {
      const settling = current && (current.hold === 'process' || current.hold === 'network') && realMs - current.seenMs < SETTLE_MS;
      if (!settling) current = undefined;
      return current?.hold;
    }
    current = { hold, sinceMs: current?.hold === hold ? current.sinceMs : realMs, seenMs: realMs };
    const patient = hold !== 'network' && hold !== 'port';
    return patient || realMs - current.sinceMs < MOST_MS ? hold : undefined;
  };
}
