import { existsSync } from 'node:fs';
import { chromium } from 'playwright';
import type { Browser, BrowserContext, BrowserContextOptions } from 'playwright';

const DEBIAN_CHROMIUM = '/usr/bin/chromium';

/** Debian's Chromium where it is installed, else Playwright's own. */
export function launchChromium(...flags: readonly string[]): Promise<Browser> {
  return chromium.launch({ args: ['--no-sandbox', ...flags], ...(existsSync(DEBIAN_CHROMIUM) ? { executablePath: DEBIAN_CHROMIUM } : {}) });
}

/** For `siteContext`. */
export const PROCESS_PER_SITE = '--process-per-site';

/**
 * A context for many pages of 127.0.0.1, one after another. In a browser with a process per site they share one as long as any of
 * them is open, so one stays open, empty: the next is there in half the time.
 */
export async function siteContext(browser: Browser, options: BrowserContextOptions): Promise<BrowserContext> {
  const context = await browser.newContext(options);
  const staying = await context.newPage();
  await staying.route('**', (route) => route.fulfill({ body: '' }));
  await staying.goto('http://127.0.0.1/');
  return context;
}
