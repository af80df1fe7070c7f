import { randomUUID } from 'node:crypto';
import { hostEvent, hostRequest, type HostCommand, type HostEvent } from '../app/contract/device-host.ts';
import type { Transport } from '../app/contract/transport.ts';
import type { AdapterState, CommandOutcome, HostRefusal, HubAdapter, HubEvent, ReaderAdapter, ReaderEvent, RunningHub, RunningReaders, RunningSlots, SlotAdapter, SlotCommand, SlotEvent, TabletAdapter, TabletEvent } from './adapters.ts';
import type { HostClock } from './clock.ts';

/** Time an adapter has for a command before the host refuses in its place. */
const COMMAND_DEADLINE_MS = 2_000;
/** A card computes for seconds; the reader gives up on it before that. */
const CARD_DEADLINE_MS = 4_000;
/** How many taps back a PIN may be meant for; readers hold one card each. */
const TAPS_REMEMBERED = 16;
const HEARTBEAT_MS = 1_000;
const DETAIL_LIMIT = 300;
const LEFT_TO_SLOTS: readonly HostRefusal[] = ['no-light', 'no-power-control', 'no-slot'];

export interface DeviceHostDeps {
  readonly transport: Transport;
  readonly readers: readonly ReaderAdapter[];
  /** Absent on a cart without slots: the station is told an empty cart. */
  readonly slots?: SlotAdapter | undefined;
  /** What works lights and port power where the slot adapter only sees. */
  readonly hub?: HubAdapter | undefined;
  readonly tablets?: readonly TabletAdapter[];
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
  let hub: RunningHub | undefined;
  const running = new Map<string, RunningReaders>();
  /** Whose reader a tap came from, latest last. */
  const tapped = new Map<string, { readonly adapter: string; readonly reader: string; readonly uid: string }>();

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
          remember(`${run}-${taps}`, adapter.name, event);
          return tell({ ...event, tap: `${run}-${taps}` });
        default:
          return tell(event);
      }
    };
    const readers = adapter.start(fromAdapter(adapter.name, pass));
    running.set(adapter.name, readers);
    stops.push(() => readers.stop());
  }

  function remember(tap: string, adapter: string, { reader, uid }: Extract<ReaderEvent, { event: 'tap' }>): void {
    tapped.set(tap, { adapter, reader, uid });
    const [oldest] = tapped.keys();
    if (tapped.size > TAPS_REMEMBERED && oldest !== undefined) tapped.delete(oldest);
  }

  function startHub(adapter: HubAdapter): void {
    const started = adapter.start(fromAdapter(adapter.name, (event) => passOn(adapter.name, event)));
    hub = started;
    stops.push(() => started.stop());
  }

  function startTablets(adapter: TabletAdapter): void {
    const started = adapter.start(fromAdapter(adapter.name, (event) => passOn(adapter.name, event)));
    stops.push(() => started.stop());
  }

  function passOn(name: string, event: HubEvent | TabletEvent): boolean {
    if (event.event !== 'adapter') return tell(event);
    standing(name, event.state, event.detail);
    return true;
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
        case 'hub':
          // A change before the whole would be a change to nothing; the whole that follows contains it.
          return wholeSent ? tell(event) : true;
      }
    };
    const started = adapter.start(fromAdapter(adapter.name, pass));
    slots = started;
    stops.push(() => started.stop());
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

  /** `what` names the command for the log. */
  function withinDeadline(what: string, act: () => Promise<CommandOutcome>, deadlineMs = COMMAND_DEADLINE_MS): Promise<CommandOutcome> {
    return new Promise((resolve) => {
      const cancel = clock.after(deadlineMs, () => {
        log(`device host: ${what} was not answered in ${deadlineMs} ms`);
        resolve(refused('adapter-failing'));
      });
      // Called inside the chain, so that an adapter that throws at once is refused like one that rejects.
      Promise.resolve()
        .then(act)
        .then(resolve, (error: unknown) => {
          log(`device host: ${what} failed: ${String(error)}`);
          resolve(refused('adapter-failing'));
        })
        .finally(cancel);
    });
  }

  async function carriedOut(request: HostCommand): Promise<CommandOutcome> {
    switch (request.command) {
      case 'slots':
        return tellWhole() ? { ok: true } : refused('adapter-failing');
      case 'badge-trust':
        for (const readers of running.values()) readers.trust?.(request.trust);
        return { ok: true };
      case 'card-pin': {
        const card = tapped.get(request.tap);
        return card === undefined ? refused('card-gone') : withinDeadline('the PIN for a card', async () => (await running.get(card.adapter)?.cardPin?.(card.reader, card.uid, request.pin)) ?? refused('card-has-no-pin'), CARD_DEADLINE_MS);
      }
      default:
        return worked(request);
    }
  }

  /** A hub that cannot do it, or of which the slot is not, leaves it to what sees the slots. */
  async function worked(command: SlotCommand): Promise<CommandOutcome> {
    const what = `${command.command} for slot ${command.slot}`;
    const [byHub, bySlots] = [hub, slots];
    if (byHub !== undefined) {
      const outcome = await withinDeadline(what, () => byHub.command(command));
      if (outcome.ok || !LEFT_TO_SLOTS.includes(outcome.reason)) return outcome;
    }
    if (deps.slots === undefined) return refused('no-slot');
    return bySlots === undefined ? refused('adapter-failing') : withinDeadline(what, () => bySlots.command(command));
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
    const outcome = await carriedOut(request);
    inFlight.delete(id);
    transport.send({ id, ...outcome });
  }

  for (const adapter of deps.readers) startGuarded(adapter.name, () => startReader(adapter));
  for (const adapter of deps.tablets ?? []) startGuarded(adapter.name, () => startTablets(adapter));
  const hubAdapter = deps.hub;
  if (hubAdapter !== undefined) startGuarded(hubAdapter.name, () => startHub(hubAdapter));
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
