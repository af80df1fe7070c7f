import type { BadgeTrust, CardTrust } from '../contract/device-host.ts';
import type { StationContext } from './state.ts';

/** Trusted time that runs on from what the host was told may be off by this before it is told anew. */
const TIME_ERROR_MS = 60_000;

/** Keeps the device host told whose cards are believed, and what time it is; only what has changed is sent. */
export function createBadgeTrust({ deps, state, trusted }: StationContext, send: (trust: BadgeTrust) => void): { show(): void; forget(): void } {
  let told: { readonly cards: CardTrust; readonly nowMs: number; readonly monoMs: number } | undefined;
  return {
    show: () => {
      const cards = state.bundle?.cards;
      if (!cards) return;
      const nowMs = Math.round(trusted().ms);
      const monoMs = deps.clock.monoMs();
      if (told?.cards === cards && Math.abs(nowMs - told.nowMs - (monoMs - told.monoMs)) <= TIME_ERROR_MS) return;
      // A ward whose cards are numbers only has nothing to tell, unless it had before.
      if (cards.authorities.length === 0 && (told?.cards.authorities ?? []).length === 0) return;
      told = { cards, nowMs, monoMs };
      send({ ...cards, nowMs });
    },
    /** A host that has just started believes no card. */
    forget: () => {
      told = undefined;
    },
  };
}
