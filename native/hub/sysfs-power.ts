import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AdapterState, CommandOutcome, HubAdapter, HubEvent, RunningHub } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import { readingTeller } from './reading-teller.ts';

const USB_DEVICES = '/sys/bus/usb/devices';
/** Reading a port's switch wakes its hub, so it is not done more often than the station needs it told. */
const LOOK_MS = 50_000;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;

/** What a person adds, so that the host may switch ports; the kernel makes these files root's own each time a hub is plugged in. */
const UDEV_RULE = 'SUBSYSTEM=="usb", DRIVER=="hub", RUN+="/bin/sh -c \'chgrp -f dockward $sys$devpath/*-port*/disable; chmod -f 660 $sys$devpath/*-port*/disable\'"';

export interface SysfsPowerDeps {
  readonly clock: HostClock;
  /** USB port path of each slot as the kernel names it, such as `1-1.4.2`. */
  readonly ports: ReadonlyMap<number, string>;
  /** The kernel's folder of USB devices; tests put their own here. */
  readonly root?: string;
}

type Switch = 'on' | 'off' | 'missing' | 'forbidden' | { readonly trouble: string };

/**
 * Port power through the kernel's own switch for each port of a hub, for hubs that obey it; no lights, no measurements. Whether
 * the hub really cuts the current only it knows: `power` is what the kernel asked of it.
 */
export function sysfsPower({ clock, ports, root = USB_DEVICES }: SysfsPowerDeps): HubAdapter {
  return { name: 'port-power', start: (sink) => startPower({ clock, ports, root }, sink) };
}

/** The folder of a port below its hub's interface: `1-1.4:1.0/1-1.4-port2` for `1-1.4.2`, `1-0:1.0/usb1-port3` for `1-3`. */
export function portFolder(port: string): string {
  const cut = port.lastIndexOf('.');
  const [bus = '', number = ''] = port.split('-');
  return cut < 0 ? join(`${bus}-0:1.0`, `usb${bus}-port${number}`) : join(`${port.slice(0, cut)}:1.0`, `${port.slice(0, cut)}-port${port.slice(cut + 1)}`);
}

function startPower({ clock, ports, root }: Required<SysfsPowerDeps>, sink: (event: HubEvent) => void): RunningHub {
  const readings = readingTeller(sink);
  const seen = new Map<number, { readonly state: Switch; readonly monoMs: number }>();
  /** One at a time for each slot: a hub that hangs holds the file back, and must not use up all threads. */
  const busy = new Set<number>();
  let retryMs = FIRST_RETRY_MS;
  let stopped = false;
  let told = '';
  let cancelLook = () => {};

  function tellState(state: AdapterState, detail?: string): void {
    const telling = `${state} ${detail ?? ''}`;
    if (telling === told || stopped) return;
    told = telling;
    sink({ event: 'adapter', state, ...(detail === undefined ? {} : { detail: detail.slice(0, 300) }) });
  }

  async function look(): Promise<void> {
    await Promise.all([...ports].map(([slot, port]) => lookAt(slot, port)));
    if (stopped) return;
    const healthy = tellStanding();
    retryMs = healthy ? FIRST_RETRY_MS : Math.min(retryMs * 2, LONGEST_RETRY_MS);
    cancelLook = clock.after(healthy ? LOOK_MS : retryMs, () => void look());
  }

  async function lookAt(slot: number, port: string): Promise<void> {
    const last = seen.get(slot);
    if (last !== undefined && (last.state === 'on' || last.state === 'off') && clock.monoMs() - last.monoMs < LOOK_MS) return;
    const state = await once(slot, () => switchAt(root, port));
    seen.set(slot, { state, monoMs: clock.monoMs() });
    if (!stopped && (state === 'on' || state === 'off')) tellPower(slot, state === 'on');
  }

  function tellPower(slot: number, on: boolean): void {
    readings.tell(slot, { power: on ? 'sync' : 'off' }, clock.monoMs());
  }

  /** False while it is worth looking again soon. */
  function tellStanding(): boolean {
    const states = [...seen.values()].map(({ state }) => state);
    const named = (wanted: (state: Switch) => boolean) => [...seen].filter(([, { state }]) => wanted(state)).map(([slot]) => slot).sort((a, b) => a - b).join(', ');
    const [forbidden, missing] = [named((state) => state === 'forbidden'), named((state) => state === 'missing')];
    const troubles = states.flatMap((state) => (typeof state === 'object' ? [state.trouble] : []));
    if (forbidden !== '') tellState('failing', forbiddenDetail(forbidden));
    else if (troubles[0] !== undefined) tellState('failing', `port power: slot ${named((state) => typeof state === 'object')}: ${troubles[0]}`);
    else if (states.every((state) => state === 'missing')) tellState('absent', 'no hub of this cart can switch its ports, or none is plugged in: power-cycling a slot means unplugging it by hand');
    else tellState('working', missing === '' ? undefined : `slot ${missing}: its hub cannot switch this port, or is not plugged in`);
    return forbidden === '' && troubles.length === 0 && missing === '';
  }

  async function once(slot: number, act: () => Promise<Switch>): Promise<Switch> {
    if (busy.has(slot)) return { trouble: 'the hub does not answer' };
    busy.add(slot);
    try {
      return await act();
    } finally {
      busy.delete(slot);
    }
  }

  async function setPower(slot: number, port: string, on: boolean): Promise<CommandOutcome> {
    const state = await once(slot, () => switchTo(root, port, on));
    if (state === 'missing') return { ok: false, reason: 'no-power-control' };
    if (state === 'forbidden') tellState('failing', forbiddenDetail(String(slot)));
    else if (typeof state === 'object') tellState('failing', `port power: slot ${slot}: ${state.trouble}`);
    else {
      tellPower(slot, on);
      return { ok: true };
    }
    return { ok: false, reason: 'adapter-failing' };
  }

  if (ports.size === 0) tellState('absent', 'no slot is mapped to a USB port: set `ports` in the configuration');
  else void look();

  return {
    command(command) {
      const port = ports.get(command.slot);
      if (port === undefined) return Promise.resolve({ ok: false, reason: 'no-slot' });
      if (command.command === 'light') return Promise.resolve({ ok: false, reason: 'no-light' });
      return setPower(command.slot, port, command.on);
    },
    stop() {
      stopped = true;
      cancelLook();
      return Promise.resolve();
    },
  };
}

function forbiddenDetail(slots: string): string {
  return `no right to switch the port of slot ${slots}: add the udev rule ${UDEV_RULE} and plug the hub in again`;
}

async function switchAt(root: string, port: string): Promise<Switch> {
  const file = join(root, portFolder(port), 'disable');
  return asSwitch(async () => {
    const state = (await readFile(file, 'utf8')).trim() === '1' ? 'off' : 'on';
    // Opened to write, and nothing written: the only sure way to know the right to.
    await (await open(file, 'r+')).close();
    return state;
  });
}

/** A USB 3 port is two ports to the kernel, one for each speed, and keeps its power while either of them wants it. */
async function switchTo(root: string, port: string, on: boolean): Promise<Switch> {
  const folder = join(root, portFolder(port));
  const wanted = on ? '0' : '1';
  return asSwitch(async () => {
    await writeFile(join(folder, 'disable'), wanted, { flag: 'r+' });
    await writeFile(join(folder, 'peer', 'disable'), wanted, { flag: 'r+' }).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
    return on ? 'on' : 'off';
  });
}

async function asSwitch(act: () => Promise<Switch>): Promise<Switch> {
  try {
    return await act();
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing';
    if (code === 'EACCES' || code === 'EPERM') return 'forbidden';
    return { trouble: error instanceof Error ? error.message : String(error) };
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
