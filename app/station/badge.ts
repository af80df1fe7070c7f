import { createHmac } from 'node:crypto';
import type { TenantSecrets } from '../contract/station-http.ts';

/** A badge number in the only form in which it is ever kept: HMAC-SHA-256 of the UID (upper-case hex) under this version of the badge key; hex. */
export interface BadgeHmac {
  readonly hmac: string;
  readonly version: number;
}

/** A badge's HMACs under every badge key that is live when it is read, newest first. */
export function createBadgeHmacs(secrets: () => TenantSecrets): (uid: string) => readonly BadgeHmac[] {
  let prepared: { readonly from: TenantSecrets; readonly keys: readonly { readonly version: number; readonly key: Buffer }[] } | undefined;
  return (uid) => {
    const from = secrets();
    if (prepared?.from !== from) prepared = { from, keys: from.badgeKeys.toSorted((a, b) => b.version - a.version).map(({ version, key }) => ({ version, key: Buffer.from(key, 'base64url') })) };
    return prepared.keys.map(({ version, key }) => ({ version, hmac: createHmac('sha256', key).update(uid).digest('hex') }));
  };
}
