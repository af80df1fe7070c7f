import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright';
import type { Browser, BrowserContextOptions, Page } from 'playwright';

const root = fileURLToPath(new URL('../../', import.meta.url));
const DEBIAN_CHROMIUM = '/usr/bin/chromium';

/** Debian's Chromium where it is installed, else Playwright's own. */
export async function openBrowser(): Promise<Browser> {
  return chromium.launch({ args: ['--no-sandbox'], ...(existsSync(DEBIAN_CHROMIUM) ? { executablePath: DEBIAN_CHROMIUM } : {}) });
}

/** The production bundle in a folder of its own, built as `npm run build` does. */
export async function buildFleetPage(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'dockward-fleet-'));
  await promisify(execFile)(process.execPath, ['node_modules/vite/bin/vite.js', 'build', '-c', 'scripts/vite.fleet.ts', '--outDir', folder], { cwd: root, env: { ...process.env, NODE_ENV: 'production' } });
  return { folder, remove: () => rm(folder, { recursive: true }) };
}

export interface Visit {
  readonly page: Page;
  /** Uncaught errors and breaches of the security policy since the page opened; failed requests are the network's matter. */
  readonly complaints: string[];
}

export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
  });
  return { page, complaints };
}
