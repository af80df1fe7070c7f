import { createHash } from 'node:crypto';
import type { BundleDevice, PolicyBundle, StaffMember } from '../../app/contract/policy-bundle.ts';
import type { TenantSecrets } from '../../app/contract/station-http.ts';
import { createBadgeHmacs } from '../../app/station/badge.ts';
import { RULES } from './ward-rules.ts';

/** One ward's people, tablets and rules, as a policy bundle would bring them. */
export const SECRETS: TenantSecrets = {
  version: 1,
  badgeKeys: [{ version: 1, key: Buffer.alloc(32, 0x11).toString('base64url') }],
  peppers: [{ version: 1, key: Buffer.alloc(32, 0x22).toString('base64url') }],
};
/** Everybody's PIN, so that its costly hash is known beforehand: scrypt N=2^17 r=8 p=1 of PIN ‖ pepper. */
export const PIN = '246810';
const VERIFIER = { salt: '33'.repeat(16), hash: 'f0bf2ad2aceffa65628458aaac7d179b966414851495280a1ad27a1520df865d', pepperVersion: 1 };

export interface Person extends StaffMember {
  readonly uid: string;
}

const NAMES = ['Maria K.', 'Jonas L.', 'Aylin D.', 'Peter W.', 'Noor S.', 'Ivan P.', 'Lena M.', 'Omar B.', 'Ruth A.', 'Chen X.', 'Tove H.', 'Eli R.'];
const hmacs = createBadgeHmacs(() => SECRETS);

/** Twelve clinicians of ward 7 East. */
export const PEOPLE: readonly Person[] = NAMES.map((name, n) => {
  const uid = `04A1B2C3D4E5${(0x10 + n).toString(16).toUpperCase()}`;
  return { uid, actor: createHash('sha256').update(`salt ${name}`).digest('hex'), name, roles: ['clinician'], wards: ['7e'], badges: [{ hmac: hmacs(uid)[0]?.hmac ?? '', badgeKeyVersion: 1 }], pin: VERIFIER, revoked: false };
});
export const STRANGER_UID = '04FFFFFFFFFFFF';

export function person(n: number): Person {
  const found = PEOPLE[n];
  if (!found) throw new Error(`there are only ${PEOPLE.length} people`);
  return found;
}
export const [MARIA, JONAS, AYLIN] = [person(0), person(1), person(2)];

export const HERE = { tenant: 'mercy', station: 'cart-7' };
export const tablet = (serial: string): BundleDevice => ({ serial, asset: `A-${serial}`, ward: '7e', model: 'Samsung SM-X306B', platform: 'android', profile: 'ward-7-east', standing: 'admitted' });

export function policy(change: Partial<PolicyBundle> & Pick<PolicyBundle, 'version' | 'issuedAtMs' | 'devices'>): PolicyBundle {
  return {
    tenant: HERE.tenant,
    stations: [HERE.station],
    expiresAtMs: change.issuedAtMs + 30 * 86_400_000,
    secretsVersion: 1,
    cards: { authorities: [], revoked: [] },
    wards: [{ id: '7e', name: '7 East' }],
    staff: PEOPLE.map(({ uid: _uid, ...member }) => member),
    rules: RULES,
    keys: { server: [{ kid: 'k1', x: Buffer.alloc(32, 1).toString('base64url'), kty: 'OKP', crv: 'Ed25519' }], formerServer: [], witness: 'witness+00000000+AA', formerWitnesses: [] },
    rotateKeys: [],
    revokedKeys: [],
    ...change,
  };
}
