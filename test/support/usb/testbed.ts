import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { loadUsbEvents } from '../../../native/usb/hotplug.ts';
import { PYTHON } from './announced-bus.ts';

/** udev's messages reach a whole network namespace, and /sys must be ours: both are made anew, and all ends with the first process. */
const UNSHARE = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc', ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user'])];
const INSIDE = 'mount -t tmpfs -o mode=755 tmpfs /sys && exec "$@"';

/** The command line that runs `command` on a /sys and a udev of its own. */
export function usbTestbedCommand(command: readonly string[]): [string, ...string[]] {
  return ['unshare', ...UNSHARE, 'sh', '-c', INSIDE, 'sh', ...command];
}

/** Why this machine cannot have one, or lacks one of the `programs`; undefined where it can. */
export function whyNoUsbTestbed(programs: readonly string[] = []): string | undefined {
  if (process.platform !== 'linux') return 'a /sys of our own needs Linux';
  if (!existsSync(PYTHON)) return 'python3 is not installed';
  const events = loadUsbEvents();
  if (!events.found) return events.detail;
  const missing = programs.find((program) => spawnSync(program, ['--version']).error !== undefined);
  if (missing !== undefined) return `${missing} is not installed`;
  const allowed = spawnSync('unshare', [...UNSHARE, 'true'], { encoding: 'utf8' });
  return allowed.status === 0 ? undefined : `namespaces are not permitted: ${(allowed.error?.message ?? allowed.stderr).trim()}`;
}
