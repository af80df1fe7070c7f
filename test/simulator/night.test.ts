import { describe, expect, it } from 'vitest';
import ward from '../../resources/demo/ward.json' with { type: 'json' };
import { directory } from '../../app/simulator/directory.ts';
import { createHappenings } from '../../app/simulator/happenings.ts';
import { createHold, type HoldFacts } from '../../app/simulator/night/hold.ts';
import { createNight, STEP_MS, type Night, type NightOptions } from '../../app/simulator/night/night.ts';
import { badNight, nextNight } from '../../app/simulator/night/script.ts';
import { createCart, type Cart } from '../../app/simulator/world/cart.ts';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { isClean } from '../../app/simulator/world/tablet.ts';

const MINUTE_MS = 60_000;
const demo = directory.parse(ward);
const clockAt = (hours: number, minutes = 0): number => new Date(2026, 10, 22, hours, minutes).getTime();
const QUIET: NightOptions = { speed: 120, evening: false, bad: false, seed: 1 };

interface Ward {
  readonly night: Night;
  readonly cart: Cart;
  /** Every moment of the world's time that was passed over at once, milliseconds. */
  readonly leaps: readonly number[];
  /** For each kill, how long time had run at its own pace before it, real milliseconds. */
  readonly calmBeforeKill: () => readonly number[];
  readonly lines: () => readonly string[];
  wallMs(): number;
  step(): void;
  until(what: string, holds: () => boolean): void;
  station: { runs: boolean; connections: number; wipes: boolean };
}

/** A cart with a station that does the least: it wipes whatever stands there unclean, and lights a slot for whoever taps. */
function wardAt(nowMs: number): Ward {
  let realMs = 0;
  let advancedMs = 0;
  const wallMs = (): number => nowMs + realMs + advancedMs;
  const cart = createCart({ directory: demo, random: seededRandom(3), worldMs: nowMs });
  const happenings = createHappenings({ cart, directory: demo, wallMs, earlier: [] });
  const station = { runs: true, connections: 1, wipes: true };
  const leaps: number[] = [];
  const calm: number[] = [];
  let leaptMs = 0;
  let up = true;
  const night = createNight({
    cart,
    directory: demo,
    happenings,
    network: { set: (wanted) => void (up = wanted.up), state: () => ({ up, connections: station.connections }) },
    tap: () => {
      const clean = [...cart.slots.values()].find(({ serial, fault }) => fault === 'none' && serial !== null && isClean(cart.tablets.get(serial) ?? fail(), cart.mdm));
      if (clean) cart.setLight(clean.slot, 'take');
    },
    hostConnected: () => station.runs,
    stationRuns: () => station.runs,
    killStation: () => calm.push(realMs - leaptMs),
    wallMs,
    advance: (ms) => {
      leaps.push(ms);
      leaptMs = realMs;
      advancedMs += ms;
      cart.tick(wallMs());
    },
    changed: () => undefined,
    realMs: () => realMs,
  });
  const step = (): void => {
    realMs += STEP_MS;
    cart.tick(wallMs());
    for (const { slot, serial, light, fault } of cart.slots.values()) {
      if (serial === null) cart.setLight(slot, 'off');
      const tablet = serial === null || fault !== 'none' || light !== 'off' ? undefined : cart.tablets.get(serial);
      if (tablet && up && station.wipes && tablet.residueOf !== null && !tablet.rebooting && cart.mdm.waitingFor(tablet.serial) === 0) cart.mdm.issueWipe(tablet.serial, { request: `r${realMs}-${slot}`, expiresInMs: 36_000_000 });
    }
    happenings.noticeMdm();
    night.step();
  };
  return {
    night,
    cart,
    leaps,
    station,
    calmBeforeKill: () => calm,
    lines: () => happenings.lines().map(({ text }) => text),
    wallMs,
    step,
    until(what, holds) {
      for (let steps = 0; !holds(); steps += 1) {
        if (steps > 20_000) throw new Error(`in vain: ${what}; ${JSON.stringify(night.view())}`);
        step();
      }
    },
  };
}

function fail(): never {
  throw new Error('a tablet is missing');
}

describe('a night in fast-forward', () => {
  it('never jumps: time goes by in steps, and ends five minutes into the shift', () => {
    const played = wardAt(clockAt(4, 30));
    expect(played.night.play(QUIET)).toEqual({ ok: true, untilMs: clockAt(6, 50) });
    played.until('the end', () => played.night.view()?.phase === 'over');
    expect(played.wallMs()).toBeGreaterThanOrEqual(clockAt(6, 50));
    expect(played.wallMs()).toBeLessThan(clockAt(6, 51));
    // 480 times as fast at most, a tenth of a second at a time.
    expect(Math.max(...played.leaps)).toBeLessThanOrEqual(48_000);
    expect(played.leaps.length).toBeGreaterThan(150);
    expect(played.night.view()).toMatchObject({ tablets: { clean: 13, stuck: 1, owed: 0, underWay: 0 }, wards: [{ needed: 8, clean: 9 }, { needed: 3, clean: 4 }] });
  });

  it('a wipe takes its real minutes in the night, and seconds again after it', () => {
    const played = wardAt(clockAt(4, 30));
    const tablet = played.cart.tablets.get('R52TGNPY77Z') ?? fail();
    played.night.play(QUIET);
    played.until('its wipe', () => played.cart.mdm.waitingFor(tablet.serial) > 0);
    const askedMs = played.wallMs();
    played.until('it to be clean', () => isClean(tablet, played.cart.mdm));
    expect(played.wallMs() - askedMs).toBeGreaterThan(6 * MINUTE_MS);
    expect(played.wallMs() - askedMs).toBeLessThan(14 * MINUTE_MS);
    played.until('the end', () => played.night.view()?.phase === 'over');
    expect(played.cart.undock(1, 's1001').ok).toBe(true);
    expect(played.cart.dock(tablet.serial, 1).ok).toBe(true);
    const backMs = played.wallMs();
    played.until('it to be clean again', () => isClean(tablet, played.cart.mdm));
    expect(played.wallMs() - backMs).toBeLessThan(10_000);
  });

  it('stopped in the middle of a wipe, the tablet is not left erasing for minutes', () => {
    const played = wardAt(clockAt(4, 30));
    played.night.play(QUIET);
    played.until('a tablet to erase itself', () => [...played.cart.tablets.values()].some(({ rebooting }) => rebooting));
    expect(played.night.stop()).toBe(true);
    expect(played.night.stop()).toBe(false);
    const stoppedMs = played.wallMs();
    // The tablet in slot 9 enrols four minutes late, whatever the pace.
    played.until('all others that can be wiped to be clean', () => [...played.cart.tablets.values()].filter((tablet) => isClean(tablet, played.cart.mdm)).length === 12);
    expect(played.wallMs() - stoppedMs).toBeLessThan(20_000);
  });

  it('a simulator that dies in the night leaves no tablet erasing for minutes either', () => {
    const played = wardAt(clockAt(4, 30));
    played.night.play(QUIET);
    played.until('a tablet to erase itself', () => [...played.cart.tablets.values()].some(({ rebooting }) => rebooting));
    const saved = JSON.parse(JSON.stringify(played.cart.save())) as ReturnType<Cart['save']>;
    const again = createCart({ directory: demo, random: seededRandom(3), worldMs: played.wallMs(), saved });
    again.tick(played.wallMs() + 20_000);
    expect([...again.tablets.values()].filter((tablet) => tablet.rebooting)).toEqual([]);
  });

  it('time runs at its own pace while the station starts or its cable is silent', () => {
    const played = wardAt(clockAt(4, 30));
    played.night.play(QUIET);
    played.step();
    played.station.runs = false;
    const before = played.leaps.length;
    for (let step = 0; step < 40; step += 1) played.step();
    expect(played.leaps.length).toBe(before);
    expect(played.night.view()).toMatchObject({ held: 'process', speed: 1 });
    played.station.runs = true;
    played.station.connections = 0;
    played.step();
    expect(played.night.view()).toMatchObject({ held: 'network' });
    played.station.connections = 1;
    played.until('time to go on', () => played.leaps.length > before);
    expect(played.night.view()).toMatchObject({ held: null, speed: 120 });
  });

  it('the late shift takes tablets one by one, and all of them come back and are wiped', () => {
    const played = wardAt(clockAt(6, 50));
    played.until('the demo’s first wipes', () => [...played.cart.tablets.values()].filter((tablet) => isClean(tablet, played.cart.mdm)).length === 13);
    played.night.play({ ...QUIET, evening: true });
    played.until('the late shift', () => played.night.view()?.phase === 'night');
    expect(played.wallMs()).toBeLessThan(clockAt(19, 45));
    expect(played.cart.hands.size).toBe(10);
    expect(new Set(played.cart.hands.values()).size).toBe(10);
    played.until('the end', () => played.night.view()?.phase === 'over');
    expect(played.cart.hands.size).toBe(0);
    expect(played.night.view()?.tablets.clean).toBe(13);
    expect(played.lines().filter((line) => /^\S+ \S+ put /.test(line))).toHaveLength(10);
  });

  it('nobody comes for a tablet when the cart lights none: the evening goes on', () => {
    const played = wardAt(clockAt(19, 50));
    played.station.wipes = false;
    played.night.play({ ...QUIET, evening: true });
    played.until('the night', () => played.night.view()?.phase === 'night');
    expect(played.cart.hands.size).toBe(0);
  });

  it('a bad night: tablets hang, the network goes and comes, and the power goes after four calm seconds', () => {
    const played = wardAt(clockAt(4, 30));
    played.night.play({ ...QUIET, bad: true });
    played.until('the power cut', () => played.calmBeforeKill().length > 0);
    expect(played.calmBeforeKill()[0]).toBeGreaterThanOrEqual(4_000);
    expect(played.calmBeforeKill()[0]).toBeLessThan(5_000);
    played.until('the end', () => played.night.view()?.phase === 'over');
    const { marks = [], tablets } = played.night.view() ?? {};
    expect(marks.map(({ kind }) => kind).filter((kind) => kind.startsWith('network'))).toEqual(['network-down', 'network-up']);
    expect(tablets?.stuck).toBe(2);
    expect(played.calmBeforeKill()).toHaveLength(1);
  });

  it('is refused without rules, without a device host, and while one is being played', () => {
    const played = wardAt(clockAt(4, 30));
    played.station.runs = false;
    expect(played.night.play(QUIET)).toEqual({ ok: false, reason: 'no-process' });
    played.station.runs = true;
    expect(played.night.play(QUIET).ok).toBe(true);
    expect(played.night.play(QUIET)).toEqual({ ok: false, reason: 'night-running' });
  });
});

describe('the script', () => {
  it('finds the night whose shift comes next, also in the middle of it', () => {
    const rules = { from: '20:00', shift: '06:45' };
    const tonight = { fromMs: clockAt(20), shiftMs: clockAt(30, 45) };
    expect(nextNight(rules, clockAt(6, 50))).toEqual(tonight);
    expect(nextNight(rules, clockAt(23))).toEqual(tonight);
    expect(nextNight(rules, clockAt(6, 44))).toEqual({ fromMs: clockAt(-4), shiftMs: clockAt(6, 45) });
  });

  it('is the same for the same seed, and what is left of a night is enough for all of it', () => {
    const times = nextNight({ from: '20:00', shift: '06:45' }, clockAt(12));
    for (let seed = 0; seed < 50; seed += 1) {
      for (const nowMs of [clockAt(19), clockAt(23), clockAt(29)]) {
        const script = badNight(nowMs, times, seededRandom(seed));
        expect(badNight(nowMs, times, seededRandom(seed))).toEqual(script);
        expect(script.at(0)?.atMs).toBeGreaterThanOrEqual(Math.min(nowMs, times.fromMs - 10 * MINUTE_MS));
        expect(script.at(-1)?.atMs).toBeLessThan(times.shiftMs - 30 * MINUTE_MS);
        expect(script.findIndex((deed) => deed.kind === 'network' && deed.up)).toBeGreaterThan(script.findIndex((deed) => deed.kind === 'network' && !deed.up));
      }
    }
    expect(badNight(clockAt(19), times, seededRandom(1))).not.toEqual(badNight(clockAt(19), times, seededRandom(2)));
  });
});

describe('what holds the night', () => {
  const FREE: HoldFacts = { hands: false, power: false, stationRuns: true, hostConnected: true, cableSilent: false, portOff: false };

  it('whoever has just come back has a second to catch up', () => {
    const hold = createHold();
    expect(hold(FREE, 0)).toBeUndefined();
    expect(hold({ ...FREE, hostConnected: false }, 100)).toBe('process');
    expect(hold(FREE, 900)).toBe('process');
    expect(hold(FREE, 1_200)).toBeUndefined();
    expect(hold({ ...FREE, portOff: true }, 1_300)).toBe('port');
    expect(hold(FREE, 1_400)).toBeUndefined();
  });

  it('a server that does not answer holds the night for half a minute, a station that is gone for ever', () => {
    const hold = createHold();
    expect(hold({ ...FREE, cableSilent: true }, 0)).toBe('network');
    expect(hold({ ...FREE, cableSilent: true }, 29_900)).toBe('network');
    expect(hold({ ...FREE, cableSilent: true }, 30_100)).toBeUndefined();
    expect(hold({ ...FREE, stationRuns: false }, 40_000)).toBe('process');
    expect(hold({ ...FREE, stationRuns: false }, 99_000)).toBe('process');
  });
});
