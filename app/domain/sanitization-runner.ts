import type { EntryDraft } from './entries.ts';
import type { Rules } from './rules.ts';
import { nextSanitizationStep, type SanitizationStep } from './sanitization.ts';
import { isBreakerOpen } from './slot-health.ts';
import type { CartView, DeviceRow } from './tables.ts';

/** After a failure the next attempt waits this long, doubled with each further one. */
export const RETRY_MS = 60_000;

export interface RunnerNow {
  readonly view: CartView;
  /** Serials read in the slots at this moment, each in one slot only. */
  readonly live: ReadonlyMap<number, string>;
  readonly rules: Pick<Rules, 'sanitizationOverdueMs'>;
  readonly nowMs: number;
  /** Since when the server can have heard of requests; left out: ever since they were made. */
  readonly contactSinceMs?: number;
  /** How many tablets may be between their request and their new enrolment at once. */
  readonly wipesAtOnce: number;
  /** By the night's plan, whose turn it is; left out: everybody's, those who failed least first. */
  readonly turn?: (serial: string) => boolean;
  /** How long a sanitization of this model may take before a person has to look; left out: what the rules say. */
  readonly overdueMs?: (model: string) => number;
  /** A new request and its nonce. */
  readonly fresh: () => { readonly request: string; readonly nonce: string };
}

/**
 * Everything that the cart's sanitizations need now. Quarantines and exposures are judged for each tablet alone; wipes are begun
 * while there is room, only in slots that can be trusted, a failed one after a rest, and at night when it is their turn.
 */
export function nextSanitizationSteps(now: RunnerNow): readonly EntryDraft[] {
  const { view, nowMs } = now;
  const devices = [...view.all('device')];
  const due: EntryDraft[] = [];
  const waiting: { readonly device: DeviceRow; readonly draft: EntryDraft }[] = [];
  for (const device of devices) {
    const draft = nextSanitizationStep(stepOf(now, device));
    if (draft === undefined) continue;
    if (draft.type === 'sanitization-requested') waiting.push({ device, draft });
    else due.push(draft);
  }
  const room = Math.max(0, now.wipesAtOnce - devices.filter(isUnderWay).length);
  const ready = waiting
    .filter(({ device, draft }) => isRested(device, nowMs) && !isBreakerOpen(view.get('slot', String(draft.slot ?? 0)), nowMs) && (now.turn?.(device.serial) ?? true))
    .sort((a, b) => attemptOf(a.draft) - attemptOf(b.draft) || (a.draft.slot ?? 0) - (b.draft.slot ?? 0));
  return [...due, ...ready.slice(0, room).map(({ draft }) => draft)];
}

/** Asked for, not given up, and not enrolled anew: it holds one of the cart's lanes. */
export function isUnderWay({ request, exposure, evidence, quarantine, custody }: DeviceRow): boolean {
  const docked = custody.kind === 'cart' || custody.kind === 'rebooting';
  return docked && request !== undefined && request.exposure === exposure?.leaf && request.failure === undefined && evidence.enrolment === undefined && quarantine === undefined;
}

function stepOf({ live, rules, nowMs, contactSinceMs, overdueMs, fresh }: RunnerNow, device: DeviceRow): SanitizationStep {
  const { request, nonce } = fresh();
  return {
    device,
    liveSerial: device.custody.kind === 'cart' ? live.get(device.custody.slot) : undefined,
    nowMs,
    rules: overdueMs === undefined ? rules : { sanitizationOverdueMs: overdueMs(device.model) },
    ...(contactSinceMs === undefined ? {} : { contactSinceMs }),
    newRequest: request,
    newNonce: nonce,
  };
}

/** `overtaken` and an unknown device pass by no rest, but the rest does no harm; a clock set back makes nobody wait longer than once. */
function isRested({ request, exposure }: DeviceRow, nowMs: number): boolean {
  if (request?.failure === undefined || request.failedAtMs === undefined || request.exposure !== exposure?.leaf) return true;
  const restMs = RETRY_MS * 2 ** (request.attempt - 1);
  const restedMs = nowMs - request.failedAtMs;
  return restedMs >= restMs || restedMs < 0;
}

const attemptOf = (draft: EntryDraft): number => (draft.type === 'sanitization-requested' ? draft.body.attempt : 0);
