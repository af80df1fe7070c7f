/** What stands against counting on a tablet tonight. `unproven`: something else than a wipe or an update is missing (profile, queue, evidence). */
export const NIGHT_BARS = ['quarantined', 'unreachable', 'unproven'] as const;
export type NightBar = (typeof NIGHT_BARS)[number];

/** Why work that is owed is not in the plan. `limits`: it alone exceeds what the cart can give. `not-orderable`: the tablet's MDM cannot be asked for an update. */
export const NOT_STARTED_REASONS = [...NIGHT_BARS, 'too-hot', 'no-network', 'cut-off', 'limits', 'not-orderable'] as const;
export type NotStartedReason = (typeof NOT_STARTED_REASONS)[number];

/** Why a ward will be short: a tablet's own reason, or there are not that many of its tablets in the cart. */
export const SHORT_REASONS = [...NOT_STARTED_REASONS, 'absent'] as const;
export type ShortReason = (typeof SHORT_REASONS)[number];

/** Work under way is never interrupted; it ends when its estimate is over, and one that is overdue is given a minute at a time. */
export type OwedWipe = { readonly state: 'none' } | { readonly state: 'owed' } | { readonly state: 'under-way'; readonly sinceMs: number };

export interface OwedUpdate {
  readonly megabytes: number;
  /** What follows the download: installation and restart. */
  readonly installMs: number;
  /** Without it the posture leaf does not hold: the tablet is not ready before. */
  readonly mandatory: boolean;
  /** Present while it is under way. */
  readonly sinceMs?: number;
  /** It waits, and the tablet's MDM cannot be asked to install it: it is in no plan. */
  readonly held?: true;
}

/** A tablet standing in the cart. All moments are Unix milliseconds of one clock. */
export interface NightTablet {
  readonly slot: number;
  readonly serial: string;
  readonly ward: string;
  readonly model: string;
  /** 0 to 100. */
  readonly chargePercent: number;
  /** False while heat or a swelling battery keeps it from being charged. */
  readonly mayCharge: boolean;
  /** `none`: proven clean. */
  readonly wipe: OwedWipe;
  readonly update?: OwedUpdate;
  readonly bar?: NightBar;
}

/** What work on one model takes, as learnt (`learnt-durations.ts`) or configured. Watts add up: a tablet wiped and charged at once draws both. */
export interface ModelEstimate {
  /** From the command to the last proof: wipe, restart, re-enrolment and applications. */
  readonly wipeMs: number;
  /** Downloaded during a wipe, spread evenly over it. */
  readonly wipeMegabytes: number;
  readonly wipeWatts: number;
  readonly updateWatts: number;
  readonly chargeWatts: number;
  /** At `chargeWatts`, on the cart's ports. Must be above 0. */
  readonly chargePercentPerHour: number;
}

/** What the cart can give at any instant. */
export interface CartLimits {
  /** What is left for work and charging after the cart's own and the idle tablets' draw. */
  readonly watts: number;
  readonly megabytesPerSecond: number;
  /** The most that one tablet's download takes of it. */
  readonly tabletMegabytesPerSecond: number;
  readonly wipes: number;
  readonly updates: number;
}

/** `count` tablets of the ward are ready at `dueMs`. Counts of one ward do not add up: 3 at six and 8 at seven are 8 in all. */
export interface MorningNeed {
  readonly ward: string;
  readonly count: number;
  readonly dueMs: number;
}

/** Charge in whole per cent. */
export interface ChargeBand {
  /** A tablet below it is not ready. */
  readonly floorPercent: number;
  /** Where charging pauses until the top-up before the shift. */
  readonly upperPercent: number;
  /** What the top-up aims at for the start of the shift. */
  readonly morningPercent: number;
}

export interface NightProblem {
  readonly nowMs: number;
  /** Start of the shift: nothing is started that would not be finished by then. */
  readonly shiftMs: number;
  /** From when the network can be counted on; at or before `nowMs` while it works, absent when nobody can tell. */
  readonly networkFromMs?: number;
  readonly tablets: readonly NightTablet[];
  /** One for each model among the tablets. */
  readonly estimates: ReadonlyMap<string, ModelEstimate>;
  readonly limits: CartLimits;
  readonly band: ChargeBand;
  readonly needs: readonly MorningNeed[];
}

export const NIGHT_WORK = ['wipe', 'update', 'charge'] as const;
export type NightWork = (typeof NIGHT_WORK)[number];

export interface NightTask {
  readonly slot: number;
  readonly serial: string;
  readonly kind: NightWork;
  /** Of work under way: when it began, before `nowMs`. */
  readonly startMs: number;
  readonly endMs: number;
  readonly watts: number;
  /** How fast it downloads from when on. A wipe's rate is even; an update takes what others leave it. */
  readonly rates: readonly { readonly fromMs: number; readonly megabytesPerSecond: number }[];
  /** The morning's need waits for it. */
  readonly needed: boolean;
}

export interface NeedForecast extends MorningNeed {
  /** When `count` are ready; absent when that is not before the shift. */
  readonly metMs?: number;
}

export interface WardShortage {
  readonly ward: string;
  readonly shortBy: number;
  /** The ward's tablets that will not be ready, by reason, commonest first; may be more than `shortBy`. */
  readonly because: readonly { readonly reason: ShortReason; readonly count: number }[];
}

export interface TabletForecast {
  readonly slot: number;
  readonly serial: string;
  readonly ward: string;
  /** When it is proven, updated where it must be, and charged to the floor; absent when that is not before the shift. */
  readonly readyMs?: number;
}

export interface NotStarted {
  readonly slot: number;
  readonly serial: string;
  readonly work: NightWork;
  readonly reason: NotStartedReason;
}

export interface NightPlan {
  /** By start, then slot. One slot never has a wipe and an update at once; its charging runs beside either. */
  readonly tasks: readonly NightTask[];
  readonly tablets: readonly TabletForecast[];
  readonly needs: readonly NeedForecast[];
  /** When the whole of the morning's need is met: `nowMs` if it is now, absent if it will not be before the shift. */
  readonly metMs?: number;
  /** Wards whose need will not be met before the shift. */
  readonly short: readonly WardShortage[];
  /** What is owed and deliberately not planned. */
  readonly notStarted: readonly NotStarted[];
}
