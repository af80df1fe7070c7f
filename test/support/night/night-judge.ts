import { PRODUCTION_PACE } from '../../../app/central/sanitization.ts';
import type { RecordedEntry } from '../../../app/domain/entries.ts';
import { estimateOf } from '../../../app/domain/night-now.ts';
import { projectEntry } from '../../../app/domain/projection.ts';
import type { CartView, TableName, Tables } from '../../../app/domain/tables.ts';
import { RULES } from '../ward-rules.ts';
import { SHIFT_MS } from './night-story.ts';
import { OVERNIGHT, PACE, TOGETHER_MS, WIPES_AT_ONCE, type PlayedNight, type Truth } from './simulated-night.ts';

const MINUTE_MS = 60_000;
/** Until the server has looked at a tablet that is ready at last, and the cart has heard of it. */
const NEWS_MS = PRODUCTION_PACE.slowestMs + 2 * TOGETHER_MS;
/** A tablet that has its new life is proven no sooner than it has told the MDM of itself: until then the sheet rightly says what is not known. */
const PROOF_MS = PACE.report[1] + NEWS_MS;
/** Whoever lost sight of a tablet so shortly before the shift cannot have it proven again by then. */
const TOO_LATE_MS = 60 * MINUTE_MS;
const hhmm = (atMs: number): string => new Date(atMs).toISOString().slice(11, 19);

/** Everything that was wrong with a night, judged by the virtual tablets, the MDM's commands and the ledger's entries; empty: nothing. */
export function judgeNight(night: PlayedNight): string[] {
  return [...offersAndCertificates(night), ...quarantines(night), ...wipes(night), ...exposures(night), ...limits(night), ...ports(night), ...sheet(night)];
}

export function offersAndCertificates({ witnessed }: Pick<PlayedNight, 'witnessed'>): string[] {
  return witnessed.flatMap(({ draft, atMs, wrong }) => {
    if (draft.type === 'quarantined') return [];
    // Whether a sanitized tablet is also fit to go out is the gate's.
    const told = draft.type === 'sanitized' ? wrong.filter((reason) => reason !== 'posture' && reason !== 'profile') : wrong;
    return told.length > 0 ? [`${hhmm(atMs)} ${draft.type} ${draft.device}: ${told.join(', ')}`] : [];
  });
}

/** A tablet is put aside only while something is really wrong with it, or after three failures that the server stated. */
function quarantines({ witnessed, entries }: PlayedNight): string[] {
  return witnessed.flatMap(({ draft, atMs, wrong, fineForMs }) => {
    if (draft.type !== 'quarantined') return [];
    const asked = entries.findLast(({ type, device, atMs: askedMs }) => type === 'sanitization-requested' && device === draft.device && askedMs <= atMs);
    if (atMs - (asked?.atMs ?? atMs) < 2 * OVERNIGHT.wipeBoundsMs.least && draft.body.reason === 'sanitization-overdue') return [`${hhmm(atMs)} ${draft.device} was put aside before any wipe could be done`];
    if (draft.body.reason === 'sanitization-overdue') return wrong.length > 0 || fineForMs <= NEWS_MS ? [] : [`${hhmm(atMs)} ${draft.device} was put aside as overdue though it was ready for ${fineForMs / 1_000} s`];
    const failures = entries.filter(({ type, device, atMs: failedMs }) => type === 'sanitization-failed' && device === draft.device && failedMs <= atMs).length;
    return draft.body.reason === 'sanitization-failed' && failures >= 3 ? [] : [`${hhmm(atMs)} ${draft.device} was put aside as ${draft.body.reason} after ${failures} failures`];
  });
}

/** One command per request; a request after another of the same tablet answers another exposure, or a failure that was stated; no tablet is erased more often than it was told to. */
export function wipes({ entries, commands, erased }: Pick<PlayedNight, 'entries' | 'commands' | 'erased'>): string[] {
  const wrong: string[] = [];
  const before = new Map<string, Extract<RecordedEntry, { type: 'sanitization-requested' }>>();
  const exposing = new Map<string, string | undefined>();
  const failed = new Set<string>();
  for (const entry of entries) {
    if (isExposure(entry)) exposing.set(entry.leaf, entry.device);
    if (entry.type === 'sanitization-failed') failed.add(entry.body.request);
    if (entry.type !== 'sanitization-requested' || entry.device === undefined) continue;
    if (exposing.get(entry.body.exposure) !== entry.device) wrong.push(`the request at ${hhmm(entry.atMs)} for ${entry.device} answers no exposure of it`);
    const last = before.get(entry.device);
    if (last?.body.exposure === entry.body.exposure && !failed.has(last.body.request)) wrong.push(`${hhmm(entry.atMs)} ${entry.device} was asked for again without a failure`);
    before.set(entry.device, entry);
  }
  const asked = new Set(entries.flatMap((entry) => (entry.type === 'sanitization-requested' ? [entry.body.request] : [])));
  const given = new Map<string, number>();
  for (const { request, serial } of commands) {
    given.set(request, (given.get(request) ?? 0) + 1);
    if (!asked.has(request)) wrong.push(`${serial} was told to wipe by nobody's request`);
  }
  for (const [request, times] of given) if (times > 1) wrong.push(`request ${request} became ${times} commands`);
  for (const [serial, times] of erased) {
    const reached = commands.filter((command) => command.serial === serial && command.reached).length;
    if (times > reached) wrong.push(`${serial} was erased ${times} times by ${reached} commands`);
  }
  return wrong;
}

const EXPOSING: ReadonlySet<RecordedEntry['type']> = new Set<RecordedEntry['type']>(['device-admitted', 'exposed', 'released', 'wrong-pull', 'unidentified-removal']);
const isExposure = ({ type }: RecordedEntry): boolean => EXPOSING.has(type);

/** Every exposure but the first has a cause in the world: since the one before, the tablet really went out of the cart's sight. */
export function exposures({ entries, outOfSight }: Pick<PlayedNight, 'entries' | 'outOfSight'>): string[] {
  const lastMs = new Map<string, number>();
  return entries.flatMap((entry) => {
    const { device, atMs, type } = entry;
    if (!isExposure(entry) || device === undefined) return [];
    const sinceMs = lastMs.get(device);
    lastMs.set(device, atMs);
    const real = sinceMs === undefined || outOfSight.some((gone) => gone.serial === device && gone.why !== 'arrived' && gone.atMs >= sinceMs && gone.atMs <= atMs);
    return real ? [] : [`${hhmm(atMs)} ${device} was called exposed (${type}) though it had not left`];
  });
}

/** Never more wipes open than the cart may have, and none begun in the night that would not be done by the shift. */
function limits({ entries, story }: PlayedNight): string[] {
  const wrong: string[] = [];
  const open = new Set<string>();
  const { view, fold } = folding();
  const modelOf = new Map(story.cast.map(({ device }) => [device.serial, device.model]));
  for (const entry of entries) {
    const { device = '', atMs } = entry;
    const night = view.get('cart', 'cart')?.night;
    if (entry.type === 'sanitization-requested') {
      open.add(device);
      if (open.size > WIPES_AT_ONCE) wrong.push(`${hhmm(atMs)} ${open.size} wipes open`);
      const { wipeMs } = estimateOf(view, modelOf.get(device) ?? '', OVERNIGHT);
      if (night && night.endedAtMs === undefined && atMs + wipeMs > SHIFT_MS) wrong.push(`${hhmm(atMs)} the wipe of ${device} was begun though it takes ${Math.round(wipeMs / MINUTE_MS)} min`);
    }
    const done = entry.type === 'statement-accepted' && entry.body.kind === 'enrolled';
    if (done || entry.type === 'sanitization-failed' || entry.type === 'quarantined' || isExposure(entry)) open.delete(device);
    fold(entry);
  }
  return wrong;
}

/** A port that was switched off for another attempt has its power back. */
function ports({ withoutPower }: PlayedNight): string[] {
  return withoutPower.map((slot) => `the port of slot ${slot} was left without power`);
}

function folding(): { readonly view: CartView; readonly fold: (entry: RecordedEntry) => void } {
  const tables: { [T in TableName]: Map<string, Tables[T]> } = { device: new Map(), offer: new Map(), person: new Map(), enrolment: new Map(), cart: new Map(), slot: new Map(), model: new Map() };
  const view: CartView = { get: (table, key) => tables[table].get(key) as never, all: (table) => tables[table].values() as never };
  const fold = (entry: RecordedEntry): void => {
    for (const { table, key, row } of projectEntry(view, entry)) {
      if (row === undefined) tables[table].delete(key);
      else (tables[table] as Map<string, unknown>).set(key, row);
    }
  };
  return { view, fold };
}

/** The sheet, row by row, against the tablets at that moment; and the ledger's copy of it against the page's. */
function sheet({ sheet: page, entries, truth, unreadable, outOfSight }: PlayedNight): string[] {
  const wrong: string[] = [];
  const ended = entries.flatMap((entry) => (entry.type === 'night-ended' ? [entry] : []));
  const [told] = ended;
  if (!page || !told || ended.length > 1) return [`the night was ended ${ended.length} times, with ${page ? 'a' : 'no'} sheet`];
  // What is begun with the shift is on the page and not yet in the entry.
  const begun = new Set(entries.slice(told.seq).flatMap(({ type, device, atMs }) => (type === 'sanitization-requested' && atMs === told.atMs ? [device] : [])));
  const short = (exceptions: readonly { readonly slot?: number | undefined; readonly serial?: string | undefined; readonly reason: string; readonly next: string }[]): string => exceptions.map(({ slot, serial, reason, next }) => [slot, serial, begun.has(serial) ? 'begun' : reason, next].join(' ')).join('; ');
  if (short(told.body.exceptions) !== short(page.exceptions)) wrong.push(`the ledger's sheet is not the page's: ${short(told.body.exceptions)} | ${short(page.exceptions)}`);

  const rows = new Map(page.exceptions.flatMap((row) => (row.serial === undefined ? [] : [[row.serial, row] as const])));
  const ready = new Map<string, number>();
  for (const [serial, tablet] of truth) {
    const row = rows.get(serial);
    const fit = tablet.wrong.length === 0 && tablet.seen && Math.floor(tablet.charge) >= RULES.batteryFloorPercent;
    if (!row) {
      // The list of tablets is the whole hospital's: one that found no free slot all night is no more this cart's than those of other carts.
      const neverHere = tablet.slot === undefined && !outOfSight.some((gone) => gone.serial === serial);
      if (neverHere) continue;
      ready.set(tablet.ward, (ready.get(tablet.ward) ?? 0) + 1);
      if (!fit) wrong.push(`${serial} is not on the sheet though it is not fit: ${tablet.wrong.join(', ') || 'out of sight or empty'}`);
      continue;
    }
    const because = whyTrue(serial, row.reason, tablet, entries, outOfSight);
    if (because === undefined) wrong.push(`${serial} is on the sheet as ${row.reason}, which is not so (${tablet.wrong.join(', ') || 'clean'}, slot ${tablet.slot ?? 'none'}${tablet.seen ? '' : ', out of sight'})`);
    if (tablet.seen && row.slot !== tablet.slot) wrong.push(`${serial} is on the sheet in slot ${row.slot} and stands in ${tablet.slot}`);
  }
  const mute = page.exceptions.flatMap(({ reason, slot }) => (reason === 'unreadable' && slot !== undefined ? [slot] : [])).sort((a, b) => a - b);
  if (mute.join() !== unreadable.join()) wrong.push(`unreadable on the sheet: ${mute.join()}; in the cart: ${unreadable.join()}`);

  for (const { ward, name, needed } of [{ ward: '7e', name: '7 East', needed: 11 }, { ward: '8w', name: '8 West', needed: 7 }]) {
    const line = page.needs.find((need) => need.ward === name);
    const real = ready.get(ward) ?? 0;
    if (line?.needed !== needed || line.ready !== real || line.shortBy !== Math.max(0, needed - real)) wrong.push(`${name} needs ${needed} and has ${real}: the sheet says ${JSON.stringify(line)}`);
    for (const need of told.body.needs) if (need.ward === ward && need.ready !== real) wrong.push(`the ledger counts ${need.ready} ready for ${name}, and ${real} are`);
  }
  const from = entries.findIndex(({ type }) => type === 'night-began');
  const count = (type: RecordedEntry['type']): number => entries.slice(from, told.seq).filter((entry) => entry.type === type).length;
  const { sanitized, failed, quarantined, starts } = page.done;
  if (sanitized !== count('sanitized') || failed !== count('sanitization-failed') || quarantined !== count('quarantined') || starts !== count('station-started')) wrong.push(`the sheet counts ${JSON.stringify(page.done)}`);
  return wrong;
}

/** Why a row of the sheet is true; nothing where it is not. */
function whyTrue(serial: string, reason: string, { wrong, fineForMs, seen, charge }: Truth, entries: readonly RecordedEntry[], outOfSight: PlayedNight['outOfSight']): string | undefined {
  const last = entries.findLast(({ type, device }) => type === 'quarantined' && device === serial);
  switch (reason) {
    case 'sanitization-overdue':
    case 'sanitization-failed':
      return last?.type === 'quarantined' && last.body.reason === reason ? 'put aside' : undefined;
    case 'in-hand':
    case 'with-ward':
    case 'unidentified':
      return seen ? undefined : 'the cart cannot see it';
    case 'battery-low':
      return Math.floor(charge) <= RULES.batteryFloorPercent ? 'nearly empty' : undefined;
    default: {
      const goneMs = outOfSight.findLast((gone) => gone.serial === serial)?.atMs ?? 0;
      return seen && (wrong.length > 0 || fineForMs <= PROOF_MS) && SHIFT_MS - goneMs < TOO_LATE_MS ? 'there was no time' : undefined;
    }
  }
}
