/** What a tablet or its port says about the battery. What it does not say is left out. */
export interface BatteryTelemetry {
  readonly temperatureC?: number;
  /** As the tablet's own battery controller judges it. */
  readonly health?: 'good' | 'overheated' | 'cold' | 'worn' | 'dead' | 'swollen' | 'over-voltage';
  readonly cycleCount?: number;
}

/** Degrees Celsius and full charge cycles; `resume` lies below `hold`, so that a tablet at the edge is not switched to and fro. */
export interface BatteryLimits {
  readonly holdFromC: number;
  readonly resumeBelowC: number;
  /** A battery this hot has to be looked at by a person. */
  readonly quarantineFromC: number;
  /** Charging a battery colder than this harms it. */
  readonly coldBelowC: number;
  readonly wornFromCycles: number;
}

export const BATTERY_LIMITS: BatteryLimits = { holdFromC: 42, resumeBelowC: 38, quarantineFromC: 55, coldBelowC: 5, wornFromCycles: 800 };

export const BATTERY_DANGERS = ['hot', 'swollen', 'dead', 'over-voltage'] as const;
/** Why a tablet goes to a person, and does not leave quarantine by itself. */
export type BatteryDanger = (typeof BATTERY_DANGERS)[number];

export interface BatteryVerdict {
  readonly mayCharge: boolean;
  readonly danger?: BatteryDanger;
  /** To be replaced when there is time; it may be used. */
  readonly worn: boolean;
}

/** `before`: the last verdict on the same tablet, for the hysteresis; nothing known is no reason to stop. */
export function judgeBattery(telemetry: BatteryTelemetry, limits: BatteryLimits, before?: BatteryVerdict): BatteryVerdict {
  const { temperatureC, health, cycleCount } = telemetry;
  const worn = health === 'worn' || (cycleCount !== undefined && cycleCount >= limits.wornFromCycles);
  const danger = dangerOf(telemetry, limits);
  if (danger) return { mayCharge: false, danger, worn };
  if (health === 'overheated' || health === 'cold') return { mayCharge: false, worn };
  if (temperatureC === undefined) return { mayCharge: before?.mayCharge ?? true, worn };
  const held = before?.mayCharge === false;
  const cool = temperatureC < (held ? limits.resumeBelowC : limits.holdFromC);
  return { mayCharge: cool && temperatureC >= limits.coldBelowC, worn };
}

function dangerOf({ temperatureC, health }: BatteryTelemetry, limits: BatteryLimits): BatteryDanger | undefined {
  if (health === 'swollen' || health === 'dead' || health === 'over-voltage') return health;
  return temperatureC !== undefined && temperatureC >= limits.quarantineFromC ? 'hot' : undefined;
}
