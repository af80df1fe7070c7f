import type { HostCommand, HostEvent } from '../contract/device-host.ts';
import type { KioskRefusal } from '../contract/kiosk.ts';
import type { StaffMember } from '../contract/policy-bundle.ts';
import { held } from '../domain/choose-device.ts';
import { attemptsNow, decideTap, lockedMinutes, PIN_TRIES, type TapDecision } from '../domain/identify.ts';
import { ok, refused, unreachable, type Result } from '../domain/result.ts';
import type { Assurance, RefusalReason } from '../domain/terms.ts';
import type { Record } from './record.ts';
import { createRekeying, whoseBadge } from './rekeying.ts';
import type { HostOutcome } from './ask-host.ts';
import { say, sayRefusal } from './say.ts';
import type { PinSession, StationContext } from './state.ts';

/** A person may look at the pad this long without a finished PIN. */
const PIN_PAD_MS = 20_000;
/** PIV PINs (NIST SP 800-73-4, 2.4.3). */
const CARD_PIN = /^\d{6,8}$/;
/** Refusals of the same kind are recorded once and then counted, this long. */
const REFUSAL_WINDOW_MS = 10_000;

type Tap = Extract<HostEvent, { event: 'tap' }>;
type HostRefusal = Extract<HostOutcome, { ok: false }>['reason'];
type UnreadableCause = Extract<HostEvent, { event: 'tap-unreadable' }>['cause'];

/** Cards that were read and are refused for what they are; the others could not be read. */
const REFUSED_CARDS: { readonly [cause in UnreadableCause]?: RefusalReason } = {
  'random-uid': 'badge-random', 'card-forged': 'badge-forged', 'card-revoked': 'badge-revoked', 'card-expired': 'badge-expired', 'card-untrusted': 'badge-untrusted',
};

interface TapOrigin {
  readonly assurance: Assurance;
  readonly reader: string;
}

const REFUSED_BY_CARD: { readonly [reason in HostRefusal]?: RefusalReason } = { 'card-gone': 'card-gone', 'card-pin-blocked': 'card-pin-blocked', 'card-has-no-pin': 'card-has-no-pin' };

/** From a tap to "Take 7" (R1): identify, ask for a PIN where one is owed, authorize durably, and only then say it. */
export interface TakeDevice {
  tapped(tap: Tap): Promise<void>;
  unreadable(reader: string, cause: UnreadableCause): Promise<void>;
  enterPin(session: string, pin: string, whenChecked: (task: () => Promise<void>) => void): Promise<Result<void, KioskRefusal>>;
  cancel(session: string): Promise<Result<void, KioskRefusal>>;
  /** Lets what has run out lapse: offers not pulled, PIN pads left alone, counted refusals. */
  lapse(): Promise<void>;
}

/** What taking a device needs of the rest of the cart. */
export interface CartHands {
  readonly ask: (command: HostCommand) => Promise<HostOutcome>;
  /** Whether the ledger holds all that the cart saw: nothing is given out on a picture that has gaps. */
  readonly caughtUp: () => Promise<boolean>;
}

export function createTakeDevice(context: StationContext, record: Record, { ask, caughtUp }: CartHands): TakeDevice {
  const { deps, state } = context;
  const { clock, store } = deps;
  const rekeying = createRekeying(context);

  const refuse = async (reason: RefusalReason, origin: TapOrigin, person?: StaffMember, more: { minutes?: number } = {}): Promise<void> => {
    sayRefusal(context, reason, person, more);
    const key = `${reason} ${person?.actor ?? ''}`;
    const counted = state.refusals.get(key);
    if (counted) {
      counted.count += 1;
      return;
    }
    state.refusals.set(key, { count: 0, sinceMs: clock.monoMs(), reader: origin.reader });
    await record([{ type: 'tap-refused', ...(person ? { actor: person.actor } : {}), body: { reason, assurance: origin.assurance, reader: origin.reader, count: 1 } }]);
  };

  /** A tap while a removal waits to be claimed says "it is mine" (R1.8). */
  const claim = async (person: StaffMember): Promise<boolean> => {
    const open = [...store.view.all('device')].filter(({ custody }) => custody.kind === 'unidentified').sort((a, b) => (b.exposure?.seq ?? 0) - (a.exposure?.seq ?? 0))[0];
    if (!open || open.custody.kind !== 'unidentified') return false;
    const missing = state.lastUnproven.get(open.serial) ?? ['exposed'];
    const owed = missing.length > 0 || !person.wards.includes(open.ward);
    const { release, slot } = open.custody;
    const done = await record([{ type: 'removal-claimed', device: open.serial, actor: person.actor, slot, body: { release, owed } }]);
    if (!done) return false;
    if (owed) say(context, { kind: 'wrong-slot', pulled: slot, name: person.name, clean: false, ...(missing[0] ? { reason: missing[0] } : {}) }, 15_000);
    else say(context, { kind: 'taken', name: person.name, slot }, 4_000);
    return true;
  };

  const authorize = async (person: StaffMember, origin: TapOrigin, stale: boolean): Promise<void> => {
    const rules = state.bundle?.rules;
    if (!rules) return refuse('bundle-missing', origin, person);
    if (!(await caughtUp())) return sayRefusal(context, 'ledger-unavailable', person);
    const open = [...store.view.all('offer')].find(({ actor }) => actor === person.actor);
    if (open) {
      state.offerShownMs.set(person.actor, clock.wallMs());
      return;
    }
    const holding = held(store.view, person.actor).length;
    if (holding >= rules.devicesPerPerson) return refuse('limit-reached', origin, person);
    if (await claim(person)) return;
    const chosen = context.choose(person.wards);
    if (!chosen?.device.request) return refuse('no-device-ready', origin, person);
    const offer = deps.randomId();
    const atMs = clock.wallMs();
    const authorized = await record([
      {
        type: 'offered',
        covered: true,
        device: chosen.device.serial,
        actor: person.actor,
        slot: chosen.live.slot,
        body: { offer, release: deps.randomId(), assurance: origin.assurance, stale, request: chosen.device.request.request, chargePercent: chosen.chargePercent, untilMs: atMs + rules.offerMs },
      },
    ]);
    if (!authorized) return sayRefusal(context, 'ledger-unavailable', person);
    state.offerShownMs.set(person.actor, atMs);
  };

  const decide = (person: StaffMember | undefined, assurance: Assurance): TapDecision => {
    const rules = state.bundle?.rules;
    if (!rules) return { kind: 'refused', reason: 'bundle-missing' };
    const standing = person && store.view.get('person', person.actor);
    return decideTap({ person: person && { ...person, hasPin: person.pin !== undefined && deps.pins.knows(person.pin) }, standing, assurance, ladder: context.ladder(), rules, bundleVersion: state.bundle?.version ?? 0, nowMs: context.trusted().ms });
  };

  const lockOut = async (person: StaffMember, origin: TapOrigin): Promise<void> => {
    const lockoutMs = state.bundle?.rules.pinLockoutMs ?? 15 * 60_000;
    await record([{ type: 'pin-refused', actor: person.actor, body: { attempt: PIN_TRIES, locked: true, lockedUntilMs: context.trusted().ms + lockoutMs } }]);
    return refuse('pin-locked', origin, person, { minutes: Math.ceil(lockoutMs / 60_000) });
  };

  const close = (session: PinSession): void => {
    state.pins = state.pins.filter((each) => each.session !== session.session);
  };

  const rightPin = async (session: PinSession, attempt: number): Promise<void> => {
    const { person } = session;
    const done = await record([{ type: 'pin-accepted', actor: person.actor, body: { attempt } }]);
    if (!done) return sayRefusal(context, 'ledger-unavailable', person);
    // A new bundle may have come while the PIN was typed: the person is judged as of now.
    const today = state.staffByActor.get(person.actor);
    const decision = decide(today, session.assurance);
    if (!today || decision.kind === 'refused') return refuse(decision.kind === 'refused' ? decision.reason : 'badge-unknown', session, person);
    await authorize(today, session, context.ladder() === 'stale');
    rekeying.badge(session.move);
  };

  const wrongPin = async (session: PinSession, attempt: number): Promise<void> => {
    if (attempt >= PIN_TRIES) return lockOut(session.person, session);
    await record([{ type: 'pin-refused', actor: session.person.actor, body: { attempt, locked: false, lockedUntilMs: 0 } }]);
    state.pins.unshift({ ...session, wrong: true, checking: false, untilMs: clock.wallMs() + PIN_PAD_MS });
  };

  /** The card counts its tries itself, so one counts here only once it has judged. */
  const cardJudged = async (session: PinSession, outcome: HostOutcome): Promise<void> => {
    const { person } = session;
    close(session);
    if (!outcome.ok && outcome.reason !== 'card-pin-wrong') return refuse(REFUSED_BY_CARD[outcome.reason] ?? 'badge-unreadable', session, person);
    const attempt = attemptsNow(store.view.get('person', person.actor), context.trusted().ms) + 1;
    const counted = await record([{ type: 'pin-attempted', actor: person.actor, body: { attempt } }]);
    if (!counted) return sayRefusal(context, 'ledger-unavailable', person);
    return outcome.ok ? rightPin(session, attempt) : wrongPin(session, attempt);
  };

  return {
    tapped: async (tap) => {
      const { person, move } = whoseBadge(deps.badgeHmacs(tap.uid), state.staffByHmac);
      const decision = decide(person, tap.assurance);
      switch (decision.kind) {
        case 'refused':
          return refuse(decision.reason, tap, person, decision.minutes === undefined ? {} : { minutes: decision.minutes });
        case 'identified':
          if (!person) return undefined;
          await authorize(person, tap, decision.stale);
          return rekeying.badge(move);
        case 'needs-pin':
        case 'needs-card-pin':
          if (!person || state.pins.some((each) => each.person.actor === person.actor)) return undefined;
          if ([...store.view.all('offer')].some(({ actor }) => actor === person.actor)) return authorize(person, tap, true);
          state.pins.push({ session: deps.randomId(), person, untilMs: clock.wallMs() + PIN_PAD_MS, wrong: false, checking: false, assurance: tap.assurance, reader: tap.reader, move, ...(decision.kind === 'needs-card-pin' ? { card: { tap: tap.tap } } : {}) });
          return undefined;
        case 'tries-spent':
          return person ? lockOut(person, tap) : undefined;
        default:
          return unreachable(decision);
      }
    },
    unreadable: (reader, cause) => refuse(REFUSED_CARDS[cause] ?? 'badge-unreadable', { assurance: 'uid', reader }),
    enterPin: async (id, pin, whenChecked) => {
      const session = state.pins.find((each) => each.session === id);
      if (!session) return refused('no-session');
      if (session.checking) return refused('busy');
      const { person, card } = session;
      const standing = store.view.get('person', person.actor);
      const nowMs = context.trusted().ms;
      if (lockedMinutes(standing, nowMs) !== undefined) return refused('pin-locked');
      const markChecking = (): void => {
        state.pins = state.pins.map((each) => (each === session ? { ...session, checking: true } : each));
      };
      if (card) {
        if (!CARD_PIN.test(pin)) return refused('pin-wrong');
        markChecking();
        void ask({ command: 'card-pin', tap: card.tap, pin }).then((outcome) => whenChecked(() => cardJudged(session, outcome)));
        return ok(undefined);
      }
      if (!person.pin) return refused('no-session');
      const attempt = attemptsNow(standing, nowMs) + 1;
      const counted = await record([{ type: 'pin-attempted', actor: person.actor, body: { attempt } }]);
      if (!counted) return refused('ledger-unavailable');
      markChecking();
      const verifying = deps.pins.check(pin, person.pin);
      verifying.then(
        (right) =>
          whenChecked(async () => {
            close(session);
            if (!right) return wrongPin(session, attempt);
            await rightPin(session, attempt);
            rekeying.pin(person, pin);
          }),
        (error: unknown) => deps.onFailure(error),
      );
      return ok(undefined);
    },
    cancel: async (id) => {
      const session = state.pins.find((each) => each.session === id);
      // Its verdict is on the way and has been counted: a second pad beside it would be a sixth try.
      if (session?.checking) return refused('busy');
      if (session) {
        state.pins = state.pins.filter((each) => each !== session);
        return ok(undefined);
      }
      const offer = store.view.get('offer', id);
      if (!offer) return refused('no-session');
      const done = await record([{ type: 'offer-lapsed', device: offer.serial, actor: offer.actor, slot: offer.slot, body: { offer: offer.offer, cause: 'cancelled' } }]);
      return done ? ok(undefined) : refused('ledger-unavailable');
    },
    lapse: async () => {
      const nowMs = clock.wallMs();
      state.pins = state.pins.filter((each) => each.checking || each.untilMs > nowMs);
      // While nobody watches, the gate can vouch for no slot; a host that dies for a second does not end an offer.
      const unproven = new Set(state.sight === 'watching' ? context.candidates().filter((candidate) => candidate.unproven.length > 0).map(({ device }) => device.serial) : []);
      const over = [...store.view.all('offer')].filter(({ untilMs, serial }) => untilMs <= nowMs || unproven.has(serial));
      await record(
        over.map(({ serial, actor, slot, offer, untilMs }) => ({
          type: 'offer-lapsed' as const,
          device: serial,
          actor,
          slot,
          body: { offer, cause: untilMs <= nowMs ? ('not-pulled' as const) : ('slot-lost' as const) },
        })),
      );
      for (const [key, { count, sinceMs, reader }] of state.refusals) {
        if (clock.monoMs() - sinceMs < REFUSAL_WINDOW_MS) continue;
        state.refusals.delete(key);
        const [reason, actor] = key.split(' ') as [RefusalReason, string];
        if (count > 0) await record([{ type: 'tap-refused', ...(actor ? { actor } : {}), body: { reason, assurance: 'uid', reader, count } }]);
      }
    },
  };

}
