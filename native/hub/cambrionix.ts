import { z } from 'zod';
import type { AdapterState, CommandOutcome, HubAdapter, HubEvent, RunningHub, SlotCommand } from '../adapters.ts';
import type { HostClock } from '../clock.ts';
import { openUnit, type HubUnit } from './cambrionix-unit.ts';
import { connectHubApi, type HubApi } from './hub-api.ts';
import { readingTeller } from './reading-teller.ts';

const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;
/** Also keeps the units' handles alive, which the API drops after half a minute without a call. */
const LOOK_MS = 2_000;
/** However often the API says that something changed. */
const BETWEEN_LOOKS_MS = 1_000;
/** Below the host's own two seconds, so that the reason is ours. */
const COMMAND_DEADLINE_MS = 1_800;
const GOODBYE_MS = 500;
/** Named one per call, as the manual shows it; an API that knows one of them not is looked at all the same. */
const NOTIFICATIONS = ['discover-changed', 'dead-hub-changed', 'usb-changed', 'over-temperature', 'over-voltage', 'under-voltage'];
/** After these the units must be found anew. */
const UNITS_CHANGED: readonly string[] = ['discover-changed', 'dead-hub-changed'];

const FAILING: CommandOutcome = { ok: false, reason: 'adapter-failing' };
export const HUB_API_PORT = 43_424;

/** Where a slot's cable is: the hub's serial number as the vendor's software shows it, and the port's number on its housing. */
export interface HubPort {
  readonly unit: string;
  readonly port: number;
}
export interface CambrionixDeps {
  readonly clock: HostClock;
  readonly slots: ReadonlyMap<number, HubPort>;
  /** The vendor's service listens on this machine only. */
  readonly host?: string;
  readonly port?: number;
}

interface Session {
  readonly api: HubApi;
  units: ReadonlyMap<string, HubUnit>;
  connected: boolean;
}

/**
 * Hubs of Cambrionix through the vendor's Hub API: port power, lights where a hub has them, and what each port measures.
 * The connection is thrown away on anything odd and made anew with back-off (0.25–5 s); notifications are asked for again
 * then, because they belong to a connection. Lights are set again on a hub that comes back.
 */
export function cambrionixHub({ clock, slots, host = '127.0.0.1', port = HUB_API_PORT }: CambrionixDeps): HubAdapter {
  return { name: 'cambrionix', start: (sink) => startHub({ clock, slots, host, port }, sink) };
}

function startHub({ clock, slots, host, port }: Required<CambrionixDeps>, sink: (event: HubEvent) => void): RunningHub {
  const wanted = [...new Set([...slots.values()].map(({ unit }) => unit))];
  const readings = readingTeller(sink);
  /** What each slot's light is to show, for a hub that loses its power and returns. */
  const lights = new Map<number, Extract<SlotCommand, { command: 'light' }>['light']>();
  let session: Session | undefined;
  let retryMs = FIRST_RETRY_MS;
  let everWorked = false;
  let stopped = false;
  let looking = false;
  let lookedMs = -BETWEEN_LOOKS_MS;
  let dueMs: number | undefined;
  let told = '';
  let cancelRetry = () => {};
  let cancelLook = () => {};

  function tellState(state: AdapterState, detail?: string): void {
    const telling = `${state} ${detail ?? ''}`;
    if (telling === told || stopped) return;
    told = telling;
    sink({ event: 'adapter', state, ...(detail === undefined ? {} : { detail: detail.slice(0, 300) }) });
  }

  function connect(): void {
    const current: Session = { units: new Map(), connected: false, api: connectHubApi({ host, port, clock, onConnected, onNotification, onLost }) };
    session = current;

    function onConnected(): void {
      current.connected = true;
      void Promise.all(NOTIFICATIONS.map((name) => current.api.call('cbrx_notifications', [name])));
      lookSoon(0);
    }
    function onNotification(method: string): void {
      if (UNITS_CHANGED.includes(method)) current.units = new Map();
      lookSoon(0);
    }
    function onLost(reason: string): void {
      session = undefined;
      cancelLook();
      dueMs = undefined;
      const where = `the Cambrionix Hub API on ${host}:${port}`;
      if (everWorked || current.connected) tellState('failing', `${where} is lost: ${reason}. Port power, lights and measurements are back as soon as it answers; if it stays so, restart CambrionixApiService`);
      else tellState('absent', `${where} does not answer (${reason}): install the Cambrionix Hub API, or start its service, CambrionixApiService`);
      if (stopped) return;
      cancelRetry = clock.after(retryMs, connect);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
    }
  }

  /** Never delays a look that is due earlier. */
  function lookSoon(ms: number): void {
    const nowMs = clock.monoMs();
    const due = Math.max(nowMs + ms, lookedMs + BETWEEN_LOOKS_MS);
    if (stopped || (dueMs !== undefined && dueMs <= due)) return;
    cancelLook();
    dueMs = due;
    cancelLook = clock.after(due - nowMs, () => {
      dueMs = undefined;
      void look();
    });
  }

  async function look(): Promise<void> {
    const current = session;
    if (current === undefined || looking) return;
    looking = true;
    lookedMs = clock.monoMs();
    try {
      await findUnits(current);
      const nonsense: string[] = [];
      for (const [serial, unit] of current.units) if (!(await readUnit(current, serial, unit))) nonsense.push(serial);
      if (session === current) tellStanding(current, nonsense);
    } finally {
      looking = false;
    }
    // The session may have been lost meanwhile and another begun: it is the latest that is looked at again.
    if (session !== undefined) lookSoon(LOOK_MS);
  }

  async function findUnits(current: Session): Promise<void> {
    const missing = wanted.filter((serial) => !current.units.has(serial));
    if (missing.length === 0) return;
    const discovered = await current.api.call('cbrx_discover', ['local']);
    // Without any unit the API answers `false`.
    const serials = z.array(z.string()).catch([]).parse(discovered.ok ? discovered.result : []);
    for (const serial of missing.filter((wantedSerial) => serials.includes(wantedSerial))) {
      const unit = await reopened(current, serial);
      if (unit === undefined) continue;
      for (const [slot, light] of lights) {
        const at = slots.get(slot);
        if (at?.unit === serial) await unit.light(at.port, light);
      }
    }
  }

  /** False for nonsense. */
  async function readUnit(current: Session, serial: string, unit: HubUnit): Promise<boolean> {
    const read = await unit.read();
    if (session !== current || stopped) return true;
    if (read === 'nonsense') return false;
    if (read === 'gone') {
      dropUnit(current, serial, unit);
      return true;
    }
    const readMs = clock.monoMs();
    for (const [slot, at] of slots) {
      const reading = at.unit === serial ? read.get(at.port) : undefined;
      if (reading !== undefined) readings.tell(slot, reading, readMs);
    }
    return true;
  }

  function tellStanding(current: Session, nonsense: readonly string[]): void {
    const missing = wanted.filter((serial) => !current.units.has(serial));
    if (missing.length > 0) {
      const detail = `hub ${missing.join(', ')} is not seen by the Cambrionix Hub API: look at its power and its USB cable to the cart's computer, and that its serial number is the configured one`;
      return tellState(missing.length < wanted.length || everWorked ? 'failing' : 'absent', detail);
    }
    if (nonsense.length > 0) return tellState('failing', `hub ${nonsense.join(', ')}: what the Cambrionix Hub API tells of its ports cannot be understood: update CambrionixApiService`);
    everWorked = true;
    retryMs = FIRST_RETRY_MS;
    tellState('working');
  }

  /** Its handle is no longer good; the next look finds out whether the unit still is. */
  function dropUnit(current: Session, serial: string, unit: HubUnit): void {
    if (current.units.get(serial) !== unit) return;
    current.units = new Map([...current.units].filter(([other]) => other !== serial));
    lookSoon(0);
  }

  async function carryOut(command: SlotCommand, { unit: serial, port: number }: HubPort): Promise<CommandOutcome> {
    const current = session;
    if (current === undefined) return FAILING;
    const ask = (unit: HubUnit) => (command.command === 'light' ? unit.light(number, command.light) : unit.power(number, command.on));
    const known = current.units.get(serial);
    let outcome = known === undefined ? 'gone' : await ask(known);
    if (outcome === 'gone') {
      // A handle expires, and a command should not wait for the next look because of that.
      if (known !== undefined) dropUnit(current, serial, known);
      const unit = await reopened(current, serial);
      outcome = unit === undefined ? 'gone' : await ask(unit);
    }
    if (outcome === 'gone') return FAILING;
    if (command.command === 'port-power') lookSoon(0);
    return outcome;
  }

  async function reopened(current: Session, serial: string): Promise<HubUnit | undefined> {
    const unit = await openUnit(current.api, serial);
    if (unit !== undefined) current.units = new Map([...current.units, [serial, unit]]);
    return unit;
  }

  if (slots.size === 0) tellState('absent', 'no slot is mapped to a port of a Cambrionix hub: set `hub` in the configuration');
  else connect();

  return {
    command(command) {
      const at = slots.get(command.slot);
      if (at === undefined) return Promise.resolve({ ok: false, reason: 'no-slot' });
      if (command.command === 'light') lights.set(command.slot, command.light);
      return new Promise((resolve, reject) => {
        const cancel = clock.after(COMMAND_DEADLINE_MS, () => resolve(FAILING));
        carryOut(command, at).then(resolve, reject).finally(cancel);
      });
    },
    async stop() {
      stopped = true;
      cancelRetry();
      cancelLook();
      const last = session;
      session = undefined;
      if (last === undefined) return;
      const enough = Promise.withResolvers<void>();
      const cancel = clock.after(GOODBYE_MS, enough.resolve);
      // A connection closed before the answer may leave the last wish undone.
      await Promise.race([Promise.all([...last.units.values()].map((unit) => unit.release())), enough.promise]);
      cancel();
      last.api.close();
    },
  };
}
