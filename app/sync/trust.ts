import { z } from 'zod';
import { serverJwk, type PolicyBundle } from '../contract/policy-bundle.ts';
import type { EnrolResponse } from '../contract/station-http.ts';
import { parseVkey, type VerifierKey } from '../ledger/note.ts';

/** Whom a station believes that it is the server: by enrolment, and from then on by the last policy bundle that it could verify. */
export const trust = z.strictObject({
  /** They sign statements and bundles. */
  serverKeys: z.array(serverJwk).min(1),
  /** C2SP vkeys of the witness. */
  witnesses: z.array(z.string()).min(1),
});
export type Trust = z.infer<typeof trust>;

/** A cosignature of the witness's key before may still be on its way this long after it was replaced. */
const FORMER_WITNESS_MS = 86_400_000;

export const trustOfEnrolment = ({ serverKeys, witness }: EnrolResponse): Trust => ({ serverKeys, witnesses: [witness] });

export function trustOfBundle({ keys, issuedAtMs }: PolicyBundle): Trust {
  const former = keys.formerWitnesses.filter(({ untilMs }) => untilMs > issuedAtMs - FORMER_WITNESS_MS);
  return { serverKeys: keys.server, witnesses: [keys.witness, ...former.map(({ vkey }) => vkey)] };
}

export function witnessKeys({ witnesses }: Trust): readonly VerifierKey[] {
  return witnesses.flatMap((vkey) => {
    const key = parseVkey(vkey);
    return key.ok ? [key.value] : [];
  });
}
