import type { Browser, BrowserContext, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Snapshot } from '../../app/contract/kiosk.ts';
import { axeOn, violationsOf, WCAG } from '../support/axe.ts';
import { buildPage, type BuiltPage } from '../support/built-page.ts';
import { launchChromium, PROCESS_PER_SITE, siteContext } from '../support/chromium.ts';
import { settled, showOn } from './drawn.ts';
import { startFakeStation } from './kiosk-server.ts';
import type { FakeStation } from './kiosk-server.ts';
import { misfits } from './layout.ts';
import { OVERNIGHT_SAMPLES } from './overnight-samples.ts';
import { AT, SAMPLES } from './samples.ts';

const LANDSCAPE = { width: 1280, height: 800 };
const PORTRAIT = { width: 1080, height: 1920 };
/** R11.1 at 96 dpi: 20 mm. */
const TOUCH = 75.5;
/** Those with the most words. */
const WORDIEST = ['night-offline', 'night-updates', 'night-32', 'morning-short', 'morning-many'];
const sample = (name: string): Snapshot => {
  const found = { ...SAMPLES, ...OVERNIGHT_SAMPLES }[name];
  if (found === undefined) throw new Error(`no sample ${name}`);
  return found;
};

let built: BuiltPage;
let browser: Browser;
let station: FakeStation;
let context: BrowserContext;
let page: Page;
let complaints: string[];

beforeAll(async () => {
  [built, browser] = await Promise.all([buildPage('kiosk'), launchChromium('--force-color-profile=srgb', PROCESS_PER_SITE)]);
  context = await siteContext(browser, { viewport: LANDSCAPE, reducedMotion: 'reduce' });
});
afterAll(async () => {
  await browser.close();
  await built.remove();
});
beforeEach(async () => {
  complaints = [];
  station = await startFakeStation(built.folder);
  page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
});
afterEach(async () => {
  await page.close();
  await station.close();
  expect(complaints, 'content security policy and page errors').toEqual([]);
});

const show = async (name: string, change: Partial<Snapshot> = {}): Promise<void> => showOn(page, station, { ...sample(name), ...change });
const open = async (): Promise<void> => void (await page.goto(station.url));
const openSheet = async (): Promise<void> => {
  await page.locator('.morning-open').click();
  await page.locator('.morning-sheet').waitFor();
  await settled(page);
};
/** As it is read: without the marks that keep names and numbers in one piece. */
const read = (raw: string): string => raw.replace(/[\u2068\u2069]/g, '').replace(/\s+/g, ' ');
const text = async (selector: string): Promise<string> => read(await page.locator(selector).first().innerText());
const texts = async (selector: string): Promise<string[]> => (await page.locator(selector).allInnerTexts()).map(read);

describe('night board, morning and sheet fit without scrolling', () => {
  const check = async (change: Partial<Snapshot>, formats: readonly { width: number; height: number }[], names: readonly string[] = Object.keys(OVERNIGHT_SAMPLES)): Promise<string[]> => {
    await open();
    const wrong: string[] = [];
    for (const format of formats) {
      await page.setViewportSize(format);
      for (const name of names) {
        const found = async (what: string): Promise<void> => void wrong.push(...(await misfits(page)).map((problem) => `${name} ${what} ${format.width}×${format.height}: ${problem}`));
        await show(name, change);
        await found('');
        if (sample(name).morning === undefined) continue;
        await openSheet();
        await found('sheet');
        await page.locator('.sheet-head .key').click();
      }
    }
    return wrong;
  };
  test('in English, on three formats', async () => expect(await check({}, [LANDSCAPE, PORTRAIT, { width: 1024, height: 768 }])).toEqual([]));
  test('when every text is 40 % longer', async () => expect(await check({ language: 'en-XA' }, [LANDSCAPE, PORTRAIT], WORDIEST)).toEqual([]));
  test('from right to left', async () => expect(await check({ language: 'he' }, [LANDSCAPE, PORTRAIT], WORDIEST)).toEqual([]));
});

describe('while the cart prepares the morning', () => {
  test('the board says how far it is, by when all is ready, and when each tablet will be', async () => {
    await open();
    await show('night-on-track');
    expect(await text('h1')).toBe('8 Night run of 12');
    expect(await text('.lead')).toBe('All ready by 05:40. Needed at 07:00.');
    expect(await page.locator('[data-bay="3"] .bay-note').allTextContents()).toEqual(['03', '20']);
    expect(await page.locator('[data-bay="1"] .bay-note').count()).toBe(0);
    const spoken = read((await page.locator('.cart-map svg').getAttribute('aria-label')) ?? '');
    expect(spoken).toContain('Slot 3: preparing, 58% charged. ready at 03:20');
    expect(spoken).toContain('Tablet 9 waits: wipe about to be asked for (3 hr)');
  });

  test('systems that are being updated are counted, and those that are not though an update waits, with the reason', async () => {
    await open();
    await show('night-updates');
    expect(await texts('p.quiet')).toContain('1 system is being updated. 2 updates are left out: IT has to install them.');
    expect(read((await page.locator('.cart-map svg').getAttribute('aria-label')) ?? '')).toContain('Tablet 3: system being updated (6 min)');
    await show('night-on-track');
    expect((await texts('p.quiet')).join()).not.toContain('update');
  });

  test('the ward that will be short is named with the number and the reason, and stands first', async () => {
    await open();
    await show('night-short');
    expect(await text('.lead')).toBe('Short by 2 for 7 West: too few tablets are in the cart.');
    expect(await page.locator('.needs-ward').allInnerTexts()).toEqual(['7 West', '7 East']);
    expect(await text('.needs')).toContain('2 of 6, 4 by 07:00, short by 2');
  });

  test('more ready in one ward do not make up for what another lacks', async () => {
    await open();
    await show('night-short', { night: { shiftMs: AT, wards: [{ ward: '7 East', needed: 4, ready: 9, byShift: 9 }, { ward: '7 West', needed: 4, ready: 1, byShift: 1, shortBy: 3, because: 'absent' }], slots: [] } });
    expect(await text('h1')).toBe('5 Night run of 8');
  });

  test('somebody who taps at night gets the usual screen, without times on the map', async () => {
    await open();
    await show('night-on-track');
    await show('night-on-track', { message: sample('take').message });
    expect(await page.locator('.night-run, .bay-note').count()).toBe(0);
    await page.locator('.order > .numeral').waitFor();
  });

  test('a cart that cannot lend says so first, night or not', async () => {
    await open();
    await show('night-on-track', { degraded: ['ledger'] });
    expect(await text('h1')).toBe('Use another cart to take one');
  });
});

describe('the morning', () => {
  test('the count stays; under it stand what is needed and the first things to do, ranked as the cart ranked them', async () => {
    await open();
    await show('morning-seven');
    expect(await text('h1')).toBe('9 ready');
    expect(await texts('.firsts > li')).toEqual(['Slot 13 Put it back about 1 min', 'Slot 6 Move it to another slot about 2 min', 'Slot 9 Swap its cable about 3 min']);
    expect(await text('.needs-line')).toBe('7 East 9 ready, 8 needed');
  });

  test('nothing to mend is said in one line', async () => {
    await open();
    await show('morning-none');
    expect(await text('.morning')).toContain('Nothing to mend this morning.');
  });

  test('hours into the shift only the button is left', async () => {
    await open();
    await show('morning-noon');
    expect(await text('.morning')).not.toContain('Swap');
    await openSheet();
    expect(await text('.exceptions')).toContain('Swap its cable');
  });

  test('the sheet has every exception with its reason, a label instead of a serial, and what the night did', async () => {
    await open();
    await show('morning-seven');
    await openSheet();
    const items = (await texts('.exceptions > li')).join('\n');
    expect(items).toContain('Slot 6 Move it to another slot about 2 min T-112 · Its wipe did not work. Suspect the slot, not the tablet.');
    expect(items).toContain('T-114 Find who has it');
    expect(items).not.toContain('R52T');
    expect(await text('.foot')).toContain('11 tablets wiped and proven, 1 wipe that did not work, 1 tablet put out of use');
  });

  test.each([LANDSCAPE, PORTRAIT])('32 exceptions on one screen: as many as fit, the others counted ($width×$height)', async (format) => {
    await page.setViewportSize(format);
    await open();
    await show('morning-many');
    await openSheet();
    const shown = await page.locator('.exceptions > li:visible').count();
    expect(shown).toBeGreaterThanOrEqual(5);
    expect(await text('.exceptions-more')).toBe(`and ${32 - shown} more`);
  });
});

describe('a sheet that was opened', () => {
  test('closes by itself after a minute', async () => {
    await page.clock.install();
    await open();
    await show('morning-seven');
    await openSheet();
    await page.clock.runFor(59_000);
    expect(await page.locator('.morning-sheet').count()).toBe(1);
    await page.clock.runFor(1_500);
    await expect.poll(() => page.locator('.morning-sheet').count()).toBe(0);
    expect(await text('h1')).toBe('9 ready');
  });

  test('gives way to whoever taps, and does not come back after them', async () => {
    await open();
    await show('morning-seven');
    await openSheet();
    await show('morning-seven', { message: sample('take').message });
    await page.locator('.order > .numeral').waitFor();
    await show('morning-seven');
    expect(await page.locator('.morning-sheet').count()).toBe(0);
  });

  test('is not worked by a badge reader that poses as a keyboard', async () => {
    await open();
    await show('morning-seven');
    await page.keyboard.type('04A1B2C3\n');
    expect(await page.locator('.morning-sheet').count()).toBe(0);
    // A finger that touches the button and slides off it leaves it without focus.
    await page.locator('.morning-open').hover();
    await page.mouse.down();
    await page.mouse.move(5, 5);
    await page.mouse.up();
    await page.keyboard.type('04A1B2C3\n');
    expect(await page.locator('.morning-sheet').count()).toBe(0);
    await openSheet();
    await page.keyboard.type('04A1B2C3\n \n');
    expect(await page.locator('.morning-sheet').count()).toBe(1);
    await page.locator('.sheet-head .key').click();
    await page.keyboard.type('04A1B2C3\n');
    expect(await page.locator('.morning-sheet').count()).toBe(0);
    expect(station.received).toEqual([]);
  });

  test('has buttons for gloved fingers', async () => {
    await open();
    await show('morning-seven');
    const sizeOf = async (): Promise<number> => page.locator('.key').evaluate((key) => Math.min(key.getBoundingClientRect().width, key.getBoundingClientRect().height));
    expect(await sizeOf()).toBeGreaterThanOrEqual(TOUCH);
    await openSheet();
    expect(await sizeOf()).toBeGreaterThanOrEqual(TOUCH);
  });
});

test('whoever finds no tablet is told of the one that has waited longest, and for how long', async () => {
  await open();
  await show('refusal-no-device-ready');
  expect(await text('.body')).toBe('No tablet is proven clean. Tablet 9 waits: new enrolment not seen yet (4 min).');
  await show('idle');
  expect(await text('.waits')).toBe('Tablet 9 waits: new enrolment not seen yet (4 min)');
});

test.each(['day', 'night'] as const)('nobody is shut out: axe finds nothing by %s', async (theme) => {
  await open();
  const wrong: string[] = [];
  for (const name of theme === 'day' ? ['night-32', 'morning-short', 'morning-many'] : ['night-32', 'morning-many']) {
    await show(name, { theme });
    if (name === 'morning-many') await openSheet();
    const axe = axeOn(page);
    wrong.push(...(await violationsOf(theme === 'day' ? axe.withTags(WCAG) : axe.withRules(['color-contrast']))).map((violation) => `${name}: ${violation}`));
  }
  expect(wrong).toEqual([]);
});
