import type { StationConfig } from '../../app/station/config.ts';
import { hidKinds } from '../../native/readers/hid/hid-kinds.ts';
import { loadNodeHid, missingDetail, type HidDeviceInfo } from '../../native/readers/hid/node-hid-module.ts';
import { lacking, ok, optional, type Finding } from './finding.ts';
import { hidrawSteps, may } from './rights.ts';

const SWITCH_ON = 'write "hidReaders": true into station.json';
const TYPES = 'A typed badge is no tap, because anybody could type one: the reader is not opened.';
const NO_TAPS = 'Badges held to it are not read.';
const NO_LABELS = 'Asset labels are not read: a tablet that is too empty to start cannot be told from another.';
const ANY = 0;

interface HidCheck {
  readonly findings: readonly Finding[];
  /** There is a badge reader that this user may use. */
  readonly canRead: boolean;
}

/** Badge readers and scanners over HID. They are listed and their rights are looked at; nothing is opened, so that a running station is not disturbed. */
export async function hidReaders(config: StationConfig | undefined, user: string): Promise<HidCheck> {
  const isUsed = config !== undefined && config.hidReaders !== false;
  const listed = await list();
  if (!Array.isArray(listed)) return { canRead: false, findings: [lacking(isUsed, `HID readers and scanners: ${String(listed)}`, NO_TAPS, ['npm ci   (node-hid is an optional package)', 'apt-get install libudev1 libusb-1.0-0'])] };
  const keyboardShaped = typeof config?.hidReaders === 'object' && config.hidReaders.keyboardShaped;
  const { readers, typing, scanners } = hidKinds(listed, { keyboardShaped });
  const closed = new Set<string>();
  for (const path of [...readers.keys(), ...scanners.keys()]) if (path.startsWith('/') && !(await may(path, 'read and write'))) closed.add(path);

  const one = async (kind: string, path: string, name: string, otherwise: string): Promise<Finding> => {
    const what = `HID ${kind} "${name}"`;
    if (closed.has(path)) return lacking(isUsed || (config === undefined && kind === 'badge reader'), `${what}: the user ${user} may not read and write ${path}`, otherwise, await hidrawSteps(user, vendorAt(listed, path)));
    if (isUsed) return ok(what);
    return config === undefined ? ok(what, `To use it, ${SWITCH_ON}.`) : optional(`${what} is plugged in and not used`, undefined, [SWITCH_ON]);
  };
  const found = [
    ...(await Promise.all([...readers].map(([path, name]) => one('badge reader', path, name, NO_TAPS)))),
    ...[...typing.values()].map((name) => typist(name, isUsed && readers.size === 0)),
    ...(await Promise.all([...scanners].map(([path, name]) => one('scanner', path, name, NO_LABELS)))),
  ];
  const canRead = [...readers.keys()].some((path) => !closed.has(path));
  return { canRead, findings: found.length > 0 ? found : [none(isUsed)] };
}

function typist(name: string, isNeeded: boolean): Finding {
  return lacking(isNeeded, `badge reader "${name}" types its numbers like a keyboard`, TYPES, [
    'have it re-programmed to SDK mode (rf IDEAS Configuration Utility), or use a PC/SC reader',
    'if it is an SDK model, which types nothing and only looks like a keyboard: write "hidReaders": {"keyboardShaped": true} into station.json',
  ]);
}

function none(isUsed: boolean): Finding {
  if (!isUsed) return optional('HID badge readers and scanners: none is plugged in');
  return lacking(true, 'HID badge readers and scanners: none is plugged in', 'The configuration says that this cart has one ("hidReaders").', ['plug it in; lsusb must show it (rf IDEAS is 0c27)', 'a scanner must be in USB HID-POS mode: its manual has a code for it']);
}

/** Every HID device, or why they cannot be listed. */
async function list(): Promise<readonly HidDeviceInfo[] | string> {
  const module = loadNodeHid();
  if (!module.found) return module.detail;
  try {
    return await module.hid.devicesAsync(ANY, ANY);
  } catch (error) {
    return missingDetail(error instanceof Error ? error.message : String(error));
  }
}

const vendorAt = (listed: readonly HidDeviceInfo[], path: string): number => listed.find((device) => device.path === path)?.vendorId ?? 0;
