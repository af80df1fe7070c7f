import { z } from 'zod';
import { GRADES } from '../domain/terms.ts';

/** Times are ISO 8601, UTC. `leaf` names a certificate: hex SHA-256(0x00‖bytes) of the ledger's entry. */
export const certificateLeaf = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hex digits');

/** GET /api/certificates?q=&from=&to=&after= → newest first by the carts' clocks. `q`: part of a serial or of an asset number; `after`: leaf of the last row of the page before. */
export const certificatesQuery = z.strictObject({
  q: z.string().trim().max(80).default(''),
  from: z.iso.datetime({ offset: true }).optional(),
  to: z.iso.datetime({ offset: true }).optional(),
  after: certificateLeaf.optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
export type CertificatesQuery = z.infer<typeof certificatesQuery>;

export const certificateRow = z.strictObject({
  leaf: certificateLeaf,
  origin: z.string(),
  index: z.int().min(0),
  serial: z.string(),
  /** As the directory has them now; left out where it does not know the serial. */
  asset: z.string().optional(),
  model: z.string().optional(),
  station: z.string(),
  cart: z.string(),
  slot: z.int().optional(),
  grade: z.enum(GRADES),
  /** By the cart's clock. */
  completedAt: z.string(),
  /** When the witness first cosigned it; left out where that is not known any more. */
  cosignedAt: z.string().optional(),
});
export type CertificateRow = z.infer<typeof certificateRow>;

/** The rows are what the ledgers' entries claim; only the certificate itself is held against the records before it. */
export const certificatesAnswer = z.strictObject({
  at: z.string(),
  certificates: z.array(certificateRow),
  /** There are more: ask with `after` of the last one. */
  more: z.boolean(),
});
export type CertificatesAnswer = z.infer<typeof certificatesAnswer>;

/** GET /api/certificates/:leaf → the certificate in words. Beside it: `/file` (JSON, for `npm run verify`) and `/pdf`. */
export const certificateView = z.strictObject({
  leaf: certificateLeaf,
  at: z.string(),
  serial: z.string(),
  asset: z.string(),
  grade: z.enum(GRADES),
  standing: z.enum(['provisional', 'cosigned']),
  standingWords: z.string(),
  sections: z.array(z.strictObject({ title: z.string(), lines: z.array(z.strictObject({ label: z.string(), value: z.string() })) })),
  /** Where whoever holds the printed sheet can look it up without signing in. */
  publicUrl: z.string(),
});
export type CertificateView = z.infer<typeof certificateView>;
