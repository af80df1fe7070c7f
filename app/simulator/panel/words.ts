import type { UncleanReason } from '../world/tablet.ts';
import type { VirtualTablet, WorldView } from './world.ts';

const UNCLEAN: Record<UncleanReason, string> = {
  residue: 'data',
  'not-enrolled': 'not enrolled yet',
  'old-credential-live': 'old credentials still work',
  posture: 'unsafe settings',
  profile: 'ward profile missing',
  'command-waiting': 'a command waits for it',
  rebooting: 'erasing itself',
};

/** The truth about one tablet in one sentence. */
export function truthOf(tablet: VirtualTablet, world: WorldView): string {
  if (tablet.clean) return 'Truly clean.';
  const owner = world.staff.find((person) => person.id === tablet.residueOf)?.short;
  const reasons = tablet.uncleanBecause.map((reason) => (reason === 'residue' ? `${owner ? `${owner}’s` : 'somebody’s'} data on it` : reason === 'rebooting' && tablet.updating ? 'installing its update' : UNCLEAN[reason]));
  const text = reasons.join(', ');
  return `Not clean: ${text}.${tablet.asleep ? ' It hangs: nothing reaches it.' : ''}`;
}
