import { expect, test } from 'vitest';
import type { HostClock } from '../../native/clock.ts';
import { lookOnNews } from '../../native/usb/look-on-news.ts';

/** A table of USB devices that changes by hand, with the kernel's news as told, in a time that passes by hand: 250 ms a turn. */
function watched(news: 'heard' | 'refused' | 'no package') {
  let changed = false;
  let looks = 0;
  let turn = (): void => undefined;
  let tell = (): void => undefined;
  const clock: HostClock = {
    monoMs: () => 0,
    after: (_ms, act) => {
      act();
      return () => undefined;
    },
    every: (_ms, act) => {
      turn = act;
      return () => undefined;
    },
  };
  const look = (): boolean => {
    looks += 1;
    const found = changed;
    changed = false;
    return found;
  };
  const watch = (heard: () => void): Promise<{ stop(): Promise<void> }> => {
    tell = heard;
    return news === 'heard' ? Promise.resolve({ stop: () => Promise.resolve() }) : Promise.reject(new Error('no netlink here'));
  };
  lookOnNews({ clock, look, events: () => (news === 'no package' ? { found: false, detail: 'not installed' } : { found: true, watch }) });
  return {
    change: () => (changed = true),
    tell: () => tell(),
    /** How many of so many turns looked. */
    looksIn: (turns: number): number => {
      const before = looks;
      for (let each = 0; each < turns; each += 1) turn();
      return looks - before;
    },
  };
}
/** Whether news is to be had is known by then. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('a quiet night on a machine that tells its changes: a look every 2 s, for safety', async () => {
  const bus = watched('heard');
  await settled();
  expect(bus.looksIn(80)).toBe(10);
});

for (const news of ['refused', 'no package'] as const) {
  test(`news that is ${news}: a look every 250 ms`, async () => {
    const bus = watched(news);
    await settled();
    expect(bus.looksIn(80)).toBe(80);
  });
}

test('news that was promised and does not come: the first change is found within 2 s, from then on within 250 ms, until news comes again', async () => {
  const bus = watched('heard');
  await settled();
  bus.change();
  expect(bus.looksIn(8)).toBe(1);
  expect(bus.looksIn(80)).toBe(80);
  bus.change();
  bus.tell();
  expect(bus.looksIn(80)).toBe(10);
});
