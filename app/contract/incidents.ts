import { z } from 'zod';

/** GET /api/incidents: what the witness noticed about ledgers, newest first, and the entries whose effect was set aside. Times are ISO 8601. */
export const incidentKind = z.enum(['two-histories', 'invalid-upload', 'ledger-continued', 'witness-behind', 'epoch-begun', 'bad-rotation']);
export const incidentView = z.strictObject({
  id: z.int().min(1),
  station: z.string(),
  cart: z.string(),
  origin: z.string(),
  kind: incidentKind,
  /** What happened and what it means, for a person. */
  text: z.string(),
  firstAt: z.string(),
  lastAt: z.string(),
  count: z.int().min(1),
  /** The station's signed checkpoint, where there is one: proof against whoever signed it. */
  note: z.string().optional(),
});
export type IncidentView = z.infer<typeof incidentView>;

export const poisonView = z.strictObject({
  origin: z.string(),
  cart: z.string(),
  seq: z.int().min(0),
  reason: z.enum(['unreadable', 'unstorable', 'unfoldable']),
  message: z.string(),
  foundAt: z.string(),
  replayedAt: z.string().optional(),
  /** base64 of the entry's bytes, exactly as they came. */
  bytes: z.string(),
});
export type PoisonView = z.infer<typeof poisonView>;

export const incidentsView = z.strictObject({ incidents: z.array(incidentView), poison: z.array(poisonView) });
export type IncidentsView = z.infer<typeof incidentsView>;

/** POST /api/poison/replay (administrator): folds the ledger anew; what this program understands now takes effect. */
export const replayRequest = z.strictObject({ origin: z.string().min(1).max(200) });
export const replayResponse = z.strictObject({ replayed: z.int().min(0), left: z.int().min(0) });
