import { z } from 'zod';

/** The server's own keys that can be replaced: `statement` signs statements and policy bundles, `witness` cosigns the stations' ledgers. */
export const serverKeyKind = z.enum(['statement', 'witness']);
export type ServerKeyKind = z.infer<typeof serverKeyKind>;

/** GET /api/keys. Times are ISO 8601. */
export const serverKeysView = z.strictObject({
  keys: z.array(
    z.strictObject({
      kind: serverKeyKind,
      /** Key id of a statement key, C2SP vkey of a witness key. */
      name: z.string(),
      madeAt: z.string(),
      /** `announced`: published, and used once every station holds it. `former`: no longer used, and published so that old signatures can be checked. */
      state: z.enum(['announced', 'signing', 'former']),
      retiredAt: z.string().optional(),
    }),
  ),
  /** Stations that do not hold the newest statement key yet: until they do, the one before it stays. */
  waitingFor: z.array(z.strictObject({ station: z.string(), cart: z.string() })),
});
export type ServerKeysView = z.infer<typeof serverKeysView>;

/** POST /api/keys/rotate: 409 conflict while the last rotation of the statement key is not finished. */
export const rotateKeyRequest = z.strictObject({ kind: serverKeyKind });

/** POST /api/keys/retire: ends the statement key that is on its way out although stations lack the new one. Without `confirm` only says which. */
export const retireKeyRequest = z.strictObject({ confirm: z.boolean().default(false) });
export const retireKeyResponse = z.strictObject({ retired: z.boolean(), /** They must be enrolled anew. */ lost: z.array(z.strictObject({ station: z.string(), cart: z.string() })) });

/** POST /api/stations/rotate-key: the station gives the ledger that it writes a new key when it next hears of it. */
export const rotateStationKeyRequest = z.strictObject({ station: z.string().min(1).max(64) });
