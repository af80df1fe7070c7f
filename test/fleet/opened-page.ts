import { mkdirSync } from 'node:fs';
import type { Browser, BrowserContext, Page } from 'playwright';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { FleetDevice } from '../../app/contract/fleet.ts';
import { buildPage, type BuiltPage } from '../support/built-page.ts';
import { launchChromium, PROCESS_PER_SITE, siteContext } from '../support/chromium.ts';
import { ZONE } from './night-of-t114.ts';
import { startStubCentral, type StubCentral } from './stub-central.ts';
import { twoWards } from './two-wards.ts';

/** Where pictures of the page are kept. */
export const SCREENS = '.cache/screens';

export interface Look {
  readonly viewport: { readonly width: number; readonly height: number };
  readonly colorScheme: 'light' | 'dark';
}
const DESK: Look = { viewport: { width: 1280, height: 800 }, colorScheme: 'light' };

/** A server of each test's own, with the two wards. */
export let central: StubCentral;
/** An empty page for each test; `open` leads it somewhere. */
export let page: Page;

/** For every test of the file that calls it. No test may leave an uncaught error or a breach of the security policy; failed requests are the network's matter. */
export function fleetPage(): void {
  let built: BuiltPage;
  let browser: Browser;
  let context: BrowserContext;
  const complaints: string[] = [];

  beforeAll(async () => {
    mkdirSync(SCREENS, { recursive: true });
    [built, browser] = await Promise.all([buildPage('fleet'), launchChromium(PROCESS_PER_SITE)]);
    context = await siteContext(browser, { reducedMotion: 'reduce', timezoneId: ZONE });
  });
  afterAll(async () => {
    await browser.close();
    await built.remove();
  });
  beforeEach(async () => {
    central = await startStubCentral(built.folder, twoWards());
    page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
    });
    await look(DESK);
  });
  afterEach(async () => {
    await page.close();
    await context.clearCookies();
    await central.close();
    expect(complaints.splice(0)).toEqual([]);
  });
}

export async function look({ viewport, colorScheme }: Look): Promise<void> {
  await page.setViewportSize(viewport);
  await page.emulateMedia({ colorScheme });
}

/** The place behind this hash, as somebody sees it who has signed in. */
export async function open(hash: string): Promise<void> {
  central.signedIn = true;
  await page.context().addCookies([{ name: 'session', value: '1', url: central.url }]);
  await page.goto(central.url + hash);
}

/** As when the network is back: what is shown is read again at once, not after the next pause. */
export const readAgain = (): Promise<unknown> => page.evaluate(`dispatchEvent(new Event('online'))`);

/** As the test’s server knows it by now. */
export function device(asset: string): FleetDevice {
  const found = central.view.devices.find((known) => known.asset === asset);
  if (found === undefined) throw new Error(`no ${asset} among the two wards`);
  return found;
}
