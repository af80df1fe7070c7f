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
}
