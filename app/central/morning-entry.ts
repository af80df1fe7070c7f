import { z } from 'zod';
import { MORNING_REASONS } from '../contract/night.ts';
import type { MorningNight, MorningNotice, MorningSheetView } from '../contract/morning.ts';
import { NEXT_STEPS } from '../domain/morning-sheet.ts';
import { SHORT_REASONS } from '../domain/night-problem.ts';
import { parseEntry } from '../ledger/entry.ts';
import { isoTime } from './custody-words.ts';
import { ORDER_WORDS, REASON_WORDS, SHORT_WORDS, SUSPECT_WORDS } from './morning-words.ts';

/** An entry of a night as the database holds it. */
export interface NightEntry {
  readonly origin: string;
  readonly epoch: number;
  readonly seq: number;
  readonly leaf: Buffer;
  readonly bytes: Buffer;
  readonly at_ms: number;
}

/** Ward names by id. */
export type WardNames = ReadonlyMap<string, string>;

const count = z.int().min(0);
/** Bodies as app/domain/entries.ts has them. A newer station may write what this does not know; then its sheet is told as not readable. */
const nightEnded = z.object({
  fromMs: z.int(),
  shiftMs: z.int(),
  needs: z.array(z.object({ ward: z.string(), count, dueMs: z.int(), ready: count })),
  exceptions: z.array(
    z.object({
      slot: count.optional(),
      serial: z.string().optional(),
      asset: z.string().optional(),
      ward: z.string().optional(),
      reason: z.enum(MORNING_REASONS),
      suspect: z.enum(['slot', 'tablet', 'unclear']).optional(),
      next: z.enum(NEXT_STEPS),
      minutes: count,
    }),
  ),
  more: count,
  done: z.object({ sanitized: count, failed: count, quarantined: count, starts: count, updated: count.optional(), notUpdated: count.optional() }),
});
const needThreatened = z.object({ ward: z.string(), shortBy: count, dueMs: z.int(), because: z.enum(SHORT_REASONS) });

/** The sheet that a `night-ended` entry holds, without what was told before it; undefined if this program cannot read it. */
export function sheetOf(entry: NightEntry, wards: WardNames): Omit<MorningSheetView, 'warned'> | undefined {
  const body = bodyOf(entry, nightEnded);
  if (!body) return undefined;
  return {
    epoch: entry.epoch,
    evidence: evidenceOf(entry),
    from: isoTime(body.fromMs),
    shift: isoTime(body.shiftMs),
    endedAt: isoTime(entry.at_ms),
    needs: largestOf(body.needs).map(({ ward, count: needed, ready, dueMs }) => ({ wardId: ward, ward: wards.get(ward) ?? ward, needed, ready, shortBy: Math.max(0, needed - ready), due: isoTime(dueMs) })),
    exceptions: body.exceptions.map(({ slot, serial, asset, ward, reason, suspect, next, minutes }) => ({
      ...(slot === undefined ? {} : { slot }),
      ...(serial === undefined ? {} : { serial }),
      ...(asset === undefined ? {} : { asset }),
      ...(ward === undefined ? {} : { ward: wards.get(ward) ?? ward }),
      order: ORDER_WORDS[next],
      why: suspect === undefined ? REASON_WORDS[reason] : `${REASON_WORDS[reason]} ${SUSPECT_WORDS[suspect]}`,
      minutes,
    })),
    more: body.more,
    done: body.done,
  };
}

/** A night in one line. */
export function nightOf(entry: NightEntry): MorningNight {
  const body = bodyOf(entry, nightEnded);
  const place = { epoch: entry.epoch, seq: entry.seq };
  if (!body) return { ...place, at: isoTime(entry.at_ms), unread: true };
  const needs = largestOf(body.needs);
  const sum = (of: (need: (typeof needs)[number]) => number): number => needs.reduce((total, need) => total + of(need), 0);
  return { ...place, at: isoTime(body.shiftMs), needed: sum((need) => need.count), ready: sum((need) => Math.min(need.ready, need.count)), shortBy: sum((need) => Math.max(0, need.count - need.ready)), exceptions: body.exceptions.length + body.more };
}

/** What a `need-threatened` entry told. */
export function noticeOf(entry: NightEntry, wards: WardNames): MorningNotice[] {
  const body = bodyOf(entry, needThreatened);
  return body ? [{ ward: wards.get(body.ward) ?? body.ward, shortBy: body.shortBy, why: SHORT_WORDS[body.because], due: isoTime(body.dueMs), at: isoTime(entry.at_ms), evidence: evidenceOf(entry) }] : [];
}

/** Of several needs of one ward the largest: they do not add up. */
function largestOf<T extends { readonly ward: string; readonly count: number }>(needs: readonly T[]): T[] {
  const largest = new Map<string, T>();
  for (const need of needs) if (need.count > (largest.get(need.ward)?.count ?? -1)) largest.set(need.ward, need);
  return [...largest.values()];
}

function bodyOf<T>({ bytes }: NightEntry, schema: z.ZodType<T>): T | undefined {
  const entry = parseEntry(bytes);
  return entry.ok ? schema.safeParse(entry.value.body).data : undefined;
}

const evidenceOf = ({ origin, seq, leaf }: NightEntry): MorningNotice['evidence'] => ({ origin, seq, leaf: leaf.toString('hex') });
