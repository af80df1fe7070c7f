import type { BadgeTrust, HOST_REFUSALS, HostCommand, HostEvent, SlotState } from '../app/contract/device-host.ts';

export type AdapterState = 'working' | 'absent' | 'failing';
export type HostRefusal = (typeof HOST_REFUSALS)[number];

/** A host event as an adapter tells it: the host adds its own time and the tap's number. */
type Told<Name extends HostEvent['event'], Added extends string = 'monoMs'> = HostEvent extends infer Event
  ? Event extends { event: Name }
    ? Omit<Event, Added>
    : never
  : never;

/** `detail` is for the people who mend carts: what is wrong and what to do, at most 300 characters. */
export type AdapterStateTold = { readonly event: 'adapter'; readonly state: AdapterState; readonly detail?: string };
export type ReaderEvent = AdapterStateTold | Told<'reader'> | Told<'tap', 'monoMs' | 'tap'> | Told<'tap-unreadable'> | Told<'card-removed'> | Told<'label'>;
/** `slots` is the whole cart and comes first, and again after every time the adapter could not see; `slot` is one change. */
export type SlotEvent = AdapterStateTold | Told<'slots'> | Told<'slot'> | Told<'hub'>;
export type HubEvent = AdapterStateTold | Told<'port'>;
export type TabletEvent = AdapterStateTold | Told<'tablet'>;

/** Finds badge readers and reads badges. `start` returns at once and never throws for missing hardware: it tells `absent`. */
export interface ReaderAdapter {
  readonly name: string;
  start(sink: (event: ReaderEvent) => void): RunningReaders;
}
export interface RunningReaders {
  stop(): Promise<void>;
  /** From now on cards that can prove themselves are asked to. Absent where readers only read numbers. */
  trust?(trust: BadgeTrust): void;
  /** Lets the card that lies on a reader prove its holder's PIN. `undefined`: not a card of this adapter. Absent like `trust`. */
  cardPin?(reader: string, uid: string, pin: string): Promise<CommandOutcome> | undefined;
}

/** Commands about one slot; the host answers the others itself. */
export type SlotCommand = Extract<HostCommand, { slot: number }>;
/** Done, or refused with the reason the station is told. */
export type CommandOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: HostRefusal };

/** Sees what is docked and works lights and port power. `start` returns at once and never throws for missing hardware. */
export interface SlotAdapter {
  readonly name: string;
  start(sink: (event: SlotEvent) => void): RunningSlots;
}
export interface RunningSlots {
  stop(): Promise<void>;
  /** May take its time: the host answers `adapter-failing` in its place after two seconds. */
  command(command: SlotCommand): Promise<CommandOutcome>;
  /** The whole cart as seen now; undefined while the adapter has not looked yet or cannot see. An empty cart is never guessed. */
  snapshot(): readonly SlotState[] | undefined;
}

/**
 * Works the lights and the power of ports and measures them, by slot; what is docked is the slot adapter's to see.
 * `start` returns at once and never throws for missing hardware.
 */
export interface HubAdapter {
  readonly name: string;
  start(sink: (event: HubEvent) => void): RunningHub;
}
export interface RunningHub {
  stop(): Promise<void>;
  /** As of a slot adapter. */
  command(command: SlotCommand): Promise<CommandOutcome>;
}

/** Asks tablets about themselves. Optional on every cart: a hardened tablet tells nothing. `start` returns at once and never throws. */
export interface TabletAdapter {
  readonly name: string;
  start(sink: (event: TabletEvent) => void): { stop(): Promise<void> };
}
