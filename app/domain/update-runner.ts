import type { EntryDraft } from './entries.ts';
import { isAwayUnexplained, isTriedTonight, isUpdateOpen, isWipeProven } from './os-update.ts';
import type { OvernightRules } from './rules.ts';
import { isBreakerOpen } from './slot-health.ts';
import type { CartView, DeviceRow, NightRow } from './tables.ts';

export interface UpdatesNow {
  readonly view: CartView;
  /** Serials read in the slots at this moment, each in one slot only. */
  readonly live: ReadonlyMap<number, string>;
  readonly nowMs: number;
  /** The night that is on: by day none is begun. */
  readonly night: NightRow | undefined;
  readonly updatesAtOnce: number;
  /** By the night's plan, whose turn it is. */
  readonly turn: (serial: string) => boolean;
  /** How long an update may stay without an outcome. */
  readonly overdueMs: number;
  /** A new request and its nonce. */
  readonly fresh: () => { readonly request: string; readonly nonce: string };
}

/**
 * Everything that the cart's OS updates need now: outcomes of those that nobody waits for any longer, and, while there is room, the
 * next ones. One is begun only in a night, by its plan, of a tablet whose wipe is proven and that nobody is asked to take.
 */
export function nextUpdateSteps(now: UpdatesNow): readonly EntryDraft[] {
  const { view, night } = now;
  const devices = [...view.all('device')];
  const over = devices.flatMap((device) => overOf(now, device) ?? []);
  if (!night) return over;
  const room = Math.max(0, now.updatesAtOnce - devices.filter(isUpdateOpen).length);
  const offered = new Set([...view.all('offer')].map(({ serial }) => serial));
  const begun = devices.flatMap((device): readonly EntryDraft[] => {
    if (offered.has(device.serial) || !mayBegin(now, night, device) || !now.turn(device.serial)) return [];
    return [{ type: 'update-requested', ...placeOf(device), body: now.fresh() }];
  });
  return [...over, ...begun.sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0)).slice(0, room)];
}

/**
 * What ends an update without a word from the server: the tablet has gone, or is waited for no longer. An absence that an update was
 * to explain is one like any other where the update came to nothing.
 */
function overOf({ nowMs, overdueMs }: UpdatesNow, device: DeviceRow): EntryDraft | undefined {
  const { update, custody, exposure, standing } = device;
  if (!update) return undefined;
  if (!isUpdateOpen(device)) {
    return isAwayUnexplained(device) && custody.kind === 'cart' ? { type: 'exposed', ...placeOf(device), body: { cause: 'absence' } } : undefined;
  }
  const here = (custody.kind === 'cart' || custody.kind === 'rebooting') && standing === 'admitted' && (exposure?.seq ?? 0) < update.seq;
  const reason = !here ? 'interrupted' : nowMs - update.atMs > overdueMs ? 'timed-out' : undefined;
  return reason && { type: 'update-failed', ...placeOf(device), body: { request: update.request, reason } };
}

function mayBegin({ view, live, nowMs }: UpdatesNow, night: NightRow, device: DeviceRow): boolean {
  const { custody, standing, quarantine, evidence, serial } = device;
  if (standing !== 'admitted' || quarantine || custody.kind !== 'cart' || live.get(custody.slot) !== serial) return false;
  if (!isWipeProven(device) || isAwayUnexplained(device) || isUpdateOpen(device) || isTriedTonight(device, night)) return false;
  return evidence.posture?.update === 'waiting' && !isBreakerOpen(view.get('slot', String(custody.slot)), nowMs);
}

const placeOf = ({ serial, custody }: DeviceRow): { readonly device: string; readonly slot?: number } => ({ device: serial, ...('slot' in custody ? { slot: custody.slot } : {}) });

/** Twice what nine of ten would take is late for a wipe; an update whose duration nobody has learnt gets as much of what policy says. */
const OVERDUE_TIMES = 2;

/** How long an update may stay open: downloads share the cart's network. 0 where policy knows of no updates: what is open is given up. */
export function updateOverdueMs({ update, limits }: Pick<OvernightRules, 'update' | 'limits'>): number {
  if (!update) return 0;
  const rate = Math.min(limits.tabletMegabytesPerSecond, limits.megabytesPerSecond / Math.max(1, limits.updates));
  return OVERDUE_TIMES * Math.ceil((update.megabytes / rate) * 1000 + update.installMs);
}
