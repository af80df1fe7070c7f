import { access, constants, readFile } from 'node:fs/promises';
import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import { root } from '../checks.ts';

/** The user that the appliance's services run as, and the group that the udev rules give devices to. */
export const SERVICE_USER = 'dockward';
const RULES = join(root, 'resources/linux/70-dockward.rules');
const INSTALLED_RULES = '/etc/udev/rules.d/70-dockward.rules';

/** Name of the user whose rights are judged. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user without an entry in the system's table, as in many containers.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

export const isRoot = (): boolean => process.getuid?.() === 0;

export const home = (): string => homedir();

export function may(path: string, mode: 'read and write' | 'write'): Promise<boolean> {
  return access(path, mode === 'write' ? constants.W_OK : constants.R_OK | constants.W_OK).then(
    () => true,
    () => false,
  );
}

/** Commands that give this user the devices of a cart. */
export function udevSteps(user: string): readonly string[] {
  const group = user === SERVICE_USER ? [] : [`groupadd --force --system ${SERVICE_USER} && usermod -aG ${SERVICE_USER} ${user}   (then sign in again)`];
  return [`cp ${RULES} ${INSTALLED_RULES} && udevadm control --reload && udevadm trigger`, ...group];
}

/** As `udevSteps`, with the rule that is to be added first where the maker of a HID device is not among those named. */
export async function hidrawSteps(user: string, vendorId: number): Promise<readonly string[]> {
  const vendor = vendorId.toString(16).padStart(4, '0');
  const known = (await readFile(RULES, 'utf8')).includes(`ATTRS{idVendor}=="${vendor}"`);
  const rule = `KERNEL=="hidraw*", ATTRS{idVendor}=="${vendor}", GROUP="${SERVICE_USER}", MODE="0660"`;
  return [...(known ? [] : [`add this line to ${RULES}: ${rule}`]), ...udevSteps(user)];
}
