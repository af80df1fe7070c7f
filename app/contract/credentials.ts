import { z } from 'zod';

/** Uses of machine credentials by the server, by day. No row holds a secret. */
export const credentialUses = z.strictObject({
  uses: z.array(z.strictObject({ name: z.string(), purpose: z.string(), outcome: z.string(), day: z.string(), uses: z.int().min(1), firstAt: z.string(), lastAt: z.string() })),
});
export type CredentialUses = z.infer<typeof credentialUses>;
