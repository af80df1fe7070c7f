import { createHmac } from 'node:crypto';
import type { TenantSecrets } from '../contract/station-http.ts';

/** HMAC-SHA-256 of a badge UID under every live badge key, newest first: the only form in which a badge number is ever kept. */
export function createBadgeHmacs(secrets: TenantSecrets): (uid: string) => readonly string[] {
  const keys = [...secrets.badgeKeys].sort((a, b) => b.version - a.version).map(({ key }) => Buffer.from(key, 'base64url'));
  return (uid) => keys.map((key) => createHmac('sha256', key).update(uid).digest('hex'));
}
