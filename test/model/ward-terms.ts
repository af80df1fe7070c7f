import type { RecordedEntry } from '../../app/domain/entries.ts';
import type { Rules } from '../../app/domain/rules.ts';
import type { DeviceRow } from '../../app/domain/tables.ts';
import type { DeviceStanding, UnprovenReason } from '../../app/domain/terms.ts';
import type { Mdm } from '../../app/simulator/world/mdm.ts';
import type { Tablet } from '../../app/simulator/world/tablet.ts';
import type { Facts } from './ward-server.ts';

/** What can happen around an update of the operating system. */
export const UPDATE_HAPPENINGS = [
  'update-begun', 'updated', 'update-refused', 'update-timed-out', 'update-interrupted', 'restart-in-update', 'hand-in-update', 'used-in-update', 'back-in-its-slot', 'back-in-another-slot', 'back-too-late',
  'blind-in-update', 'station-down-in-update', 'hub-reset-in-update', 'not-admitted-in-update', 'outcome-late', 'outcome-twice', 'outcome-of-another', 'outcome-after-exposure', 'outcome-while-away', 'wipe-after-update', 'restart-after-update', 'quicker-than-a-restart',
] as const;

/** What can happen to a statement on its way, and to the cart's sight; a search counts each, so that none is only believed to occur. */
export const HAPPENINGS = [
  'lost', 'late', 'duplicate', 'replayed', 'stale', 'contradictory', 'wrong-tenant', 'wrong-station', 'wrong-serial', 'wrong-request', 'wrong-nonce',
  'absence', 'absence-too-long', 'host-down-short', 'host-down-long', 'hub-reset-short', 'hub-reset-long', 'certified',
  ...UPDATE_HAPPENINGS,
] as const;
export type Happening = (typeof HAPPENINGS)[number];

export interface Statement {
  readonly claims: { tenant: string; station: string; serial: string; request: string; nonce: string };
  readonly facts: Facts;
  readonly issuedAtMs: number;
  /** What is wrong with it, where it was not the server that made it so. */
  readonly forged?: Extract<Happening, 'contradictory' | `wrong-${string}`>;
}

/**
 * A cart, its tablets, an MDM and a server in one deterministic world, for histories by the hundred thousand. The rules
 * are the product's own; the judge of every offer and every certificate is the virtual tablet that really sits in the slot.
 * A statement that was taken before is taken again here, though a station refuses it: the gate must hold even then.
 */
export interface WardWorld {
  readonly mdm: Mdm;
  readonly tablets: readonly Tablet[];
  readonly random: () => number;
  readonly entries: readonly RecordedEntry[];
  readonly outbox: Statement[];
  /** Statements that have arrived, oldest first. */
  readonly arrived: readonly Statement[];
  readonly happened: ReadonlyMap<Happening, number>;
  /** Offers whose tablet was not fit for the next person, and certificates of one that was not sanitized, with what was wrong. */
  readonly unclean: readonly string[];
  /** The update of this tablet that the cart has asked for and that has not ended, by the judge's own count. */
  openUpdate(serial: string): string | undefined;
  /** Offers of what somebody had in an update, no longer than a restart may take: the exposure rule's own limit, which the judge counts and does not hold against it. */
  quick(): number;
  offers(): number;
  nowMs(): number;
  device(serial: string): DeviceRow | undefined;
  reasons(serial: string): readonly UnprovenReason[];
  inSlot(slot: number): Tablet | undefined;
  inHand(): readonly string[];
  advance(ms: number): void;
  dock(serial: string, slot: number): void;
  pull(slot: number): void;
  useInHand(serial: string): void;
  /** Serials of tablets held for longer than the gap that the rules take for nothing. */
  inHandForLong(): readonly string[];
  hostDown(): void;
  hostUp(): void;
  /** The cart's program is gone: nothing is recorded, nothing is taken. */
  stationDown(): void;
  /** It is back; only in the same boot of its machine it knows for how long it was away. */
  stationUp(isSameBoot: boolean): void;
  /** Every slot goes dark at one moment, whatever stands in it. */
  hubGoes(): void;
  hubBack(): void;
  pursue(): void;
  /** The server reads the ledger, speaks with the MDM and puts what is proven into the outbox. */
  serverLooks(): void;
  /** The server states again what it stated before (R3: evidence is refreshed). */
  serverRestates(): void;
  deliver(index: number): void;
  deliverAll(): void;
  /** It never arrives. */
  lose(index: number): void;
  tap(actor: string): number | undefined;
  /** A night begins, in which the cart may ask for an update of each tablet once. */
  nightFalls(): void;
  dayBreaks(): void;
  /** A newer system is there for the tablet, and its MDM knows. */
  updateWaits(serial: string): void;
  setStanding(serial: string, standing: DeviceStanding): void;
  newBundle(): void;
  setRules(rules: Partial<Rules>): void;
  /** Wipe, proof and all: runs the world until every docked tablet is proven or `limitMs` is over. */
  settle(limitMs?: number): void;
}
