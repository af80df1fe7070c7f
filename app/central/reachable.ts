import type { GateLeafName, Platform } from '../domain/terms.ts';
import { StartRefused } from './first-start.ts';
import type { Mdm } from './mdm/by-platform.ts';

/** A leaf that policy makes mandatory and that no tablet of this platform can ever reach. */
export interface Unreachable {
  readonly platform: Platform;
  readonly mdm: string;
  readonly leaves: readonly GateLeafName[];
}

/** What of a policy the MDM of each platform can never state: such tablets would never be offered again. */
export function unreachableIn(policy: { readonly rules: { readonly mandatoryLeaves: readonly GateLeafName[] }; readonly devices: readonly { readonly platform: Platform }[] }, mdms: readonly Mdm[]): readonly Unreachable[] {
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
