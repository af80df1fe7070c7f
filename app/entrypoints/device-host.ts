/**
 * The device host: everything native, in a process of its own, child of the station.
 * It ends when its parent goes, and its parent starts it again when it dies.
 */
import packageJson from '../../package.json' with { type: 'json' };
import type { HubAdapter, ReaderAdapter, SlotAdapter, TabletAdapter } from '../../native/adapters.ts';
import { systemClock } from '../../native/clock.ts';
import { HOST_CONFIG_VARIABLE, portsBySlot, readHostConfig, type HostConfig } from '../../native/host-config.ts';
import { createDeviceHost } from '../../native/host.ts';
import { cambrionixHub } from '../../native/hub/cambrionix.ts';
import { sysfsPower } from '../../native/hub/sysfs-power.ts';
import { hidReaders } from '../../native/readers/hid/hid.ts';
import { hidScanners } from '../../native/readers/hid/hid-scanners.ts';
import { pcscReaders } from '../../native/readers/pcsc.ts';
import { adbTablets } from '../../native/tablets/adb.ts';
import { appleTablets } from '../../native/tablets/apple.ts';
import { usbSlots } from '../../native/usb/slots.ts';
import { parentProcessTransport } from '../transport/child-process.ts';
import { parentPortOf, stationThroughShell } from '../transport/utility-process.ts';

/** Time the adapters have to let go; a card that never answers holds its reader, and Node's exit, until it is pulled. */
const STOP_DEADLINE_MS = 500;
const EXIT_CONFIGURATION = 78;

const log = (line: string): void => void process.stderr.write(`${line}\n`);

function configuration(): HostConfig {
  try {
    return readHostConfig(process.env[HOST_CONFIG_VARIABLE]);
  } catch (error) {
    log(`device host: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(EXIT_CONFIGURATION);
  }
}

interface Hardware {
  readonly readers: readonly ReaderAdapter[];
  readonly slots: SlotAdapter | undefined;
  readonly hub: HubAdapter | undefined;
  readonly tablets: readonly TabletAdapter[];
}

async function hardware(config: HostConfig): Promise<Hardware> {
  const simulated = config.readers === 'simulated' || config.slots === 'simulated' ? await simulatedHardwareAt(config.simulatorUrl) : undefined;
  const readers: Record<HostConfig['readers'], () => ReaderAdapter[]> = {
    pcsc: () => [pcscReaders({ clock: systemClock })],
    simulated: () => (simulated === undefined ? [] : [simulated.readers]),
    none: () => [],
  };
  const slots: Record<HostConfig['slots'], () => SlotAdapter | undefined> = {
    usb: () => usbSlots({ clock: systemClock, ports: portsBySlot(config) }),
    simulated: () => simulated?.slots,
    none: () => undefined,
  };
  const { adb, apple } = config.tablets;
  return {
    readers: [...readers[config.readers](), ...hidOf(config)],
    slots: slots[config.slots](),
    hub: hubOf(config),
    tablets: [
      ...(adb ? [adbTablets({ clock: systemClock, port: adb.port, start: adb.start })] : []),
      ...(apple ? [appleTablets({ clock: systemClock, ...(apple.socket === undefined ? {} : { address: { path: apple.socket } }) })] : []),
    ],
  };
}

function hidOf({ hidReaders: wanted }: HostConfig): ReaderAdapter[] {
  if (wanted === false) return [];
  return [hidReaders({ clock: systemClock, keyboardShaped: typeof wanted === 'object' && wanted.keyboardShaped }), hidScanners({ clock: systemClock })];
}

function hubOf(config: HostConfig): HubAdapter | undefined {
  const { hub } = config;
  switch (hub.kind) {
    case 'none':
      return undefined;
    case 'kernel':
      return sysfsPower({ clock: systemClock, ports: portsBySlot(config) });
    case 'cambrionix':
      return cambrionixHub({ clock: systemClock, host: hub.host, port: hub.port, slots: new Map(Object.entries(hub.slots).map(([slot, at]) => [Number(slot), at])) });
  }
}

async function simulatedHardwareAt(url: string | undefined): Promise<{ readers: ReaderAdapter; slots: SlotAdapter }> {
  if (url === undefined) throw new Error('simulated hardware without a simulatorUrl');
  const { simulatedHardware } = await import('../simulator/hardware/hardware.ts');
  return simulatedHardware({ url, log });
}

if (process.send === undefined) {
  log('device host: it was started by hand; the station starts it, with an IPC channel');
  process.exit(EXIT_CONFIGURATION);
}

const shell = parentPortOf(process);
const transport = shell ? stationThroughShell(shell) : parentProcessTransport(process);
const host = createDeviceHost({ transport, ...(await hardware(configuration())), clock: systemClock, version: packageJson.version, log });

let ending = false;
function end(): void {
  if (ending) return;
  ending = true;
  // Node joins its worker threads on exit, so one that a mute card holds would keep this process for ever.
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), STOP_DEADLINE_MS);
  void host.stop().then(() => process.exit(0));
}
transport.onClose(end);
process.on('SIGTERM', end);
// Ctrl-C reaches the whole process group; the parent decides what it means.
process.on('SIGINT', () => {});
