import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usbSerial, type SlotState } from '../../app/contract/device-host.ts';
import type { CommandOutcome, RunningSlots, SlotAdapter, SlotCommand, SlotEvent } from '../adapters.ts';
import type { HostClock } from '../clock.ts';

const SYSFS = '/sys/bus/usb/devices';
const POLL_MS = 250;
/** The first whole cart waits this long for serials, so that a start is not mistaken for tablets that lost theirs. */
const FIRST_SERIALS_MS = 1_000;

export interface UsbSlotsDeps {
  readonly clock: HostClock;
  /** USB port path of each slot as the kernel names it, such as `1-1.4.2`. */
  readonly ports: ReadonlyMap<number, string>;
  /** The kernel's folder of USB devices; tests put their own here. */
  readonly root?: string;
}

/** What a port held at the last look. `enumeration` changes whenever a device leaves and comes back, however quickly. */
type Docked = { readonly enumeration: string; readonly serial: string | undefined };

/**
 * Slots of a cart without lights and without port power: presence and serial from the kernel's own table of USB devices,
 * looked at every 250 ms. A tablet that left and returned between two looks is told as both.
 */
export function usbSlots({ clock, ports, root = SYSFS }: UsbSlotsDeps): SlotAdapter {
  return { name: 'usb', start: (sink) => startUsb({ clock, ports, root }, sink) };
}

function startUsb({ clock, ports, root }: Required<UsbSlotsDeps>, sink: (event: SlotEvent) => void): RunningSlots {
  const docked = new Map<number, Docked | undefined>();
  const reading = new Set<number>();
  let seeing = false;
  let settling = false;
  let stopped = false;
  let told = '';

  function tellState(state: 'working' | 'absent' | 'failing', detail?: string): void {
    if (told === `${state} ${detail ?? ''}`) return;
    told = `${state} ${detail ?? ''}`;
    sink({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) });
  }

  function stateOf(slot: number): SlotState {
    const now = docked.get(slot);
    return { slot, present: now !== undefined, ...(now?.serial === undefined ? {} : { serial: now.serial }) };
  }

  const whole = (): SlotState[] => [...ports.keys()].sort((a, b) => a - b).map(stateOf);
  const tellSlot = (slot: number): void => sink({ event: 'slot', ...stateOf(slot) });

  /** The number the kernel gave at enumeration; undefined when nothing is there. */
  function enumerationAt(port: string): string | undefined {
    try {
      return readFileSync(join(root, port, 'devnum'), 'utf8').trim();
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  /** Not awaited by the look: the kernel holds this file back while it resets the device, which takes seconds. */
  async function readSerial(slot: number, port: string, enumeration: string): Promise<void> {
    if (reading.has(slot)) return;
    reading.add(slot);
    try {
      const serial = usbSerial.safeParse((await readFile(join(root, port, 'serial'), 'utf8')).trim());
      // It may have been held back so long that another device is there by now.
      if (!serial.success || enumerationAt(port) !== enumeration) return;
      docked.set(slot, { enumeration, serial: serial.data });
      if (seeing) tellSlot(slot);
    } catch (error) {
      // A device may have no serial, or leave while it is asked: the next look finds out which.
      if (!isGone(error)) tellState('failing', `slot ${slot}: serial cannot be read: ${String(error)}`);
    } finally {
      reading.delete(slot);
    }
  }

  function look(): void {
    if (!existsSync(root)) {
      seeing = false;
      docked.clear();
      tellState('absent', `no USB bus on this machine (${root} does not exist)`);
      return;
    }
    const serials: Promise<void>[] = [];
    for (const [slot, port] of ports) {
      const before = docked.get(slot);
      const enumeration = enumerationAt(port);
      if (before?.enumeration !== enumeration) {
        docked.set(slot, undefined);
        if (seeing && before !== undefined) tellSlot(slot);
        if (enumeration !== undefined) {
          docked.set(slot, { enumeration, serial: undefined });
          if (seeing) tellSlot(slot);
        }
      }
      if (enumeration !== undefined && docked.get(slot)?.serial === undefined) serials.push(readSerial(slot, port, enumeration));
    }
    if (!seeing && !settling) settle(serials);
  }

  function settle(serials: readonly Promise<void>[]): void {
    settling = true;
    const enough = Promise.withResolvers<void>();
    const cancel = clock.after(FIRST_SERIALS_MS, enough.resolve);
    void Promise.race([Promise.all(serials), enough.promise]).then(() => {
      cancel();
      settling = false;
      if (stopped || !existsSync(root)) return;
      seeing = true;
      tellState('working');
      sink({ event: 'slots', slots: whole() });
    });
  }

  function guardedLook(): void {
    try {
      look();
    } catch (error) {
      seeing = false;
      docked.clear();
      tellState('failing', `the USB bus cannot be read: ${String(error)}`);
    }
  }

  function command({ command: asked, slot }: SlotCommand): Promise<CommandOutcome> {
    if (!ports.has(slot)) return Promise.resolve({ ok: false, reason: 'no-slot' });
    return Promise.resolve({ ok: false, reason: asked === 'light' ? 'no-light' : 'no-power-control' });
  }

  if (ports.size === 0) tellState('absent', 'no slot is mapped to a USB port: set `ports` in the configuration');
  else guardedLook();
  const stopLooking = ports.size === 0 ? () => {} : clock.every(POLL_MS, guardedLook);

  return {
    command,
    snapshot: () => (seeing ? whole() : undefined),
    stop() {
      stopLooking();
      stopped = true;
      seeing = false;
      return Promise.resolve();
    },
  };
}

function isGone(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOENT' || code === 'ENODEV' || code === 'ENXIO' || code === 'ENOTDIR';
}
