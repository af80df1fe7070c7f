import { randomUUID } from 'node:crypto';
import { hostEvent, hostRequest, type HostEvent } from '../app/contract/device-host.ts';
import type { Transport } from '../app/contract/transport.ts';
import type { AdapterState, CommandOutcome, HostRefusal, ReaderAdapter, ReaderEvent, RunningSlots, SlotAdapter, SlotCommand, SlotEvent } from './adapters.ts';
import type { HostClock } from './clock.ts';

/** Time an adapter has for a command before the host refuses in its place. */
const COMMAND_DEADLINE_MS = 2_000;
const HEARTBEAT_MS = 1_000;
const DETAIL_LIMIT = 300;

export interface DeviceHostDeps {
  readonly transport: Transport;
  readonly readers: readonly ReaderAdapter[];
  /** Absent on a cart without slots: the station is told an empty cart. */
  readonly slots?: SlotAdapter | undefined;
  readonly clock: HostClock;
  readonly version: string;
  /** One line for the people who mend carts; standard error unless told otherwise. */
  readonly log?: (line: string) => void;
}

type AdapterStanding = { readonly name: string; readonly state: AdapterState; readonly detail?: string };
type Unstamped<Event> = Event extends unknown ? Omit<Event, 'monoMs'> : never;

/**
 * Merges the adapters into one stream of host events: `hello`, the whole cart, then changes and heartbeats.
 * Every well-formed request gets exactly one reply; an adapter that throws, lies or hangs costs only itself.
 * Ends by `stop` or when the transport closes.
 */
export function createDeviceHost(deps: DeviceHostDeps): { stop(): Promise<void> } {
  const { transport, clock } = deps;
  const log = deps.log ?? ((line: string) => process.stderr.write(`${line}\n`));
  const run = randomUUID().slice(0, 8);
  const standings = new Map<string, AdapterStanding>();
  const stops: (() => Promise<void>)[] = [];
  const inFlight = new Set<number>();
  const early: (() => void)[] = [];
  let taps = 0;
  let greeted = false;
  let wholeSent = false;
  let slots: RunningSlots | undefined;

  function tell(event: Unstamped<HostEvent>): boolean {
    const stamped = hostEvent.safeParse({ ...event, monoMs: clock.monoMs() });
    if (stamped.success) transport.send(stamped.data);
    else log(`device host: an event was not sent because it breaks the contract: ${event.event}: ${stamped.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`);
    return stamped.success;
  }

  function standing(name: string, state: AdapterState, detail?: string): void {
    const now: AdapterStanding = { name, state, ...(detail === undefined ? {} : { detail: detail.slice(0, DETAIL_LIMIT) }) };
    standings.set(name, now);
    if (greeted) tell({ event: 'adapter', ...now });
  }

  /** Nothing may overtake `hello` and the whole cart, so what adapters tell while they start waits; their standing goes into `hello`. */
  function fromAdapter<Event extends { readonly event: string }>(name: string, pass: (event: Event) => boolean): (event: Event) => void {
    const take = (event: Event) => {
      if (!pass(event)) standing(name, 'failing', `${name} told something malformed (${event.event}); see the device host's log`);
    };
    return (event) => {
      if (greeted || event.event === 'adapter') take(event);
      else early.push(() => take(event));
    };
  }

  function startReader(adapter: ReaderAdapter): void {
    const pass = (event: ReaderEvent): boolean => {
      switch (event.event) {
        case 'adapter':
          standing(adapter.name, event.state, event.detail);
          return true;
        case 'tap':
          taps += 1;
          return tell({ ...event, tap: `${run}-${taps}` });
        default:
          return tell(event);
      }
    };
    const running = adapter.start(fromAdapter(adapter.name, pass));
    stops.push(() => running.stop());
  }

  function startSlots(adapter: SlotAdapter): void {
    const pass = (event: SlotEvent): boolean => {
      switch (event.event) {
        case 'adapter':
          standing(adapter.name, event.state, event.detail);
          return true;
        case 'slots':
          if (!tell(event)) return false;
          wholeSent = true;
          return true;
        case 'slot':
          // A change before the whole would be a change to nothing; the whole that follows contains it.
          return wholeSent ? tell(event) : true;
      }
    };
    const running = adapter.start(fromAdapter(adapter.name, pass));
    slots = running;
    stops.push(() => running.stop());
  }

  function startGuarded(name: string, start: () => void): void {
    standings.set(name, { name, state: 'absent', detail: 'starting' });
    try {
      start();
    } catch (error) {
      standing(name, 'failing', `${name} could not start: ${String(error)}`);
      log(`device host: ${name} could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    }
  }

  function tellWhole(): boolean {
    const seen = deps.slots === undefined ? [] : slots?.snapshot();
    if (seen === undefined) return false;
    wholeSent = tell({ event: 'slots', slots: [...seen] }) || wholeSent;
    return wholeSent;
  }

  function refused(reason: HostRefusal): CommandOutcome {
    return { ok: false, reason };
  }

  function withinDeadline(command: SlotCommand, running: RunningSlots): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const cancel = clock.after(COMMAND_DEADLINE_MS, () => {
        log(`device host: ${command.command} for slot ${command.slot} was not answered in ${COMMAND_DEADLINE_MS} ms`);
        resolve(refused('adapter-failing'));
      });
      // Called inside the chain, so that an adapter that throws at once is refused like one that rejects.
      Promise.resolve()
        .then(() => running.command(command))
        .then(resolve, (error: unknown) => {
          log(`device host: ${command.command} for slot ${command.slot} failed: ${String(error)}`);
          resolve(refused('adapter-failing'));
        })
        .finally(cancel);
    });
  }

  async function answer(message: unknown): Promise<void> {
    const parsed = hostRequest.safeParse(message);
    if (!parsed.success) {
      log(`device host: a malformed request was ignored: ${parsed.error.issues.map((issue) => `${issue.path.join('.')} ${issue.message}`).join('; ')}`);
      return;
    }
    const { id, request } = parsed.data;
    if (inFlight.has(id)) {
      log(`device host: request ${id} came twice while it was being answered; the second was ignored`);
      return;
    }
    inFlight.add(id);
    let outcome: CommandOutcome;
    if (request.command === 'slots') outcome = tellWhole() ? { ok: true } : refused('adapter-failing');
    else if (deps.slots === undefined) outcome = refused('no-slot');
    else outcome = slots === undefined ? refused('adapter-failing') : await withinDeadline(request, slots);
    inFlight.delete(id);
    transport.send({ id, ...outcome });
  }

  for (const adapter of deps.readers) startGuarded(adapter.name, () => startReader(adapter));
  const slotAdapter = deps.slots;
  if (slotAdapter !== undefined) startGuarded(slotAdapter.name, () => startSlots(slotAdapter));

  tell({ event: 'hello', version: deps.version, pid: process.pid, adapters: [...standings.values()] });
  tellWhole();
  greeted = true;
  for (const take of early.splice(0)) take();

  const stopHeartbeat = clock.every(HEARTBEAT_MS, () => tell({ event: 'heartbeat' }));
  const stopListening = transport.onMessage((message) => void answer(message));

  let stopped: Promise<void> | undefined;
  function stop(): Promise<void> {
    stopped ??= (async () => {
      stopHeartbeat();
      stopListening();
      const ends = await Promise.allSettled(stops.map((end) => end()));
      for (const end of ends) if (end.status === 'rejected') log(`device host: an adapter did not stop cleanly: ${String(end.reason)}`);
      transport.close();
    })();
    return stopped;
  }
  transport.onClose(() => void stop());
  return { stop };
}
