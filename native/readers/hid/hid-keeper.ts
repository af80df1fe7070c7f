import type { AdapterState } from '../../adapters.ts';
import type { HostClock } from '../../clock.ts';
import { missingDetail, type Hid, type HidDevice, type HidDeviceInfo, type HidModule } from './node-hid-module.ts';

const LOOK_MS = 500;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
const ANY = 0;

/** What a kind of device needs to be kept open. */
export interface KeeperDeps {
  readonly clock: HostClock;
  readonly load: () => HidModule;
  /** Which of all HID devices are wanted: names by path. `aside`: what a person should be told although it is not used. */
  readonly choose: (seen: readonly HidDeviceInfo[]) => { readonly wanted: ReadonlyMap<string, string>; readonly aside?: string | undefined };
  /** Begins to work an open device. `worked`: it does what it should; `lost`: it has to be opened anew. */
  readonly watch: (device: HidDevice, name: string, told: { worked(): void; lost(): void }) => { stop(): Promise<void> };
  readonly onOpened: (name: string) => void;
  readonly onGone: (name: string) => void;
  /** Told once each time it changes. */
  readonly onState: (state: AdapterState, detail?: string) => void;
  readonly words: { readonly none: string; readonly notOpened: string; readonly lost: string };
}

export interface Keeper {
  stop(): Promise<void>;
  /** Something that a person should know although every device works; undefined takes it back. */
  remark(detail: string | undefined): void;
}

interface OpenDevice {
  readonly name: string;
  readonly stop: () => Promise<void>;
}
/** When a device that failed may be tried again. */
interface Trouble {
  readonly detail: string;
  readonly retryMonoMs: number;
  readonly waitMs: number;
}

/** Looks for devices every half second and keeps each open that is wanted; one that fails is tried after 0.25 s, doubling to 5 s. */
export function keepHidDevices({ clock, load, choose, watch, onOpened, onGone, onState, words }: KeeperDeps): Keeper {
  const module = load();
  if (!module.found) {
    onState('absent', module.detail);
    return { stop: () => Promise.resolve(), remark: () => {} };
  }
  const { hid } = module;
  const open = new Map<string, OpenDevice>();
  const troubles = new Map<string, Trouble>();
  let remarked: string | undefined;
  let stopped = false;
  let looking: Promise<void> | undefined;
  let told = '';

  function tellState(state: AdapterState, detail?: string): void {
    const telling = `${state} ${detail ?? ''}`;
    if (telling === told || stopped) return;
    told = telling;
    onState(state, detail);
  }

  async function look(from: Hid): Promise<void> {
    let seen: readonly HidDeviceInfo[];
    try {
      seen = await from.devicesAsync(ANY, ANY);
    } catch (error) {
      return tellState('failing', missingDetail(error instanceof Error ? error.message : String(error)));
    }
    if (stopped) return;
    const { wanted, aside } = choose(seen);
    for (const path of [...open.keys()]) if (!wanted.has(path)) await remove(path);
    for (const [path, trouble] of [...troubles]) if (!wanted.has(path) || isOver(path, trouble)) troubles.delete(path);
    for (const [path, name] of wanted) if (!open.has(path) && !stopped && isDue(path)) await add(path, name);
    const [trouble] = troubles.values();
    if (trouble !== undefined) tellState('failing', trouble.detail);
    else if (open.size > 0) tellState('working', remarked ?? aside);
    else tellState('absent', aside ?? words.none);
  }

  const isDue = (path: string): boolean => clock.monoMs() >= (troubles.get(path)?.retryMonoMs ?? 0);

  /** It may fail again at once, so how long it has been failing is forgotten only after a while of working. */
  const isOver = (path: string, { retryMonoMs }: Trouble): boolean => open.has(path) && clock.monoMs() >= retryMonoMs + LONGEST_RETRY_MS;

  async function add(path: string, name: string): Promise<void> {
    let device: HidDevice;
    try {
      device = await hid.HIDAsync.open(path);
    } catch {
      return inTrouble(path, words.notOpened);
    }
    onOpened(name);
    const watching = watch(device, name, {
      worked: () => troubles.delete(path),
      lost() {
        if (!open.has(path)) return;
        inTrouble(path, words.lost);
        void remove(path);
      },
    });
    open.set(path, {
      name,
      async stop() {
        await watching.stop();
        await device.close();
      },
    });
  }

  function inTrouble(path: string, detail: string): void {
    const waitMs = Math.min((troubles.get(path)?.waitMs ?? FIRST_RETRY_MS / 2) * 2, LONGEST_RETRY_MS);
    troubles.set(path, { detail, waitMs, retryMonoMs: clock.monoMs() + waitMs });
  }

  async function remove(path: string): Promise<void> {
    const device = open.get(path);
    if (device === undefined) return;
    open.delete(path);
    if (!stopped) onGone(device.name);
    await device.stop();
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
      await Promise.all(last.map((device) => device.stop()));
    },
    remark(detail) {
      remarked = detail;
      if (open.size > 0 && troubles.size === 0) tellState('working', detail);
    },
  };
}
