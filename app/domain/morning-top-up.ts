/** A top-up begins so early that it would be done with a tenth of its time to spare. */
const TOP_UP_SPARE = 1.1;

/** When the top-up has to begin so that all are at the morning's mark at the shift. `debts`: charging time from the upper edge to it. */
export function topUpFromMs(debts: readonly { readonly ms: number; readonly watts: number }[], watts: number, nowMs: number, shiftMs: number): number {
  const longestMs = debts.reduce((longest, { ms }) => Math.max(longest, ms), 0);
  const togetherMs = debts.reduce((sum, debt) => sum + (debt.ms * debt.watts) / watts, 0);
  return Math.max(nowMs, shiftMs - Math.ceil(Math.max(longestMs, togetherMs) * TOP_UP_SPARE));
}
