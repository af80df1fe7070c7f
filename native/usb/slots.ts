import { existsSync } from 'node:fs';
import type { SlotState } from '../../app/contract/device-host.ts';
import type { CommandOutcome, RunningSlots, SlotAdapter, SlotCommand, SlotEvent } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import { enumerationAt, isHub, portsInUse, serialAt, USB_DEVICES } from './bus.ts';
import { flapping } from './flapping.ts';
import { loadUsbEvents, type UsbEvents } from './hotplug.ts';
import { hubLosses, hubsAbove, type HubChange } from './hub-losses.ts';
import { lookOnNews } from './look-on-news.ts';

/** The first whole cart waits this long for serials, so that a start is not mistaken for tablets that lost theirs. */
const FIRST_SERIALS_MS = 1_000;
/** After a boot hubs take seconds to come up. A slot whose hub is not there yet is not empty, it is unseen. */
const FIRST_HUBS_MS = 10_000;
/**
 * The kernel takes away what hangs on a dying hub before the hub itself. So a departure is told this much later than it is seen;
 * once a second one follows it, a hub may be dying, and both wait until no more have followed for longer, up to a limit.
 */
const HOLD_MS = 8;
const HOLD_SEVERAL_MS = 40;
const LONGEST_HOLD_MS = 250;

export interface UsbSlotsDeps {
  readonly clock: HostClock;
  /** USB port path of each slot as the kernel names it, such as `1-1.4.2`. */
  readonly ports: ReadonlyMap<number, string>;
  /** The kernel's folder of USB devices; tests put their own here. */
  readonly root?: string;
  /** Where news of changes comes from; without it the bus is looked at every 250 ms. */
  readonly events?: () => UsbEvents;
}

/** What a port held when its slot was last told. */
type Docked = { readonly enumeration: string; readonly serial: string | undefined };

/**
 * Slots of a cart without lights and without port power: presence and serial from the kernel's own table of USB devices,
 * looked at whenever the kernel says that something changed, and from time to time. A tablet that left and returned between
 * two looks is told as both; a hub that dies is told before the slots it takes with it.
 */
export function usbSlots({ clock, ports, root = USB_DEVICES, events = loadUsbEvents }: UsbSlotsDeps): SlotAdapter {
  return { name: 'usb', start: (sink) => startUsb({ clock, ports, root, events }, sink) };
}

function startUsb({ clock, ports, root, events }: Required<UsbSlotsDeps>, sink: (event: SlotEvent) => void): RunningSlots {
  const docked = new Map<number, Docked | undefined>();
  const reading = new Map<number, Promise<void>>();
  /** When the departure of a tablet was seen that is still told as present. */
  const leaving = new Map<number, number>();
  /** Why the serial of what is in a slot cannot be read. */
  const unreadable = new Map<number, string>();
  let hubs = hubLosses(ports);
  let missingHubs: readonly string[] = [];
  let soughtSinceMs = clock.monoMs();
  let flaps = flapping();
  let seeing = false;
  let settling = false;
  let stopped = false;
  let told = '';
  let cancelHold = () => {};

  function tellState(state: 'working' | 'absent' | 'failing', detail?: string): void {
    if (told === `${state} ${detail ?? ''}`) return;
    told = `${state} ${detail ?? ''}`;
    sink({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) });
  }

  function tellStanding(): void {
    const [trouble] = unreadable.values();
    if (trouble === undefined) tellState('working', missingHubs.length === 0 ? flaps.detail(clock.monoMs()) : absentHubs());
    else tellState('failing', trouble);
  }

  function stateOf(slot: number): SlotState {
    const now = docked.get(slot);
    if (now === undefined) return { slot, present: false };
    return { slot, present: true, attachment: now.enumeration, ...(now.serial === undefined ? {} : { serial: now.serial }) };
  }

  const whole = (): SlotState[] => [...ports.keys()].sort((a, b) => a - b).map(stateOf);
  const tellSlot = (slot: number): void => sink({ event: 'slot', ...stateOf(slot) });

  function forget(): void {
    seeing = false;
    docked.clear();
    leaving.clear();
    unreadable.clear();
    cancelHold();
    hubs = hubLosses(ports);
    soughtSinceMs = clock.monoMs();
    flaps = flapping();
  }

  const hubsNotThere = (): string[] => [...new Set([...ports.values()].flatMap((port) => hubsAbove(port).slice(-1)))].filter((hub) => enumerationAt(root, hub) === undefined).sort();

  /** In words for who stands before the cart: which slots cannot be seen, and where a hub is that no slot is mapped to. */
  function absentHubs(): string {
    const parts = missingHubs.map((hub) => `${hub} (slots ${[...ports].filter(([, port]) => hubsAbove(port).at(-1) === hub).map(([slot]) => slot).sort((a, b) => a - b).join(', ')})`);
    const unmapped = portsInUse(root).filter((port) => isHub(root, port) && ![...ports.values()].some((mapped) => hubsAbove(mapped).includes(port)));
    const elsewhere = unmapped.length === 0 ? '' : `, and one that no slot is mapped to at ${unmapped.join(', ')}: if the cable was moved, put it back or learn the map anew (doctor --learn)`;
    return `no hub is connected at ${parts.join(' and ')}: look at its cable and its power${elsewhere}`;
  }

  /** Whether what is missing from the slots may be told as missing. With none of its hubs the cart is not empty, it is somewhere else. */
  function hubsAreUp(): boolean {
    missingHubs = hubsNotThere();
    if (missingHubs.length === 0) return true;
    const some = [...ports.values()].some((port) => !missingHubs.includes(hubsAbove(port).at(-1) ?? ''));
    if (some && clock.monoMs() - soughtSinceMs >= FIRST_HUBS_MS) return true;
    tellState('failing', absentHubs());
    return false;
  }

  /** Not awaited by the look: the kernel may hold the serial back for seconds. */
  function readSerial(slot: number, port: string, enumeration: string): Promise<void> {
    const under = reading.get(slot) ?? readSerialOnce(slot, port, enumeration).finally(() => reading.delete(slot));
    reading.set(slot, under);
    return under;
  }

  async function readSerialOnce(slot: number, port: string, enumeration: string): Promise<void> {
    try {
      const serial = await serialAt(root, port);
      unreadable.delete(slot);
      // It may have been held back so long that another device is there by now.
      if (serial === undefined || stopped || docked.get(slot)?.enumeration !== enumeration || enumerationAt(root, port) !== enumeration) return;
      docked.set(slot, { enumeration, serial });
      if (seeing) tellSlot(slot);
    } catch (error) {
      if (stopped || docked.get(slot)?.enumeration !== enumeration) return;
      unreadable.set(slot, `slot ${slot}: the tablet's serial cannot be read, so it is not known which one it is: ${String(error)}`);
      if (seeing) tellStanding();
    }
  }

  /** True when something had changed since the last look. */
  function look(): boolean {
    if (!existsSync(root)) {
      const wasSeeing = seeing;
      forget();
      tellState('absent', `no USB bus on this machine (${root} does not exist)`);
      return wasSeeing;
    }
    const nowMs = clock.monoMs();
    const enumerations = new Map([...ports].map(([slot, port]) => [slot, enumerationAt(root, port)]));
    // Hubs after slots: a hub that is still there now was there for every slot that has been looked at.
    const hubChanges = hubs.look((hub) => enumerationAt(root, hub), nowMs);
    const cutOff = tellHubs(hubChanges);
    let changed = hubChanges.length > 0;
    const seenAt = (slot: number) => (hubs.isCutOff(slot) ? undefined : enumerations.get(slot));
    for (const slot of ports.keys()) {
      const [before, now] = [docked.get(slot), seenAt(slot)];
      if (leaving.has(slot) ? !cutOff.has(slot) : before?.enumeration === now) continue;
      changed = true;
      if (seeing && before !== undefined && !cutOff.has(slot) && !hubs.isCutOff(slot) && hubs.sharesHub(slot)) leaving.set(slot, nowMs);
      else change(slot, now, nowMs);
    }
    tellDepartures(seenAt, nowMs);
    const serials = [...ports].flatMap(([slot, port]) => {
      const here = docked.get(slot);
      return here === undefined || here.serial !== undefined || leaving.has(slot) ? [] : [readSerial(slot, port, here.enumeration)];
    });
    if (!seeing && !settling && hubsAreUp()) settle(serials);
    if (seeing) {
      missingHubs = missingHubs.length === 0 ? [] : hubsNotThere();
      tellStanding();
    }
    return changed;
  }

  /** Tells the slot as it is now; a tablet swapped for another, or for itself, as gone and come. */
  function change(slot: number, enumeration: string | undefined, nowMs: number): void {
    leaving.delete(slot);
    const steps = docked.get(slot) === undefined ? [enumeration] : [undefined, enumeration];
    for (const step of steps) {
      if (step === undefined && docked.get(slot) === undefined) continue;
      unreadable.delete(slot);
      docked.set(slot, step === undefined ? undefined : { enumeration: step, serial: undefined });
      if (!seeing) continue;
      flaps.changed(slot, nowMs);
      tellSlot(slot);
    }
  }

  /** Returns the slots that went with them. */
  function tellHubs(changes: readonly HubChange[]): ReadonlySet<number> {
    if (seeing) for (const { hub, state, slots } of changes) sink({ event: 'hub', hub, state, slots: [...slots] });
    return new Set(changes.flatMap(({ slots }) => slots));
  }

  function tellDepartures(seenAt: (slot: number) => string | undefined, nowMs: number): void {
    cancelHold();
    const departed = [...leaving.values(), ...hubs.missedMs()];
    if (departed.length === 0) return;
    const due = Math.min(Math.max(...departed) + (departed.length > 1 ? HOLD_SEVERAL_MS : HOLD_MS), Math.min(...departed) + LONGEST_HOLD_MS);
    if (nowMs < due) {
      cancelHold = clock.after(due - nowMs, guardedLook);
      return;
    }
    tellHubs(hubs.settle());
    for (const slot of [...leaving.keys()]) change(slot, seenAt(slot), nowMs);
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
      tellStanding();
      sink({ event: 'slots', slots: whole() });
    });
  }

  function guardedLook(): boolean {
    if (stopped) return false;
    try {
      return look();
    } catch (error) {
      forget();
      tellState('failing', `the USB bus cannot be read: ${String(error)}`);
      return false;
    }
  }

  function command({ command: asked, slot }: SlotCommand): Promise<CommandOutcome> {
    if (!ports.has(slot)) return Promise.resolve({ ok: false, reason: 'no-slot' });
    return Promise.resolve({ ok: false, reason: asked === 'light' ? 'no-light' : 'no-power-control' });
  }

  if (ports.size === 0) {
    tellState('absent', 'no slot is mapped to a USB port: set `ports` in the configuration');
    return { command, snapshot: () => undefined, stop: () => Promise.resolve() };
  }
  const watch = lookOnNews({ clock, events, look: guardedLook });

  return {
    command,
    snapshot: () => (seeing ? whole() : undefined),
    stop() {
      stopped = true;
      seeing = false;
      cancelHold();
      return watch.stop();
    },
  };
}
