import { z } from 'zod';
import { evidence } from './custody.ts';

const count = z.int().min(0);
const time = z.string();
/** As the directory names it now; its id where the directory does not know it. */
const wardName = z.string();

/** It was told in the night that a ward would be short. Times are ISO 8601. */
export const morningNotice = z.strictObject({ ward: wardName, shortBy: count, why: z.string(), due: time, at: time, evidence });
export type MorningNotice = z.infer<typeof morningNotice>;

export const morningExceptionView = z.strictObject({
  slot: z.int().optional(),
  serial: z.string().optional(),
  asset: z.string().optional(),
  ward: wardName.optional(),
  /** What to do, why, and about how many minutes it takes. */
  order: z.string(),
  why: z.string(),
  minutes: count,
});
export type MorningExceptionView = z.infer<typeof morningExceptionView>;

/** `needed` and `ready` as this cart recorded them. A need that names no cart is the ward's: then `shortBy` is what all carts lack together. */
export const morningNeed = z.strictObject({
  wardId: z.string(),
  ward: wardName,
  needed: count,
  ready: count,
  shortBy: count,
  due: time,
  /** Other carts that prepared the same morning, and what they had ready for the ward by their own sheets. */
  others: z.array(z.strictObject({ station: z.string(), cart: z.string(), ready: count })).optional(),
  /** Carts of the ward of which no such sheet is here: what they had is not known. */
  unheard: z.array(z.string()).optional(),
});
export type MorningNeedView = z.infer<typeof morningNeed>;

/** A night of a cart as its ledger recorded it at the start of the shift. Times are the cart's own clock, ISO 8601. */
export const morningSheetView = z.strictObject({
  /** Which life of the station's ledger, and the entry in it. */
  epoch: z.int().min(1),
  evidence,
  from: time,
  shift: time,
  endedAt: time,
  needs: z.array(morningNeed),
  /** Ranked by the cart: quickest to mend first. */
  exceptions: z.array(morningExceptionView),
  /** Exceptions that are not listed here. */
  more: count,
  done: z.strictObject({ sanitized: count, failed: count, quarantined: count, starts: count, updated: count.optional(), notUpdated: count.optional() }),
  /** What was told while the night lasted, oldest first. */
  warned: z.array(morningNotice),
});
export type MorningSheetView = z.infer<typeof morningSheetView>;

/** Another night of the same cart; `unread`: written by a newer station than this server understands. */
export const morningNight = z.strictObject({ epoch: z.int().min(1), seq: count, at: time, needed: count.optional(), ready: count.optional(), shortBy: count.optional(), exceptions: count.optional(), unread: z.literal(true).optional() });
export type MorningNight = z.infer<typeof morningNight>;

const cart = { station: z.string(), cart: z.string(), ward: wardName };

/** GET /api/morning: each cart with its latest sheet, of which the first exceptions, and what was told of the night that is on. */
export const morningView = z.strictObject({
  at: time,
  carts: z.array(z.strictObject({ ...cart, notices: z.array(morningNotice), sheet: morningSheetView.optional(), unread: morningNight.optional() })),
});
export type MorningView = z.infer<typeof morningView>;
export type MorningCart = MorningView['carts'][number];

/** GET /api/morning/:station/:seq?epoch= : one sheet whole, and the nights around it, newest first. Beside it `:seq.pdf?epoch=&zone=`. */
export const morningSheetQuery = z.strictObject({ epoch: z.coerce.number().int().min(1).optional() });
export const morningPdfQuery = z.strictObject({ ...morningSheetQuery.shape, /** IANA zone of the times on paper. */ zone: z.string().max(60).default('UTC') });
export const morningSheetAnswer = z.strictObject({ at: time, ...cart, sheet: morningSheetView, nights: z.array(morningNight) });
export type MorningSheetAnswer = z.infer<typeof morningSheetAnswer>;
