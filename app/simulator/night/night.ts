import type { Directory, NightRules } from '../directory.ts';
import type { Happenings } from '../happenings.ts';
import type { Cart } from '../world/cart.ts';
import { seededRandom } from '../world/random.ts';
import { createDeeds } from './deeds.ts';
import { lateShift, takeTablets, type Hands } from './hands.ts';
import { createHold } from './hold.ts';
import type { Hold, NightPhase, NightView } from './night-view.ts';
import { createNotice, type Notice } from './notice.ts';
import { badNight, eveningReturns, inOrder, nextNight, TAKE_BEFORE_MS, type Deed, type NightTimes } from './script.ts';
import { tabletCounts } from './truth.ts';

/** The loop's own beat, real milliseconds; programs that follow the clock see it go by in steps of this times the speed. */
export const STEP_MS = 100;
const MINUTE_MS = 60_000;
/** By day nothing happens that anybody wants to watch. */
const DAY_SPEED = 1_200;
/** Where nothing is owed or nothing has happened for a while, time goes by so many times faster still. */
const IDLE_TIMES = 4;
const IDLE_AFTER_MS = 30 * MINUTE_MS;
/** Near the shift nothing is skipped. */
const LAST_STRETCH_MS = 20 * MINUTE_MS;
/** It is played this long into the shift, so that the sheet has been written. */
const AFTER_SHIFT_MS = 5 * MINUTE_MS;
/** With less than this before the shift nobody is sent to use tablets first. */
const EVENING_NEEDS_MS = 180 * MINUTE_MS;
/** A station notes every three seconds, and its host says every second, that it watches: so long time runs at its own pace before one is killed. */
const CALM_MS = 4_000;

export interface NightDeps {
  readonly cart: Cart;
  readonly directory: Directory;
  readonly happenings: Happenings;
  readonly network: { set(wanted: { up: boolean }): void; state(): { readonly up: boolean; readonly connections: number } };
  readonly tap: (uid: string, assurance: 'crypto') => void;
  readonly hostConnected: () => boolean;
  readonly stationRuns: () => boolean;
  readonly killStation: () => void;
  readonly wallMs: () => number;
  /** Lets so much of the world's time pass at once, whole milliseconds. */
  readonly advance: (ms: number) => void;
  /** Tells everybody that something has changed. */
  readonly changed: () => void;
  /** Only goes forward; real milliseconds. */
  readonly realMs: () => number;
}

export interface NightOptions {
  /** World seconds to a real one while there is work. */
  readonly speed: number;
  readonly evening: boolean;
  readonly bad: boolean;
  readonly seed: number;
}
export type NightRefusal = 'no-night' | 'night-running' | 'no-process';

export interface Night {
  play(options: NightOptions): { readonly ok: true; readonly untilMs: number } | { readonly ok: false; readonly reason: NightRefusal };
  /** Time runs at its own pace again. False: no night was being played. */
  stop(): boolean;
  /** To be called every `STEP_MS`, whether a night is played or not. */
  step(): void;
  /** Does it once time has run at its own pace for so long that the seconds before it are not taken for minutes. */
  calmly(deed: () => void): void;
  running(): boolean;
  /** The night that is being played, or the last one. */
  view(): NightView | undefined;
}

interface Playing extends NightTimes {
  phase: NightPhase;
  readonly options: NightOptions;
  readonly untilMs: number;
  readonly random: () => number;
  readonly notice: Notice;
  deeds: readonly Deed[];
  hands: Hands | undefined;
  speed: number;
  held: Hold | undefined;
}

/** Plays an evening and a night in fast-forward: the world's clock goes in small steps, and at its own pace where things take real seconds. */
export function createNight(deps: NightDeps): Night {
  const { cart, directory, happenings, wallMs } = deps;
  const perform = createDeeds({ ...deps, cutPower: () => calmly(deps.killStation) });
  let playing: Playing | undefined;
  let hold = createHold();
  let waiting: { readonly dueMs: number; readonly deeds: readonly (() => void)[] } | undefined;

  const running = (): boolean => playing !== undefined && playing.phase !== 'over';

  function calmly(deed: () => void): void {
    if (!running()) return deed();
    waiting = { dueMs: waiting?.dueMs ?? deps.realMs() + CALM_MS, deeds: [...(waiting?.deeds ?? []), deed] };
  }

  function doWaiting(): void {
    if (!waiting || deps.realMs() < waiting.dueMs) return;
    const { deeds } = waiting;
    waiting = undefined;
    for (const deed of deeds) deed();
  }

  function beginHands(now: Playing): void {
    now.phase = 'hands';
    happenings.say('night', 'The late shift takes its tablets; its cards prove themselves, so nobody types a PIN');
    now.hands = takeTablets({ cart, happenings, tap: ({ badgeUid }) => deps.tap(badgeUid, 'crypto') }, lateShift(directory.staff, cart.hands, now.random));
  }

  function beginNight(now: Playing): void {
    now.phase = 'night';
    now.hands = undefined;
    cart.setPace('real');
    const nowMs = wallMs();
    const returns = now.options.evening ? eveningReturns([...cart.hands.keys()], Math.max(now.fromMs, nowMs), now.random) : [];
    now.deeds = inOrder([...returns, ...(now.options.bad ? badNight(nowMs, now, now.random) : [])]);
    happenings.say('night', `From now on a wipe takes its real ten minutes${now.options.bad ? ', and much goes wrong' : ''}`);
  }

  function finish(now: Playing, words: string): void {
    now.phase = 'over';
    now.speed = 1;
    now.held = undefined;
    cart.setPace('demo');
    happenings.say('night', words);
    deps.changed();
  }

  function goOn(now: Playing): void {
    const nowMs = wallMs();
    switch (now.phase) {
      case 'day':
        if (nowMs < now.fromMs - TAKE_BEFORE_MS) return;
        return now.options.evening && now.shiftMs - nowMs > EVENING_NEEDS_MS ? beginHands(now) : beginNight(now);
      case 'hands':
        return now.hands?.step(deps.realMs()) === true ? undefined : beginNight(now);
      case 'night':
        for (let deed = now.deeds[0]; deed && deed.atMs <= nowMs; deed = now.deeds[0]) {
          now.deeds = now.deeds.slice(1);
          perform(deed, now.random);
        }
        now.notice.look(nowMs);
        if (nowMs >= now.untilMs) finish(now, 'The night is over: the kiosk has its morning sheet');
        return;
      case 'over':
    }
  }

  function speedOf({ phase, options, notice, shiftMs }: Playing): number {
    if (phase === 'day') return DAY_SPEED;
    const nowMs = wallMs();
    const { owed, underWay, out } = tabletCounts(cart);
    const idle = owed + underWay + out === 0 || nowMs - notice.lastChangeMs() > IDLE_AFTER_MS;
    return idle && shiftMs - nowMs > LAST_STRETCH_MS ? options.speed * IDLE_TIMES : options.speed;
  }

  /** World milliseconds until something is to happen at its own moment. */
  function leftMs(now: Playing): number {
    const nextMs = now.phase === 'day' ? now.fromMs - TAKE_BEFORE_MS : Math.min(now.untilMs, now.deeds[0]?.atMs ?? now.untilMs);
    return Math.max(0, nextMs - wallMs());
  }

  function holdNow({ phase }: Playing): Hold | undefined {
    const { up, connections } = deps.network.state();
    const portOff = [...cart.slots.values()].some((slot) => !slot.powered);
    return hold({ hands: phase === 'hands', power: waiting !== undefined, stationRuns: deps.stationRuns(), hostConnected: deps.hostConnected(), cableSilent: up && connections === 0, portOff }, deps.realMs());
  }

  function begin(rules: NightRules, options: NightOptions): Playing {
    const nowMs = wallMs();
    const times = nextNight(rules, nowMs);
    const notice = createNotice({ ...deps, rules, networkUp: () => deps.network.state().up }, nowMs);
    hold = createHold();
    return { ...times, phase: 'day', options, untilMs: times.shiftMs + AFTER_SHIFT_MS, random: seededRandom(options.seed), notice, deeds: [], hands: undefined, speed: 1, held: undefined };
  }

  return {
    running,
    calmly,
    play(options) {
      const rules = directory.rules.overnight;
      if (!rules) return { ok: false, reason: 'no-night' };
      if (running()) return { ok: false, reason: 'night-running' };
      if (!deps.hostConnected()) return { ok: false, reason: 'no-process' };
      playing = begin(rules, options);
      goOn(playing);
      if (playing.phase === 'day') happenings.say('night', 'The day goes by');
      return { ok: true, untilMs: playing.untilMs };
    },
    stop() {
      if (!playing || !running()) return false;
      finish(playing, 'The night was stopped: time runs at its own pace again');
      return true;
    },
    step() {
      doWaiting();
      const now = playing;
      if (!now || now.phase === 'over') return;
      now.held = holdNow(now);
      now.speed = now.held === undefined ? speedOf(now) : 1;
      const stepMs = now.held === undefined ? Math.min(leftMs(now), now.speed * STEP_MS) : 0;
      if (stepMs > 0) deps.advance(Math.ceil(stepMs));
      goOn(now);
      deps.changed();
    },
    view() {
      if (!playing) return undefined;
      const { phase, options, fromMs, shiftMs, untilMs, speed, held, notice } = playing;
      const iso = (ms: number): string => new Date(ms).toISOString();
      const { bad, seed } = options;
      return { phase, bad, seed, from: iso(fromMs), shift: iso(shiftMs), until: iso(untilMs), speed, held: held ?? null, wards: notice.wards(), marks: notice.marks(), tablets: tabletCounts(cart) };
    },
  };
}
