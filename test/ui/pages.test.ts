import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Browser, BrowserContext, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { axeOn, violationsOf, WCAG } from '../support/axe.ts';
import { buildPage, type BuiltPage } from '../support/built-page.ts';
import { launchChromium, PROCESS_PER_SITE, siteContext } from '../support/chromium.ts';
import { showOn } from './drawn.ts';
import { startFakeStation } from './kiosk-server.ts';
import type { FakeStation } from './kiosk-server.ts';
import { misfits, numeral } from './layout.ts';
import { AT, SAMPLES, snapshotOf, withSlot } from './samples.ts';

const LANDSCAPE = { width: 1280, height: 800 };
const PORTRAIT = { width: 1080, height: 1920 };
const FORMATS = [LANDSCAPE, PORTRAIT, { width: 1024, height: 768 }, { width: 1920, height: 1080 }];
/** R11.1 at 96 dpi: 20 mm and 8 mm. */
const TOUCH = 75.5;
const APART = 30;
const sample = (name: string) => {
  const found = SAMPLES[name];
  if (found === undefined) throw new Error(`no sample ${name}`);
  return found;
};

/** One of each kind of screen and of each state that changes its parts. */
const AXE = ['idle-stale', 'idle-no-reader', 'pin-wrong', 'take-14-busy', 'taken', 'returned-offline', 'refusal-no-device-ready', 'wrong-keep', 'wrong-back', 'unidentified', 'foreign-lost', 'unreadable'];

let built: BuiltPage;
let browser: Browser;
let station: FakeStation;
let context: BrowserContext;
let page: Page;
let violations: string[];

beforeAll(async () => {
  [built, browser] = await Promise.all([buildPage('kiosk'), launchChromium('--force-color-profile=srgb', PROCESS_PER_SITE)]);
  context = await siteContext(browser, { viewport: LANDSCAPE });
});
afterAll(async () => {
  await browser.close();
  await built.remove();
});

const open = async (reducedMotion: 'reduce' | 'no-preference' = 'reduce'): Promise<void> => {
  page = await context.newPage();
  await page.emulateMedia({ reducedMotion });
  await page.exposeFunction('tellViolation', (what: string) => violations.push(what));
  await page.addInitScript(() => {
    const tell = (window as unknown as { tellViolation: (what: string) => void }).tellViolation;
    addEventListener('securitypolicyviolation', (event) => tell(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));
  });
  page.on('pageerror', (error) => violations.push(String(error)));
  await page.goto(station.url);
};
beforeEach(async () => {
  violations = [];
  station = await startFakeStation(built.folder);
});
afterEach(async () => {
  await page.close();
  await station.close();
  expect(violations, 'content security policy and page errors').toEqual([]);
});

const everySampleFits = async (change: Partial<(typeof SAMPLES)[string]>, formats: readonly { width: number; height: number }[]): Promise<string[]> => {
  await open();
  const wrong: string[] = [];
  for (const format of formats) {
    await page.setViewportSize(format);
    for (const [name, snapshot] of Object.entries(SAMPLES)) {
      await showOn(page, station, { ...snapshot, ...change });
      wrong.push(...(await misfits(page)).map((problem) => `${name} ${format.width}×${format.height}: ${problem}`));
    }
  }
  return wrong;
};

describe('every screen fits without scrolling', () => {
  test('in English, on four formats', async () => expect(await everySampleFits({}, FORMATS)).toEqual([]));
  test('when every text is 40 % longer', async () => expect(await everySampleFits({ language: 'en-XA' }, [LANDSCAPE, PORTRAIT])).toEqual([]));
  test('from right to left', async () => {
    expect(await everySampleFits({ language: 'he' }, [LANDSCAPE, PORTRAIT])).toEqual([]);
    expect(await page.evaluate(() => [document.documentElement.lang, document.documentElement.dir])).toEqual(['he', 'rtl']);
  });
});

test('the cart is not mirrored from right to left: slot 1 stays left of slot 8, the map changes sides', async () => {
  await open();
  await showOn(page, station, { ...sample('idle'), language: 'he' });
  const left = (selector: string): Promise<number> => page.locator(selector).first().evaluate((element) => element.getBoundingClientRect().left);
  expect(await left('[data-bay="1"]')).toBeLessThan(await left('[data-bay="8"]'));
  expect(await left('.map')).toBeGreaterThan(await left('.say'));
});

test('the slot to take is read from 3 m on every format', async () => {
  await open();
  for (const [format, slot] of FORMATS.flatMap((each) => [7, 9, 14, 20, 24].map((number) => [each, number] as const))) {
    await page.setViewportSize(format);
    await showOn(page, station, { ...sample('take'), message: { kind: 'take', session: 's', name: 'Maria K.', slot, chargePercent: 90, provenAtMs: AT, fromMs: AT, untilMs: AT + 30_000 } });
    const { height, width } = await numeral(page);
    // Two digits on a portrait screen are as wide as the screen instead: 40 % of its height would not fit.
    if (format.width < format.height && slot > 9) expect(width, `${slot} at ${format.width}`).toBeGreaterThan(0.97);
    else expect(height, `${slot} at ${format.width}`).toBeGreaterThanOrEqual(0.4);
  }
});

test.each(['day', 'night'] as const)('nobody is shut out: axe finds nothing by %s', async (theme) => {
  await open();
  const wrong: string[] = [];
  for (const name of theme === 'day' ? AXE : AXE.filter((_, at) => at % 2 === 0)) {
    await showOn(page, station, { ...sample(name), theme });
    wrong.push(...(await violationsOf(axeOn(page).withTags(WCAG))).map((violation) => `${name}: ${violation}`));
  }
  expect(wrong).toEqual([]);
});

describe('a badge reader that poses as a keyboard', () => {
  const BADGE = '04A1B2C3\n0012345678\n';
  test('types into nothing, whatever the screen', async () => {
    await open();
    for (const name of ['idle', 'pin', 'take', 'unidentified', 'refusal-pin-locked']) {
      await showOn(page, station, sample(name));
      await page.keyboard.type(BADGE);
      await page.keyboard.press('Enter');
    }
    await showOn(page, station, sample('idle'));
    expect(station.received).toEqual([]);
  });

  test('types into nothing after a finger has touched the keys', async () => {
    await open();
    await showOn(page, station, sample('pin'));
    for (const digit of ['1', '2', '3', '4', '5', '6']) await page.locator(`[data-key="${digit}"]`).click();
    await page.keyboard.type(BADGE);
    expect(await page.locator('.pin-dots > [data-filled]').count()).toBe(6);
    expect(station.received).toEqual([]);
  });
});

describe('the PIN pad', () => {
  const type = async (pin: string): Promise<void> => {
    for (const digit of pin) await page.locator(`[data-key="${digit}"]`).click();
  };

  test('sends what was touched once, shows dots only, and forgets', async () => {
    await open();
    await showOn(page, station, sample('pin'));
    await type('482915');
    expect(await page.locator('.pin-state').innerText()).not.toMatch(/\d/);
    await page.locator('[data-key="enter"]').click();
    await expect.poll(() => station.received).toEqual([{ id: 1, request: { command: 'enter-pin', session: 's1', pin: '482915' } }]);
    await expect.poll(() => page.locator('.pin-dots > [data-filled]').count()).toBe(0);
  });

  test('starts empty for the next person', async () => {
    await open();
    await showOn(page, station, sample('pin'));
    await type('4829');
    await showOn(page, station, snapshotOf({ kind: 'pin', session: 's2', name: 'Jonas T.', wrong: false, checking: false, ofCard: false, triesLeft: 5, untilMs: AT }));
    expect(await page.locator('.pin-dots > [data-filled]').count()).toBe(0);
    await type('777777');
    await page.locator('[data-key="enter"]').click();
    await expect.poll(() => station.received).toEqual([{ id: 1, request: { command: 'enter-pin', session: 's2', pin: '777777' } }]);
  });

  test('lets go on Leave, and can be worked by keyboard focus for those who cannot touch', async () => {
    await open();
    await showOn(page, station, sample('pin'));
    await page.locator('[data-key="leave"]').focus();
    await page.keyboard.press('Enter');
    await expect.poll(() => station.received).toEqual([{ id: 1, request: { command: 'cancel', session: 's1' } }]);
  });

  test('has keys for gloved fingers on every format', async () => {
    await open();
    for (const format of FORMATS) {
      await page.setViewportSize(format);
      await showOn(page, station, sample('pin-wrong'));
      const boxes = await page.locator('.pin-key').evaluateAll((keys) => keys.map((key) => key.getBoundingClientRect().toJSON() as { left: number; right: number; top: number; bottom: number; width: number; height: number }));
      expect(boxes).toHaveLength(13);
      expect(Math.min(...boxes.flatMap(({ width, height }) => [width, height]))).toBeGreaterThanOrEqual(TOUCH);
      const gaps = boxes.flatMap((one, at) => boxes.slice(at + 1).map((other) => Math.max(other.left - one.right, one.left - other.right, other.top - one.bottom, one.top - other.bottom)));
      expect(Math.min(...gaps)).toBeGreaterThanOrEqual(APART - 0.5);
    }
  });
});

describe('motion', () => {
  test('the edge drains by the station’s clock and the lit slot breathes every two seconds', async () => {
    await open('no-preference');
    await showOn(page, station, sample('take'));
    const timings = await page.evaluate(() => {
      const of = (selector: string): Animation[] => document.getAnimations().filter((animation) => (animation.effect as KeyframeEffect).target?.closest(selector));
      const [drain] = of('.edge-run');
      const [breath] = of('.bay-halo');
      const keyframes = (drain?.effect as KeyframeEffect).getKeyframes().map((frame) => Number.parseFloat(String(frame['strokeDashoffset'])));
      return { left: drain?.effect?.getTiming().duration, keyframes, breath: breath?.effect?.getTiming().duration };
    });
    expect(timings.left).toBe(20_000);
    expect(timings.keyframes[0]).toBeCloseTo(-1 / 3, 4);
    expect(timings.breath).toBe(2000);
  });

  test('a pulled tablet leaves its bay and nothing stays behind', async () => {
    await open('no-preference');
    await showOn(page, station, sample('take'));
    expect(await page.locator('[data-bay="7"] .tablet').count()).toBe(1);
    await showOn(page, station, sample('taken'));
    await expect.poll(() => page.locator('[data-bay="7"] .tablet').count()).toBe(0);
    await showOn(page, station, { ...sample('returned'), slots: withSlot({ slot: 7, look: 'preparing' }) });
    await expect.poll(() => page.locator('[data-bay="7"] .tablet').count()).toBe(1);
  });

  test('stops for those who ask for less of it', async () => {
    await open('reduce');
    await showOn(page, station, sample('take'));
    const moving = await page.evaluate(() => document.getAnimations().map((animation) => (animation.effect as KeyframeEffect).getTiming().easing));
    expect(moving.filter((easing) => !easing?.startsWith('steps'))).toEqual([]);
  });
});

describe('a station that goes away', () => {
  test('before the first word: the page says it is starting', async () => {
    await open();
    await page.getByRole('heading', { name: 'Starting…' }).waitFor({ state: 'visible' });
  });

  test('is named as lost, its last screen cannot be touched, and the page finds it again by itself', async () => {
    await open();
    await showOn(page, station, sample('pin'));
    station.setDown(true);
    await page.getByRole('heading', { name: 'This screen lost the cart' }).waitFor({ state: 'visible' });
    expect(await page.locator('main[data-kind]').getAttribute('inert')).not.toBeNull();
    station.setDown(false);
    await page.getByRole('heading', { name: 'Enter your PIN' }).waitFor({ state: 'visible' });
    expect(await page.locator('.no-station').count()).toBe(0);
  });

  test('and comes back talking nonsense: nothing of it is drawn', async () => {
    await open();
    await showOn(page, station, sample('idle'));
    station.pushRaw({ snapshot: { ...sample('take'), message: { kind: 'take', slot: 'seven' } } });
    await expect.poll(() => station.connections()).toBe(2);
    await page.waitForSelector('main[data-kind="idle"]:not([inert])');
    expect(await page.locator('main[data-kind="take"]').count()).toBe(0);
  });
});

test('under Electron the page speaks over the preload bridge and opens no socket', async () => {
  page = await context.newPage();
  await page.addInitScript((snapshot) => {
    const sent: unknown[] = [];
    const bridge = {
      send: (message: unknown) => sent.push(message),
      onMessage: (listener: (message: unknown) => void) => {
        listener({ snapshot });
        return () => undefined;
      },
    };
    Object.assign(window, { dockward: bridge, sentByPage: sent });
  }, sample('pin'));
  const sockets: string[] = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  await page.goto(station.url);
  await page.getByRole('button', { name: 'Leave' }).click();
  expect(await page.evaluate(() => (window as unknown as { sentByPage: unknown[] }).sentByPage)).toEqual([{ id: 1, request: { command: 'cancel', session: 's1' } }]);
  expect(sockets).toEqual([]);
});

test('the page loads in at most 150 kB, gzipped, fonts apart', async () => {
  await open();
  const files = (await readdir(built.folder, { recursive: true })).filter((file) => /\.(js|css|html)$/.test(file));
  const sizes = await Promise.all(files.map(async (file) => gzipSync(await readFile(join(built.folder, file))).length));
  expect(files.length).toBeGreaterThanOrEqual(3);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(150_000);
});
