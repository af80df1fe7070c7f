import type { KioskMessage, SlotView, Snapshot } from '../contract/kiosk.ts';
import type { MorningPage } from '../contract/night.ts';
import type { Candidate } from '../domain/choose-device.ts';
import { triesNow } from '../domain/identify.ts';
import type { MorningSheet } from '../domain/morning-sheet.ts';
import { isUpdateOpen } from '../domain/os-update.ts';
import { provenSteps, type Unproven } from '../domain/release-gate.ts';
import type { DeviceRow } from '../domain/tables.ts';
import { waitingSinceMs } from '../domain/waiting-since.ts';
import type { Overnight } from './overnight.ts';
import { chargeOf, type SlotNow, type StationContext } from './state.ts';
import { isBetween, timeOfDay } from './time-of-day.ts';
import { UNREADABLE_MS } from './watch-slots.ts';

/** A sanitization that takes longer than this is shown as waiting, not as preparing. */
const PREPARING_MS = 60_000;

/** State → what the page shows; `judged` is the gate's word on every docked device now. No rule is left for the page to compute. */
export function takeSnapshot(context: StationContext, judged: readonly Candidate[], revision: number, overnight: Pick<Overnight, 'board' | 'sheet'>): Snapshot {
  const { deps, state } = context;
  const { clock, place, store } = deps;
  const atMs = clock.wallMs();
  const bySlot = new Map(judged.map((candidate) => [candidate.live.slot, candidate]));
  const rebooting = new Map<number, DeviceRow>();
  const owed = new Map<number, DeviceRow>();
  let out = 0;
  for (const device of store.view.all('device')) {
    const { custody } = device;
    if (custody.kind === 'rebooting') rebooting.set(custody.slot, device);
    if (custody.kind === 'unidentified' || (custody.kind === 'person' && custody.owed)) owed.set(custody.slot, device);
    if (custody.kind === 'person' || custody.kind === 'unidentified' || custody.kind === 'ward') out += 1;
  }
  const offered = new Set([...store.view.all('offer')].map(({ slot }) => slot));
  const slots = place.shelves.flat().map((slot): SlotView => {
    const drawn = drawSlot(context, slot, bySlot.get(slot), rebooting.get(slot), atMs);
    const mark = offered.has(slot) ? 'take' : owed.has(slot) && drawn.look === 'empty' ? 'back' : undefined;
    return mark ? { ...drawn, mark } : drawn;
  });
  const count = (...looks: readonly SlotView['look'][]): number => slots.filter(({ look }) => looks.includes(look)).length;
  const { message, others } = focus(context, atMs);
  const night = overnight.board(judged);
  const morning = overnight.sheet(judged);
  const unsynced = store.size() - store.acked().size;
  const kept = { unsynced, ...(unsynced > 0 && state.unsynced ? { unsyncedSinceMs: state.unsynced.atMs } : {}) };
  return {
    revision,
    atMs,
    place: { ward: place.ward, cart: place.cart },
    timeZone: place.timeZone,
    language: place.language,
    theme: isNight(context, atMs) ? 'night' : 'day',
    shelves: place.shelves.map((shelf) => [...shelf]),
    slots,
    counts: { ready: count('ready'), preparing: count('preparing', 'charging'), waiting: count('waiting'), outOfService: count('out-of-service'), out },
    message,
    others,
    network: state.online
      ? { state: 'online', ...kept }
      : { state: 'offline', sinceMs: state.offlineSinceMs, ...kept, ...(state.bundle ? { bundleAgeMs: Math.max(0, context.trusted().ms - state.bundle.issuedAtMs) } : {}) },
    ladder: context.ladder(),
    clockUnsure: context.trusted().unsure,
    degraded: [
      ...(state.readers.size === 0 ? ['readers' as const] : []),
      ...(state.slotsFailing ? ['slots' as const] : state.sight === 'watching' ? [] : ['device-host' as const]),
      ...(state.ledgerFailing ? ['ledger' as const] : []),
    ],
    ...(night ? { night } : {}),
    ...(morning ? { morning: pageOf(context, morning) } : {}),
  };
}

/** Wards by their names, as people say them. */
function pageOf({ state }: StationContext, { needs, exceptions, ...sheet }: MorningSheet): MorningPage {
  const nameOf = (ward: string): string => state.bundle?.wards.find(({ id }) => id === ward)?.name ?? ward;
  return { ...sheet, needs: needs.map((need) => ({ ...need, ward: nameOf(need.ward) })), exceptions: exceptions.map(({ ward, ...exception }) => ({ ...exception, ...(ward === undefined ? {} : { ward: nameOf(ward) }) })) };
}

function drawSlot({ deps, state }: StationContext, slot: number, candidate: Candidate | undefined, rebooting: DeviceRow | undefined, atMs: number): SlotView {
  const now: SlotNow | undefined = state.slots.get(slot);
  if (rebooting && isUpdateOpen(rebooting)) return { slot, look: 'preparing', ...waiting(rebooting, UPDATING) };
  if (rebooting) return { slot, look: 'preparing', progress: provenSteps(rebooting), ...waiting(rebooting, { leaf: 'enrolment-new', reason: 'enrolment-not-seen' }) };
  if (!candidate) {
    if (!now?.present) return { slot, look: 'empty' };
    const unreadable = now.unreadableSinceMs !== undefined && deps.clock.monoMs() - now.unreadableSinceMs >= UNREADABLE_MS;
    return { slot, look: unreadable ? 'out-of-service' : 'unknown' };
  }
  const { device, live, unproven, chargePercent } = candidate;
  const first = unproven[0];
  const base = { slot, ...(live.battery ? { chargePercent } : {}) };
  if (!first) return { ...base, look: 'ready' };
  const why = waiting(device, first);
  if (first.reason === 'updating') return { ...base, ...why, look: 'preparing' };
  if (first.leaf === 'standing') return { ...base, ...why, look: 'out-of-service' };
  if (first.leaf === 'battery') return { ...base, ...why, look: 'charging' };
  const late = device.request ? atMs - device.request.atMs > PREPARING_MS : false;
  return { ...base, ...why, progress: provenSteps(device), look: state.online && !late ? 'preparing' : 'waiting' };
}

const UPDATING: Unproven = { leaf: 'standing', reason: 'updating' };

/** What a device waits for, and since when. */
function waiting(device: DeviceRow, { leaf, reason }: Unproven): Pick<SlotView, 'leaf' | 'reason' | 'sinceMs'> {
  const sinceMs = waitingSinceMs(device, leaf);
  return { leaf, reason, ...(sinceMs === undefined ? {} : { sinceMs }) };
}

/** The one thing to say now, and who else is being served. The PIN pad is never taken from the person at it. */
function focus(context: StationContext, atMs: number): { readonly message: KioskMessage; readonly others: Snapshot['others'] } {
  const { deps, state } = context;
  const offers = [...deps.store.view.all('offer')].filter(({ untilMs }) => untilMs > atMs);
  const rules = state.bundle?.rules;
  const takes = offers.map((offer) => {
    const device = deps.store.view.get('device', offer.serial);
    const live = state.slots.get(offer.slot);
    return {
      atMs: state.offerShownMs.get(offer.actor) ?? offer.untilMs - (rules?.offerMs ?? 30_000),
      message: {
        kind: 'take' as const,
        session: offer.offer,
        name: context.nameOf(offer.actor),
        slot: offer.slot,
        chargePercent: (live && chargeOf(state, live)?.percent) ?? 0,
        provenAtMs: device?.evidence.enrolment?.atMs ?? 0,
        fromMs: offer.untilMs - (rules?.offerMs ?? 30_000),
        untilMs: offer.untilMs,
      },
    };
  });
  const removals = [...deps.store.view.all('device')].flatMap(({ custody }) =>
    custody.kind === 'unidentified' ? [{ atMs: custody.sinceMs, message: { kind: 'unidentified' as const, slot: custody.slot, fromMs: custody.sinceMs, untilMs: custody.claimUntilMs } }] : [],
  );
  const pad = state.pins[0];
  const latest = [...takes, ...removals, ...state.notices.filter(({ untilMs }) => untilMs > atMs)].reduce<{ readonly atMs: number; readonly message: KioskMessage } | undefined>(
    (best, next) => (best && best.atMs > next.atMs ? best : next),
    undefined,
  );
  const message: KioskMessage = pad
    ? { kind: 'pin', session: pad.session, name: pad.person.name, wrong: pad.wrong, checking: pad.checking, ofCard: pad.card !== undefined, triesLeft: triesNow(deps.store.view.get('person', pad.person.actor), context.trusted().ms), untilMs: pad.untilMs }
    : (latest?.message ?? { kind: 'idle' });
  const others = [
    ...takes.filter((take) => take.message !== message).map((take) => ({ name: take.message.name, slot: take.message.slot })),
    ...state.pins.slice(1).map(({ person }) => ({ name: person.name })),
  ].slice(0, 20);
  return { message, others };
}

function isNight({ deps, state }: StationContext, atMs: number): boolean {
  const rules = state.bundle?.rules;
  if (!rules) return false;
  return isBetween(timeOfDay(deps.place.timeZone, atMs), rules.nightFrom, rules.nightTo);
}
