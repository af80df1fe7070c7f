import type { AdapterState, ReaderAdapter, ReaderEvent } from '../../adapters.ts';
import type { HostClock } from '../../clock.ts';
import { loadNodeHid, missingDetail, type Hid, type HidDevice, type HidDeviceInfo, type HidModule } from './node-hid-module.ts';
import { PCPROX_VENDOR } from './pcprox-report.ts';
import { watchPcprox } from './pcprox-watch.ts';

const LOOK_MS = 500;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const ANY_PRODUCT = 0;
const DESKTOP_PAGE = 0x01;
const KEYBOARD_USAGES = [0x06, 0x07];
const NAME_LIMIT = 200;

const NO_READER = 'no rf IDEAS badge reader is plugged in: plug one in, or look at its cable';
const KEYBOARD = 'a badge reader that types like a keyboard is plugged in and is not used: switch it to SDK mode (rf IDEAS Configuration Utility), or use a PC/SC reader';
const NOT_OPENED = 'a badge reader cannot be opened: let this user read and write it (udev rule for vendor 0c27), and close what else uses it';
const LOST = 'a badge reader stopped answering: it is opened again as soon as it does; if it stays so, plug it in anew';

export interface HidReadersDeps {
  readonly clock: HostClock;
  /** Replaced in tests of what a machine without the package is told. */
  readonly load?: () => HidModule;
}

interface OpenReader {
  readonly name: string;
  readonly stop: () => Promise<void>;
}
/** When a reader that failed may be tried again. */
interface Trouble {
  readonly detail: string;
  readonly retryMonoMs: number;
  readonly waitMs: number;
}

/** rf IDEAS pcProx badge readers in SDK mode, by their feature reports. What types like a keyboard is never opened. */
export function hidReaders({ clock, load = loadNodeHid }: HidReadersDeps): ReaderAdapter {
  return { name: 'hid', start: (sink) => startHid({ clock, load }, sink) };
}

function startHid({ clock, load }: Required<HidReadersDeps>, sink: (event: ReaderEvent) => void): { stop(): Promise<void> } {
  const module = load();
  if (!module.found) {
    sink({ event: 'adapter', state: 'absent', detail: module.detail });
    return { stop: () => Promise.resolve() };
  }
  const { hid } = module;
  const open = new Map<string, OpenReader>();
  const troubles = new Map<string, Trouble>();
  const resting = new Map<string, string>();
  let stopped = false;
  let looking: Promise<void> | undefined;
  let told = '';

  function tell(event: ReaderEvent): void {
    if (!stopped) sink(event);
  }

  function tellState(state: AdapterState, detail?: string): void {
    const telling = `${state} ${detail ?? ''}`;
    if (telling === told) return;
    told = telling;
    tell({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) });
  }

  async function look(from: Hid): Promise<void> {
    let seen: readonly HidDeviceInfo[];
    try {
      seen = await from.devicesAsync(PCPROX_VENDOR, ANY_PRODUCT);
    } catch (error) {
      return tellState('failing', missingDetail(error instanceof Error ? error.message : String(error)));
    }
    if (stopped) return;
    const { readers, keyboards } = sorted(seen);
    for (const path of [...open.keys()]) if (!readers.has(path)) await remove(path);
    for (const [path, trouble] of [...troubles]) if (!readers.has(path) || isOver(path, trouble)) troubles.delete(path);
    for (const [path, name] of readers) if (!open.has(path) && !stopped && isDue(path)) await add(path, name);
    const [trouble] = troubles.values();
    if (trouble !== undefined) tellState('failing', trouble.detail);
    else if (open.size > 0) tellState('working', ...(keyboards ? [KEYBOARD] : []));
    else tellState('absent', keyboards ? KEYBOARD : NO_READER);
  }

  const isDue = (path: string): boolean => clock.monoMs() >= (troubles.get(path)?.retryMonoMs ?? 0);

  /** It may fail again at once, so how long it has been failing is forgotten only after a while of working. */
  const isOver = (path: string, { retryMonoMs }: Trouble): boolean => open.has(path) && clock.monoMs() >= retryMonoMs + LONGEST_RETRY_MS;

  async function add(path: string, name: string): Promise<void> {
    let device: HidDevice;
    try {
      device = await hid.HIDAsync.open(path);
    } catch {
      return inTrouble(path, NOT_OPENED);
    }
    // Nothing is said by these readers unasked; an error without a listener would end the process.
    device.on('error', () => {});
    tell({ event: 'reader', reader: name, state: 'present' });
    const watch = watchPcprox({
      device,
      reader: name,
      clock,
      emit: (event) => {
        troubles.delete(path);
        tell(event);
      },
      resting,
      onLost: () => {
        inTrouble(path, LOST);
        void remove(path);
      },
    });
    open.set(path, {
      name,
      async stop() {
        await watch.stop();
        await device.close();
      },
    });
  }

  function inTrouble(path: string, detail: string): void {
    const waitMs = Math.min((troubles.get(path)?.waitMs ?? FIRST_RETRY_MS / 2) * 2, LONGEST_RETRY_MS);
    troubles.set(path, { detail, waitMs, retryMonoMs: clock.monoMs() + waitMs });
  }

  async function remove(path: string): Promise<void> {
    const reader = open.get(path);
    if (reader === undefined) return;
    open.delete(path);
    tell({ event: 'reader', reader: reader.name, state: 'gone' });
    await reader.stop();
  }

  /** One look at a time: listing devices waits for the kernel. */
  function lookAgain(): void {
    looking ??= look(hid).finally(() => {
      looking = undefined;
    });
  }

  lookAgain();
  const stopLooking = clock.every(LOOK_MS, lookAgain);

  return {
    async stop() {
      stopped = true;
      stopLooking();
      await looking;
      const last = [...open.values()];
      open.clear();
      await Promise.all(last.map((reader) => reader.stop()));
    },
  };
}

/** Readers by path, with their names; a device of which any part is a keyboard, or that does not say what it is, is none. */
function sorted(seen: readonly HidDeviceInfo[]): { readonly readers: ReadonlyMap<string, string>; readonly keyboards: boolean } {
  const keyboards = new Set(seen.filter(isKeyboard).map(({ path }) => path));
  const readers = new Map<string, string>();
  for (const device of seen) {
    if (device.path === undefined || keyboards.has(device.path)) continue;
    const told = device.serialNumber === undefined || device.serialNumber === '' ? device.path : device.serialNumber;
    readers.set(device.path, `${device.product ?? 'pcProx'} ${told}`.slice(0, NAME_LIMIT));
  }
  return { readers, keyboards: keyboards.size > 0 };
}

function isKeyboard({ usagePage, usage }: HidDeviceInfo): boolean {
  return usagePage === undefined || usage === undefined || (usagePage === DESKTOP_PAGE && KEYBOARD_USAGES.includes(usage));
}
