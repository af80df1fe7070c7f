import type { HostEvent, PortReading, TabletFacts } from '../contract/device-host.ts';
import type { KioskMessage } from '../contract/kiosk.ts';
import type { PolicyBundle, StaffMember } from '../contract/policy-bundle.ts';
import type { BadgeMove } from '../contract/secrets.ts';
import { chooseDevice, candidates, type Candidate, type CartNow } from '../domain/choose-device.ts';
import type { LiveSlot } from '../domain/release-gate.ts';
import { ladderRow, type LadderRow } from '../domain/staleness.ts';
import type { UnprovenReason } from '../domain/terms.ts';
import { trustedTime, type TimeAnchor, type TrustedTime } from '../domain/trusted-time.ts';
import type { StationDeps } from './deps.ts';

type TabletEvent = Extract<HostEvent, { event: 'tablet' }>;

/** What one slot shows now; nothing of it outlives the process. */
export interface SlotNow {
  readonly slot: number;
  readonly present: boolean;
  readonly serial?: string;
  readonly attachment?: string;
  readonly battery?: { readonly percent: number; readonly atMonoMs: number };
  /** Monotonic time since when it has shown this. */
  readonly sinceMonoMs: number;
  /** Monotonic time since when it is present without a serial. */
  readonly unreadableSinceMs?: number;
  readonly unreadableRecorded?: boolean;
}

/** A person at the PIN pad; the first in line has the screen. */
export interface PinSession {
  readonly session: string;
  readonly person: StaffMember;
  readonly untilMs: number;
  readonly wrong: boolean;
  readonly checking: boolean;
  readonly assurance: 'uid' | 'crypto';
  readonly reader: string;
  /** The PIN is the card's own: it is for the card of this tap, which must stay where it is. */
  readonly card?: { readonly tap: string };
  /** The badge is known by an older badge key; told once the PIN is right. */
  readonly move?: BadgeMove | undefined;
}

/** Something said for a while. */
export interface Notice {
  readonly message: KioskMessage;
  readonly atMs: number;
  readonly untilMs: number;
}

/** Everything the station knows that is not in the ledger: what it sees, who stands before it, what it last heard. */
export interface StationState {
  readonly slots: Map<number, SlotNow>;
  pins: PinSession[];
  notices: Notice[];
  /** When somebody's offer was last shown or asked about again, by actor: each has at most one, and the map as many as there are staff. */
  readonly offerShownMs: Map<string, number>;
  /** What the gate missed of a device when it was last seen docked, by serial: judged at its removal. */
  readonly lastUnproven: Map<string, readonly UnprovenReason[]>;
  readonly refusals: Map<string, { count: number; sinceMs: number; reader: string }>;
  bundle: PolicyBundle | undefined;
  staffByHmac: Map<string, StaffMember>;
  staffByActor: Map<string, StaffMember>;
  anchor: TimeAnchor | undefined;
  /** Undefined until the host has told of the slots; then the moment the sight was lost, or `watching`. */
  sight: 'none' | 'watching' | { readonly lostMonoMs: number };
  readonly readers: Set<string>;
  /** What the hub measured last, by slot. */
  readonly ports: Map<number, { readonly reading: PortReading; readonly readMonoMs: number }>;
  /** What tablets told of themselves last, by USB serial; `readMonoMs` is of the facts. */
  readonly tablets: Map<string, { readonly source: TabletEvent['source']; readonly standing: TabletEvent['standing']; readonly facts: TabletFacts; readonly readMonoMs: number }>;
  /** The slots' adapter says that it cannot see. */
  slotsFailing: boolean;
  /** When the device host last said anything: what it watched ends there, however late its death is noticed. */
  hostHeardMonoMs: number;
  online: boolean;
  onlineSinceMs: number;
  offlineSinceMs: number;
  ledgerFailing: boolean;
  /** Something that happened could not be recorded: the slots must be compared with the ledger once it can write. */
  unrecorded: boolean;
  /** Monotonic time since when the ledger has a gap that it does not tell of yet. */
  unrecordedSinceMs: number | undefined;
  /** The first entry that the server has not cosigned: its place, and the station's clock when it was written. */
  unsynced: { readonly seq: number; readonly atMs: number } | undefined;
  /** Digest of the bundle that was last refused. */
  refusedBundle: string | undefined;
}

export function emptyState(wallMs: number): StationState {
  return {
    slots: new Map(),
    pins: [],
    notices: [],
    offerShownMs: new Map(),
    lastUnproven: new Map(),
    refusals: new Map(),
    bundle: undefined,
    staffByHmac: new Map(),
    staffByActor: new Map(),
    anchor: undefined,
    sight: 'none',
    readers: new Set(),
    ports: new Map(),
    tablets: new Map(),
    slotsFailing: false,
    hostHeardMonoMs: 0,
    online: false,
    onlineSinceMs: wallMs,
    offlineSinceMs: wallMs,
    ledgerFailing: false,
    unrecorded: false,
    unrecordedSinceMs: undefined,
    unsynced: undefined,
    refusedBundle: undefined,
  };
}

/** The state and the ports as the rules want them read. */
export interface StationContext {
  readonly deps: StationDeps;
  readonly state: StationState;
  trusted(): TrustedTime;
  ladder(): LadderRow;
  /** Live slots; empty of serials while the device host does not watch. */
  liveSlots(): readonly LiveSlot[];
  candidates(): readonly Candidate[];
  choose(wards: readonly string[]): Candidate | undefined;
  nameOf(actor: string): string;
}

/** What was measured so shortly before the cart saw the tablet arrive is of this visit: adapters do not look at one moment. */
const BEFORE_ARRIVAL_MS = 2_000;

/** The newest of what slot adapter, hub and tablet say of its charge since it came. */
export function chargeOf(state: StationState, { slot, serial, battery, sinceMonoMs }: SlotNow): SlotNow['battery'] {
  const port = state.ports.get(slot);
  const tablet = serial === undefined ? undefined : state.tablets.get(serial);
  const said = [battery, port && { percent: port.reading.batteryPercent, atMonoMs: port.readMonoMs }, tablet && { percent: tablet.facts.batteryPercent, atMonoMs: tablet.readMonoMs }];
  return said.reduce<SlotNow['battery']>((newest, each) => {
    if (each?.percent === undefined || each.atMonoMs < sinceMonoMs - BEFORE_ARRIVAL_MS) return newest;
    return newest && newest.atMonoMs >= each.atMonoMs ? newest : { percent: each.percent, atMonoMs: each.atMonoMs };
  }, undefined);
}

export function createContext(deps: StationDeps, state: StationState): StationContext {
  const trusted = (): TrustedTime => trustedTime(state.anchor, { wallMs: deps.clock.wallMs(), monoMs: deps.clock.monoMs(), bootId: deps.clock.bootId });
  const ladder = (): LadderRow => ladderRow(state.bundle, trusted());
  const liveSlots = (): readonly LiveSlot[] => {
    const seen = new Map<string, number>();
    const watching = state.sight === 'watching';
    for (const { serial } of state.slots.values()) if (serial !== undefined) seen.set(serial, (seen.get(serial) ?? 0) + 1);
    const mono = deps.clock.monoMs();
    return [...state.slots.values()].map((now) => ({ now, battery: chargeOf(state, now) })).map(({ now: { slot, serial }, battery }) => ({
      slot,
      twice: serial !== undefined && (seen.get(serial) ?? 0) > 1,
      ...(watching && serial !== undefined ? { serial } : {}),
      ...(battery ? { battery: { percent: battery.percent, ageMs: Math.max(0, mono - battery.atMonoMs) } } : {}),
    }));
  };
  const all = (): readonly Candidate[] => {
    const rules = state.bundle?.rules;
    if (!rules) return [];
    const cart: CartNow = { view: deps.store.view, live: liveSlots(), rules, ladder: ladder(), nowMs: trusted().ms };
    return candidates(cart);
  };
  return {
    deps,
    state,
    trusted,
    ladder,
    liveSlots,
    candidates: all,
    choose: (wards) => chooseDevice(all(), wards, new Set([...deps.store.view.all('offer')].map(({ serial }) => serial))),
    nameOf: (actor) => state.staffByActor.get(actor)?.name ?? '',
  };
}
