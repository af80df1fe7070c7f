import type { KioskMessage } from '../contract/kiosk.ts';
import type { StaffMember } from '../contract/policy-bundle.ts';
import { commonestReason } from '../domain/choose-device.ts';
import type { RefusalReason } from '../domain/terms.ts';
import type { StationContext } from './state.ts';

/** How long a refusal stays readable. */
const REFUSAL_MS = 8_000;

type Timed = KioskMessage extends infer M ? (M extends { untilMs: number } ? Omit<M, 'untilMs'> : M) : never;

/** Puts one message before the next person to look; `forMs` later it is gone. */
export function say({ deps, state }: StationContext, message: Timed, forMs: number): void {
  const atMs = deps.clock.wallMs();
  const untilMs = atMs + forMs;
  state.notices = [...state.notices.filter((notice) => notice.untilMs > atMs), { message: { ...message, untilMs } as KioskMessage, atMs, untilMs }];
}

/** One reason and what may help: minutes where known, and for "none ready" what most of the ward's tablets wait for. */
export function sayRefusal(context: StationContext, reason: RefusalReason, person?: StaffMember, more: { minutes?: number } = {}): void {
  const because = reason === 'no-device-ready' && person ? commonestReason(context.candidates(), person.wards) : undefined;
  say(context, { kind: 'refusal', reason, ...(person ? { name: person.name } : {}), ...(more.minutes === undefined ? {} : { minutes: more.minutes }), ...(because ? { because } : {}) }, REFUSAL_MS);
}
