import type { StaffMember } from '../contract/policy-bundle.ts';
import type { BadgeMove } from '../contract/secrets.ts';
import type { BadgeHmac } from './badge.ts';
import type { StationContext } from './state.ts';

/** Whose badge was read. `move`: known by an older badge key alone, and how the newest names it. */
export interface ReadBadge {
  readonly person: StaffMember | undefined;
  readonly move?: BadgeMove;
}

/** The newest key is asked first: a badge that is known by both is one person's, once. */
export function whoseBadge(hmacs: readonly BadgeHmac[], staffByHmac: ReadonlyMap<string, StaffMember>): ReadBadge {
  const found = hmacs.find(({ hmac }) => staffByHmac.has(hmac));
  const [newest] = hmacs;
  if (!found || !newest) return { person: undefined };
  return { person: staffByHmac.get(found.hmac), ...(found === newest ? {} : { move: { old: found, new: newest } }) };
}

/**
 * Tells the server how the newest secrets name a badge and a PIN that were just right under older ones, which it cannot work out: it
 * knows neither. Once each in a life of the program; what is lost with it, the next tap does again. Nothing of it enters the ledger.
 */
export interface Rekeying {
  badge(move: BadgeMove | undefined): void;
  /** Returns at once; the costly part waits until nobody's PIN does. */
  pin(person: StaffMember, pin: string): void;
}

export function createRekeying({ deps }: StationContext): Rekeying {
  const told = new Set<string>();
  return {
    badge: (move) => {
      if (!move || told.has(move.old.hmac)) return;
      told.add(move.old.hmac);
      deps.rekeyed({ kind: 'badge', ...move });
    },
    pin: ({ actor, pin: verifier }, pin) => {
      if (!verifier || told.has(verifier.salt)) return;
      told.add(verifier.salt);
      deps.pins.renew(pin, verifier).then(
        (renewed) => {
          if (renewed) deps.rekeyed({ kind: 'pin', actor, from: verifier.pepperVersion, new: renewed });
          else told.delete(verifier.salt);
        },
        (error: unknown) => {
          told.delete(verifier.salt);
          deps.log({ level: 'warn', what: 'a PIN could not be kept under the newest pepper; it stays as it is', message: error instanceof Error ? error.message : String(error) });
        },
      );
    },
  };
}
