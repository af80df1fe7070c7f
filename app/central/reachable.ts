import { ok, refused, type Result } from '../domain/result.ts';
import type { GateLeafName, Platform } from '../domain/terms.ts';
import type { Queryable } from './database.ts';
import { StartRefused } from './first-start.ts';
import type { Refusal } from './http-reply.ts';
import type { Mdm } from './mdm/by-platform.ts';

/** A leaf that policy makes mandatory and that no tablet of this platform can ever reach. */
export interface Unreachable {
  readonly platform: Platform;
  readonly mdm: string;
  readonly leaves: readonly GateLeafName[];
}

interface Policy {
  readonly rules: { readonly mandatoryLeaves: readonly GateLeafName[] };
  readonly devices: readonly { readonly platform: Platform }[];
}
type Reaches = Pick<Mdm, 'platform'> & { readonly adapter: Pick<Mdm['adapter'], 'name' | 'unreachable'> };

/** What each leaf shows of a tablet, after "that". */
export const LEAF_WORDS: Readonly<Record<GateLeafName, string>> = {
  standing: 'it is admitted to the fleet',
  'serial-in-slot': 'it is the tablet in the slot',
  'no-exposure': 'it stayed in the cart since its wipe',
  'wipe-confirmed': 'its wipe was carried out',
  'enrolment-new': 'it enrolled anew after its wipe',
  'credentials-revoked': 'its old credentials are dead',
  'queue-clear': 'no command waits for it and nobody keeps a way to unlock it',
  'profile-present': 'the ward’s applications are on it',
  posture: 'its system is up to date and not altered',
  attestation: 'its hardware vouches for it',
  battery: 'it is charged',
  bundle: 'the cart’s policy allows it',
};

/** All that only an MDM can state. */
const STATED_BY_MDM: readonly GateLeafName[] = ['wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture', 'attestation'];
/** A platform whose MDM is taken away. */
export const withoutMdm = (platform: Platform): Reaches => ({ platform, adapter: { name: 'no MDM', unreachable: STATED_BY_MDM } });

/** What of a policy the MDM of each platform can never state: such tablets would never be offered again. */
export function unreachableIn(policy: Policy, mdms: readonly Reaches[]): readonly Unreachable[] {
  const platforms = new Set(policy.devices.map(({ platform }) => platform));
  return mdms.flatMap(({ platform, adapter }) => {
    const leaves = adapter.unreachable.filter((leaf) => policy.rules.mandatoryLeaves.includes(leaf));
    return platforms.has(platform) && leaves.length > 0 ? [{ platform, mdm: adapter.name, leaves }] : [];
  });
}

/** Throws `StartRefused` with what to change (R3.2): a policy that asks for more than a platform can reach is not published. */
export function refuseUnreachable(found: readonly Unreachable[]): void {
  const [first] = found;
  if (!first) return;
  const each = found.map(({ platform, mdm, leaves }) => `${leaves.join(', ')} for ${platform} tablets (${mdm})`).join('; ');
  throw new StartRefused(`This policy asks for what can never be proven: ${each}. Those tablets would never be offered. Take ${first.leaves.length === 1 ? 'it' : 'them'} out of mandatoryLeaves, or manage the tablets with an MDM that can prove ${first.leaves.length === 1 ? 'it' : 'them'}.`);
}

/** The same the other way round: an MDM that cannot do what the present policy asks of its tablets does not come into use. Retired tablets are offered nowhere, and ask for nothing. */
export async function reachableByPolicy(client: Queryable, mdm: Reaches): Promise<Result<void, Refusal>> {
  const found = await client.query<{ rules: Policy['rules'] | null; devices: Policy['devices'] }>(
    `select rules, (select coalesce(json_agg(distinct jsonb_build_object('platform', platform)), '[]') from device where standing <> 'retired') as devices from tenant for update`,
  );
  const row = found.rows[0];
  const [missed] = row?.rules ? unreachableIn({ rules: row.rules, devices: row.devices }, [mdm]) : [];
  if (!missed) return ok(undefined);
  return refused({
    reason: 'conflict',
    message: `The policy in force asks of ${missed.platform === 'apple' ? 'iPads' : 'Android tablets'} what could then never be proven: that ${missed.leaves.map((leaf) => LEAF_WORDS[leaf]).join('; that ')}. None of them would be offered again, so nothing was changed. Publish a policy that does not ask for it first (mandatoryLeaves: ${missed.leaves.join(', ')}).`,
  });
}
