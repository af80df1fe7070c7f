import type { CartLimits, ChargeBand, ModelEstimate } from './night-problem.ts';
import type { GateLeafName, Role } from './terms.ts';

/** The rules a tenant's policy bundle sets. Durations in milliseconds, shares in whole per cent. */
export interface Rules {
  readonly mandatoryLeaves: readonly GateLeafName[];
  readonly batteryFloorPercent: number;
  readonly batteryDriftPercentPerHour: number;
  readonly evidenceMaxAgeMs: number;
  readonly offerMs: number;
  readonly claimMs: number;
  readonly graceMs: number;
  readonly devicesPerPerson: number;
  readonly pinLockoutMs: number;
  readonly gapMaxMs: number;
  readonly rebootMaxMs: number;
  readonly sanitizationOverdueMs: number;
  readonly rolesThatMayTake: readonly Role[];
  readonly nightFrom: string;
  readonly nightTo: string;
  readonly ledgerKeyLifeMs: number;
  readonly cardPin: boolean;
  /** Left out: the cart plans no night, and begins whatever is owed as soon as there is room. */
  readonly overnight?: OvernightRules | undefined;
}

/** How a cart prepares the morning (R4.1). Times of day are `HH:MM` in the cart's zone. */
export interface OvernightRules {
  /** From when on the plan decides what is begun when. */
  readonly from: string;
  /** Start of the shift: nothing is begun that would not be finished by then. */
  readonly shift: string;
  /** `cart`: whose need it is; left out, the ward's (night-needs). */
  readonly needs: readonly { readonly ward: string; readonly cart?: string | undefined; readonly count: number; readonly due: string }[];
  readonly limits: CartLimits;
  readonly band: ChargeBand;
  /** For models of which nothing has been learnt. */
  readonly estimate: ModelEstimate;
  /** What an update of the operating system takes, download and installation. Left out: the cart asks for none. */
  readonly update?: { readonly megabytes: number; readonly installMs: number } | undefined;
  /** Within which a learnt time is believed; the time-out of a sanitization is never above `sanitizationOverdueMs`. */
  readonly wipeBoundsMs: { readonly least: number; readonly most: number };
}
