/** The cart as the soak's two processes know it: sixteen slots on one hub, twelve tablets. */
export const SLOTS: readonly number[] = Array.from({ length: 16 }, (_, n) => n + 1);
export const TABLETS: readonly string[] = Array.from({ length: 12 }, (_, n) => `SOAK${String(n + 1).padStart(2, '0')}`);
export const portOf = (slot: number): string => `1-1.${slot}`;
/** A host that was killed is back within this; one that froze is not, and what stood there meanwhile is exposed. */
export const GAP_MAX_MS = 5_000;
