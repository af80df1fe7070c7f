import { usbSerial } from '../../app/contract/device-host.ts';

/** How far adb has come with a tablet. `offline` is also starting, recovery, bootloader and every state that adb may invent. */
export type AdbState = 'device' | 'unauthorised' | 'offline' | 'no-permission';

export interface AdbDevice {
  readonly serial: string;
  readonly state: AdbState;
  /** USB port path such as `1-1.4`, where adb tells one. Evidence: tablets are known by their serial. */
  readonly port?: string;
}

const USB_PATH = /^usb:(\d+-\d+(?:\.\d+)*)$/;
const NO_SERIAL = '(no serial number)';
/** Tablets that adb reaches over a network, and emulators, are in no slot. */
const NOT_ON_A_CABLE = /:\d+$|^emulator-\d+$|\._adb(?:-tls-connect)?\._tcp\.?$/;

/** Reads a list of `host:track-devices-l`. Lines that are none, and tablets that are on no cable, are left out. */
export function parseDevices(list: string): AdbDevice[] {
  return list.split('\n').flatMap((line) => {
    if (line.startsWith(NO_SERIAL)) return [];
    const [serial = '', state = '', ...details] = line.trim().split(/\s+/);
    if (!usbSerial.safeParse(serial).success || NOT_ON_A_CABLE.test(serial) || !/^[a-z]+$/.test(state)) return [];
    const port = details.map((detail) => USB_PATH.exec(detail)?.[1]).find((path) => path !== undefined);
    return [{ serial, state: stateOf(state, details), ...(port === undefined ? {} : { port }) }];
  });
}

function stateOf(word: string, [next]: readonly string[]): AdbState {
  if (word === 'device') return 'device';
  if (word === 'unauthorized') return 'unauthorised';
  return word === 'no' && next?.startsWith('permissions') ? 'no-permission' : 'offline';
}
