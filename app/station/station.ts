import { hostMessage, type HostEvent } from '../contract/device-host.ts';
import { kioskRequest, type KioskCommand, type KioskRefusal, type Snapshot } from '../contract/kiosk.ts';
import type { NetworkEvent } from '../contract/network-event.ts';
import type { PolicyBundle } from '../contract/policy-bundle.ts';
import type { Transport } from '../contract/transport.ts';
import type { EntryDraft } from '../domain/entries.ts';
import { ok, unreachable, type Result } from '../domain/result.ts';
import { createAskHost } from './ask-host.ts';
import { createBadgeTrust } from './badge-trust.ts';
import { createBatteryCare } from './battery-care.ts';
import { createCyclePort } from './cycle-port.ts';
import type { StationDeps } from './deps.ts';
import { createLedgerKeyWatch } from './ledger-key.ts';
import { createLights } from './lights.ts';
import { createMailbox } from './mailbox.ts';
import { createNoteReadings } from './note-readings.ts';
import { createHeartbeat, createStepWatch, lastObserved } from './observe.ts';
import { createOvernight } from './overnight.ts';
import { createPresentations } from './presentations.ts';
import { createRecord } from './record.ts';
import { createScanLabel } from './scan-label.ts';
import { takeSnapshot } from './snapshot.ts';
import { createContext, emptyState } from './state.ts';
import { createTakeDevice } from './take-device.ts';
import { createTakeEvidence } from './take-evidence.ts';
import { noteUnsynced } from './unsynced.ts';
import { createWatchSlots } from './watch-slots.ts';

/** One cart. Everything enters through one mailbox; nothing is shown or lit before the ledger holds it. */
export interface Station {
  attachHost(transport: Transport): void;
  attachKiosk(transport: Transport): void;
  submit(event: NetworkEvent): void;
  snapshot(): Snapshot;
  /** Unix milliseconds that nobody at the cart can turn back (domain/trusted-time). */
  trustedMs(): number;
  settled(): Promise<void>;
  /** Stops the ticking; what was posted before is finished. */
  stop(): Promise<void>;
}

/** What the device host calls the adapters that see slots. */
const SLOT_ADAPTERS: ReadonlySet<string> = new Set(['usb', 'simulated-slots']);

/** While somebody is served the station notices time passing this often: offers lapse, claims run out. */
const BUSY_TICK_MS = 500;
/** While it has nothing to say. */
const QUIET_TICK_MS = 1_000;

export async function createStation(deps: StationDeps, knownBundle: PolicyBundle | undefined): Promise<Station> {
  const { clock, store } = deps;
  const state = emptyState(clock.wallMs());
  const context = createContext(deps, state);
  const record = createRecord(context);
  const mailbox = createMailbox(deps.onFailure);
  const observed = lastObserved(store, clock);
  state.anchor = observed?.anchor;
  const watchedUntilMs = observed?.bootId === clock.bootId ? observed.monoMs : undefined;

  const host = createAskHost(clock);
  const takeDevice = createTakeDevice(context, record, { ask: host.ask, caughtUp: () => caughtUp() });
  const watchSlots = createWatchSlots(context, record, watchedUntilMs);
  const batteries = createBatteryCare(context, record);
  const overnight = createOvernight(context, record, batteries.mayCharge);
  const ports = createCyclePort(context, host.ask, (task) => post(task), record);
  const takeEvidence = createTakeEvidence(context, record, overnight, ports.cycle);
  const heartbeat = createHeartbeat(context);
  const stepWatch = createStepWatch(clock);
  const ledgerKey = createLedgerKeyWatch(context);
  const scanLabel = createScanLabel(context, record);
  const presentations = createPresentations();
  const readings = createNoteReadings(context);
  const kiosks = new Set<Transport>();
  let attached: Transport | undefined;
  const lights = createLights(context, (slot, light) => void host.ask({ command: 'light', slot, light }));
  const badgeTrust = createBadgeTrust(context, (trust) => void host.ask({ command: 'badge-trust', trust }));
  let current = takeSnapshot(context, context.candidates(), 0, overnight);
  let currentText = '';
  const pendingTaps = new Set<string>();

  /** After every event: remember what the gate says of each docked device, show it, light it. */
  const publish = (): void => {
    badgeTrust.show();
    const judged = context.candidates();
    if (state.sight === 'watching') for (const { device, unproven } of judged) state.lastUnproven.set(device.serial, unproven.map(({ reason }) => reason));
    const next = takeSnapshot(context, judged, current.revision + 1, overnight);
    // Once a minute also when nothing else has changed: the page's clock goes by it.
    const text = JSON.stringify({ ...next, revision: 0, atMs: Math.floor(next.atMs / 60_000) });
    if (text === currentText) return;
    current = next;
    currentText = text;
    for (const kiosk of kiosks) kiosk.send({ snapshot: current });
    lights.show();
  };
  const post = (task: () => Promise<void>): void =>
    mailbox.post(async () => {
      await task();
      publish();
    });

  /** Whether the ledger holds all that happened: where it could not write, it is tried, and the slots are compared with it. */
  const caughtUp = async (): Promise<boolean> => {
    if (!state.unrecorded) return true;
    await record([], { meta: { probe: '1' } });
    if (state.ledgerFailing) return false;
    state.unrecorded = false;
    await watchSlots.reconcile();
    return !state.unrecorded;
  };

  const onHostEvent = async (event: HostEvent): Promise<void> => {
    switch (event.event) {
      case 'hello':
        badgeTrust.forget();
        presentations.forget();
        ports.resume();
        state.slotsFailing = event.adapters.some(({ name, state: standing }) => SLOT_ADAPTERS.has(name) && standing === 'failing');
        return;
      case 'adapter':
        if (!SLOT_ADAPTERS.has(event.name)) return;
        state.slotsFailing = event.state === 'failing';
        if (event.state === 'working') return;
        await watchSlots.lost(`${event.name} ${event.state}`);
        // One that sees after all answers at once; otherwise the whole cart comes when it sees again.
        void host.ask({ command: 'slots' });
        return;
      case 'heartbeat':
        return;
      case 'card-removed':
        return presentations.left(event.reader, event.monoMs);
      case 'reader':
        if (event.state === 'present') state.readers.add(event.reader);
        else {
          state.readers.delete(event.reader);
          presentations.left(event.reader, event.monoMs);
        }
        return;
      case 'tap':
        pendingTaps.delete(event.uid);
        return presentations.isNew(event) ? takeDevice.tapped(event) : undefined;
      case 'tap-unreadable':
        return takeDevice.unreadable(event.reader, event.cause);
      case 'label':
        return scanLabel(event.label);
      case 'slots':
        state.slotsFailing = false;
        await watchSlots.seenWhole(event.slots);
        lights.forget();
        return takeEvidence.pursue();
      case 'slot': {
        const { event: _event, monoMs: _monoMs, ...slot } = event;
        await watchSlots.changed(slot);
        return takeEvidence.pursue();
      }
      case 'hub':
        return watchSlots.hub(event.hub, event.state, event.slots);
      case 'port':
        return readings.port(event);
      case 'tablet':
        return readings.tablet(event);
      default:
        return unreachable(event);
    }
  };

  const onCommand = async (command: KioskCommand): Promise<Result<void, KioskRefusal>> => {
    switch (command.command) {
      case 'enter-pin':
        return takeDevice.enterPin(command.session, command.pin, post);
      case 'cancel':
        return takeDevice.cancel(command.session);
      case 'dismiss':
        state.notices = [];
        return ok(undefined);
      default:
        return unreachable(command);
    }
  };

  const onNetwork = async (event: NetworkEvent): Promise<void> => {
    switch (event.kind) {
      case 'statements':
        await takeEvidence.statements(event.statements, event.cursor);
        return takeEvidence.pursue();
      case 'bundle':
        await takeEvidence.bundle(event.bundle);
        await watchSlots.reconcile();
        return takeEvidence.pursue();
      case 'cosigned':
        state.anchor = { trustedMs: event.atMs, bootId: clock.bootId, monoMs: clock.monoMs() };
        return;
      case 'online':
        if (!state.online) state.onlineSinceMs = clock.wallMs();
        state.online = true;
        return;
      case 'offline':
        if (state.online) state.offlineSinceMs = clock.wallMs();
        state.online = false;
        return;
      default:
        return unreachable(event);
    }
  };

  const tick = async (): Promise<void> => {
    const stepped = stepWatch.step();
    if (stepped) await record([stepped]);
    await caughtUp();
    if (state.ledgerFailing) await record([], { meta: { probe: '1' } });
    await takeDevice.lapse();
    await watchSlots.lapse();
    await batteries.tick();
    await overnight.tick();
    await takeEvidence.pursue();
    await heartbeat.beat();
    await noteUnsynced(context);
    if (heartbeat.checkpointDue()) await store.checkpoint();
    await ledgerKey.tick();
  };

  if (knownBundle) takeEvidence.useBundle(knownBundle);
  const observedGap = watchedUntilMs === undefined ? {} : { observedGapMs: Math.max(0, clock.monoMs() - watchedUntilMs) };
  await record([{ type: 'station-started', body: { program: deps.program, ...observedGap } }, ...runOutMeanwhile(store, clock.wallMs())]);
  if (knownBundle) await takeEvidence.admitKnown(knownBundle);
  publish();
  let cancelTick = (): void => undefined;
  const schedule = (): void => {
    const isQuiet = current.message.kind === 'idle' && current.others.length === 0;
    cancelTick = clock.after(isQuiet ? QUIET_TICK_MS : BUSY_TICK_MS, () => {
      post(tick);
      schedule();
    });
  };
  schedule();

  return {
    attachHost: (transport) => {
      attached?.close();
      attached = transport;
      host.attach(transport);
      transport.onMessage((raw) => {
        const message = hostMessage.safeParse(raw);
        if (!message.success) {
          deps.log({ level: 'warn', what: 'the device host said something that is not in the contract; it is ignored', detail: message.error.message.slice(0, 300) });
          return;
        }
        const said = message.data;
        state.hostHeardMonoMs = clock.monoMs();
        if (!('event' in said)) return host.answered(said);
        // That it was heard is all it says: each second a snapshot for nothing would be a third of what an idle station costs.
        if (said.event === 'heartbeat') return;
        if (said.event === 'tap') {
          if (pendingTaps.has(said.uid)) return;
          pendingTaps.add(said.uid);
        }
        post(() => onHostEvent(said));
      });
      transport.onClose((cause) => {
        if (attached !== transport) return;
        attached = undefined;
        host.attach(undefined);
        post(async () => {
          state.readers.clear();
          await watchSlots.lost(cause);
        });
      });
    },
    attachKiosk: (transport) => {
      kiosks.add(transport);
      transport.onClose(() => kiosks.delete(transport));
      transport.send({ snapshot: current });
      transport.onMessage((raw) => {
        const request = kioskRequest.safeParse(raw);
        if (!request.success) {
          transport.send({ id: idOf(raw), ok: false, reason: 'malformed' });
          return;
        }
        const { id, request: command } = request.data;
        post(async () => {
          const done = await onCommand(command);
          transport.send(done.ok ? { id, ok: true } : { id, ok: false, reason: done.reason });
        });
      });
    },
    submit: (event) => post(() => onNetwork(event)),
    snapshot: () => current,
    trustedMs: () => context.trusted().ms,
    settled: () => mailbox.settled(),
    stop: async () => {
      cancelTick();
      attached?.close();
      for (const kiosk of kiosks) kiosk.close();
      await mailbox.settled();
      await ledgerKey.settled();
    },
  };
}

/** Offers that ran out while nobody could see whether they were pulled: a tablet that is gone now is nobody's. */
function runOutMeanwhile({ view }: StationDeps['store'], nowMs: number): readonly EntryDraft[] {
  return [...view.all('offer')]
    .filter(({ untilMs }) => untilMs <= nowMs)
    .map(({ serial, actor, slot, offer }) => ({ type: 'offer-lapsed', device: serial, actor, slot, body: { offer, cause: 'restart' } }));
}

function idOf(raw: unknown): number {
  return typeof raw === 'object' && raw !== null && 'id' in raw && Number.isSafeInteger(raw.id) && (raw.id as number) > 0 ? (raw.id as number) : 0;
}
