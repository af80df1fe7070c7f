import { z } from 'zod';
import { MORNING_REASONS } from '../contract/night.ts';
import type { MorningNeedView, MorningNight, MorningNotice, MorningSheetView } from '../contract/morning.ts';
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

/** A cart and the ward that it stands in, by id. */
export interface Standing {
  readonly station: string;
  readonly cart: string;
  readonly ward: string;
}

/** A `night-ended` entry and the cart that recorded it. */
export type SheetEntry = NightEntry & Standing;

/** What the carts of the tenant had ready for mornings, by their own sheets, and which carts there were. */
export interface Beside {
  readonly mornings: readonly (Standing & { readonly shiftMs: number; readonly ready: ReadonlyMap<string, number> })[];
  /** Those that are not denied. */
  readonly carts: readonly (Standing & { readonly enrolledAtMs: number })[];
}

const count = z.int().min(0);
/** Bodies as app/domain/entries.ts has them. A newer station may write what this does not know; then its sheet is told as not readable. */
const nightEnded = z.object({
  fromMs: z.int(),
  shiftMs: z.int(),
  needs: z.array(z.object({ ward: z.string(), cart: z.string().optional(), count, dueMs: z.int(), ready: count })),
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
type NightEnded = z.infer<typeof nightEnded>;
const needThreatened = z.object({ ward: z.string(), shortBy: count, dueMs: z.int(), because: z.enum(SHORT_REASONS) });

/** When the shift began that a `night-ended` entry is of, and what the cart had ready for each ward then; undefined if this program cannot read it. */
export function readyOf(entry: NightEntry): Pick<Beside['mornings'][number], 'shiftMs' | 'ready'> | undefined {
  const body = bodyOf(entry, nightEnded);
  return body && { shiftMs: body.shiftMs, ready: new Map(body.needs.map(({ ward, ready }) => [ward, ready])) };
}

/** The sheet that a `night-ended` entry holds, without what was told before it; undefined if this program cannot read it. */
export function sheetOf(entry: SheetEntry, beside: Beside, wards: WardNames): Omit<MorningSheetView, 'warned'> | undefined {
  const body = bodyOf(entry, nightEnded);
  if (!body) return undefined;
  return {
    epoch: entry.epoch,
    evidence: evidenceOf(entry),
    from: isoTime(body.fromMs),
    shift: isoTime(body.shiftMs),
    endedAt: isoTime(entry.at_ms),
    needs: needsOf(body, entry, beside).map((need) => ({ ...need, ward: wards.get(need.wardId) ?? need.wardId })),
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
export function nightOf(entry: SheetEntry, beside: Beside): MorningNight {
  const body = bodyOf(entry, nightEnded);
  const place = { epoch: entry.epoch, seq: entry.seq };
  if (!body) return { ...place, at: isoTime(entry.at_ms), unread: true };
  const needs = needsOf(body, entry, beside);
  // A ward may have a need of its own and one of this cart's: the same tablets meet both.
  const sum = (of: 'needed' | 'shortBy'): number => [...new Set(needs.map(({ wardId }) => wardId))].reduce((total, id) => total + Math.max(...needs.flatMap((need) => (need.wardId === id ? [need[of]] : []))), 0);
  return { ...place, at: isoTime(body.shiftMs), needed: sum('needed'), ready: sum('needed') - sum('shortBy'), shortBy: sum('shortBy'), exceptions: body.exceptions.length + body.more };
}

/** What a `need-threatened` entry told. */
export function noticeOf(entry: NightEntry, wards: WardNames): MorningNotice[] {
  const body = bodyOf(entry, needThreatened);
  return body ? [{ ward: wards.get(body.ward) ?? body.ward, shortBy: body.shortBy, why: SHORT_WORDS[body.because], due: isoTime(body.dueMs), at: isoTime(entry.at_ms), evidence: evidenceOf(entry) }] : [];
}

/** Each ward's needs as the cart recorded them, the ward's own against what every cart had that answers for it. `ward` is its id here. */
function needsOf({ shiftMs, needs }: NightEnded, self: Standing, { mornings, carts }: Beside): MorningNeedView[] {
  return largestOf(needs).map(({ ward, cart, count: needed, ready, dueMs }) => {
    const line = { wardId: ward, ward, needed, ready, due: isoTime(dueMs) };
    if (cart !== undefined) return { ...line, shortBy: Math.max(0, needed - ready) };
    const told = mornings.filter((one) => one.station !== self.station && one.shiftMs === shiftMs && one.ready.has(ward));
    const here = told.filter((one) => one.ward === ward);
    const others = (here.length > 0 || self.ward === ward ? here : told).map((one) => ({ station: one.station, cart: one.cart, ready: one.ready.get(ward) ?? 0 }));
    // By name: a station may have taken the place of another.
    const heard = [self, ...mornings.filter((one) => one.shiftMs === shiftMs)].flatMap((one) => (one.ward === ward ? [one.cart] : []));
    const unheard = carts.filter((one) => one.ward === ward && one.enrolledAtMs < shiftMs && !heard.includes(one.cart));
    const shortBy = others.reduce((left, other) => left - other.ready, needed - ready);
    return { ...line, shortBy: Math.max(0, shortBy), ...(others.length > 0 ? { others } : {}), ...(unheard.length > 0 ? { unheard: unheard.map((one) => one.cart) } : {}) };
  });
}

/** Of several needs of one ward the largest that names the cart and the largest that names none: they do not add up. */
function largestOf(needs: NightEnded['needs']): NightEnded['needs'] {
  const largest = new Map<string, NightEnded['needs'][number]>();
  for (const need of needs) {
    const key = `${need.cart === undefined ? 'ward' : 'cart'} ${need.ward}`;
    if (need.count > (largest.get(key)?.count ?? -1)) largest.set(key, need);
  }
  return [...largest.values()];
}

function bodyOf<T>({ bytes }: NightEntry, schema: z.ZodType<T>): T | undefined {
  const entry = parseEntry(bytes);
  return entry.ok ? schema.safeParse(entry.value.body).data : undefined;
}

const evidenceOf = ({ origin, seq, leaf }: NightEntry): MorningNotice['evidence'] => ({ origin, seq, leaf: leaf.toString('hex') });
