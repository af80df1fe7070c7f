import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TabletEvent } from '../../../native/adapters.ts';
import type { HostClock } from '../../../native/clock.ts';
import { appleTablets } from '../../../native/tablets/apple.ts';
import type { TabletState } from './lockdownd.ts';
import { makeDeviceKey, pairWith } from './pairing.ts';
import { startUsbmuxd, type EmulatedUsbmuxd } from './usbmuxd.ts';

const key = makeDeviceKey();
/** Made once: two keys take a while. */
const paired = pairWith(key);

export const BATTERY = 'com.apple.mobile.battery';
export const SETUP = 'com.apple.purplebuddy';

/** An iPad in use on a ward. */
export function tablet(udid: string): TabletState {
  const own = {
    ActivationState: 'Activated',
    BuildVersion: '21G93',
    DeviceClass: 'iPad',
    DeviceName: 'iPad of Maria K.',
    DevicePublicKey: Buffer.from(key.publicPem),
    ProductType: 'iPad13,18',
    ProductVersion: '17.6.1',
    SerialNumber: 'DMPX12345678',
    UniqueDeviceID: udid,
    WiFiAddress: '02:00:00:00:00:01',
  };
  return {
    udid,
    key,
    values: { '': own, [BATTERY]: { BatteryCurrentCapacity: 78, BatteryIsCharging: true }, [SETUP]: { SetupDone: true } },
    pairing: undefined,
    behaviour: 'answering',
    asked: [],
  };
}

/** Makes the tablet and this computer trust each other. */
export async function trust(usbmuxd: EmulatedUsbmuxd, trusted: TabletState): Promise<void> {
  const { pairing, record } = await paired;
  trusted.pairing = pairing;
  usbmuxd.records.set(trusted.udid, record);
}

export interface AppleWard extends AsyncDisposable {
  readonly usbmuxd: EmulatedUsbmuxd;
  readonly events: TabletEvent[];
  /** What was told of tablets, as `SERIAL standing`. */
  told(): string[];
  latest(serial: string): Extract<TabletEvent, { event: 'tablet' }> | undefined;
  states(): string[];
  stop(): Promise<void>;
}

/** The adapter beside an emulated usbmuxd of its own. */
export async function appleWard(clock: HostClock): Promise<AppleWard> {
  const folder = mkdtempSync(join(tmpdir(), 'dockward-apple-'));
  const usbmuxd = await startUsbmuxd(join(folder, 'usbmuxd'));
  const events: TabletEvent[] = [];
  const running = appleTablets({ clock, address: { path: usbmuxd.path } }).start((event) => events.push(event));
  const tablets = () => events.filter((event): event is Extract<TabletEvent, { event: 'tablet' }> => event.event === 'tablet');
  return {
    usbmuxd,
    events,
    told: () => tablets().map(({ serial, standing }) => `${serial} ${standing}`),
    latest: (serial) => tablets().findLast((event) => event.serial === serial),
    states: () => events.flatMap((event) => (event.event === 'adapter' ? [event.state] : [])),
    stop: () => running.stop(),
    async [Symbol.asyncDispose]() {
      await running.stop();
      await usbmuxd.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
