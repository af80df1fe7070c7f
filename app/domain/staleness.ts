import type { TrustedTime } from './trusted-time.ts';

/** What the age of the policy bundle still allows (DESIGN "Policy bundle"); the older it is, the less. */
export const LADDER = ['fresh', 'stale', 'break-glass-only', 'none'] as const;
export type LadderRow = (typeof LADDER)[number];

const FRESH_MS = 24 * 3_600_000;
const STALE_MS = 7 * 24 * 3_600_000;

export function ladderRow(bundle: { readonly issuedAtMs: number } | undefined, now: TrustedTime): LadderRow {
  if (!bundle) return 'none';
  const ageMs = Math.max(0, now.ms - bundle.issuedAtMs);
  if (ageMs > STALE_MS) return 'break-glass-only';
  if (ageMs > FRESH_MS || now.unsure) return 'stale';
  return 'fresh';
}
