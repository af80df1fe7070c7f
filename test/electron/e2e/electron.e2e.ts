import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { _electron } from 'playwright';
import type { ElectronApplication, Page } from 'playwright';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleShell } from '../../../scripts/bundle-shell.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Where the package keeps the binary it fetched; undefined where it did not. Asking the package itself would start a download. */
function electronBinary(): string | undefined {
  const folder = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
  if (!existsSync(join(folder, 'path.txt'))) return undefined;
  const binary = join(folder, 'dist', readFileSync(join(folder, 'path.txt'), 'utf8').trim());
  return existsSync(binary) ? binary : undefined;
}

const binary = electronBinary();
const page = join(ROOT, 'dist/kiosk/index.html');
const missing = binary === undefined ? 'Electron binary not present' : existsSync(page) ? undefined : 'dist/kiosk not built';
if (missing !== undefined) process.stdout.write(`skipped: test/electron/e2e: ${missing}\n`);

describe.skipIf(missing !== undefined)(`real Electron${missing === undefined ? '' : ` (skipped: ${missing})`}`, () => {
  let home: string;
  let app: ElectronApplication;
  let window: Page;

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'dockward-electron-'));
    await bundleShell();
    // No station listens there: the shell is under test, and it must stand without one.
    const env = { ...process.env, DOCKWARD_KIOSK_URL: 'ws://127.0.0.1:9/kiosk?token=none' } as Record<string, string>;
    app = await _electron.launch({ ...(binary === undefined ? {} : { executablePath: binary }), args: [ROOT, `--user-data-dir=${home}`], env });
    window = await app.firstWindow();
    await window.waitForLoadState();
  });
  afterAll(async () => {
    await app?.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('the window is a kiosk at its own address, without a menu', async () => {
    expect(window.url()).toBe('app://kiosk/index.html');
    const state = await app.evaluate(({ BrowserWindow, Menu }) => ({ kiosk: BrowserWindow.getAllWindows().map((one) => one.isKiosk()), menu: Menu.getApplicationMenu() }));
    expect(state).toEqual({ kiosk: [true], menu: null });
  });

  test('the page is sandboxed and has the bridge only', async () => {
    expect(await window.evaluate(`['require', 'process', 'module', 'Buffer'].filter((name) => name in window)`)).toEqual([]);
    expect(await window.evaluate('Object.keys(window.dockward).sort()')).toEqual(['onMessage', 'send']);
    expect(await window.evaluate('Object.isFrozen(window.dockward)')).toBe(true);
  });

  test('it navigates nowhere, opens nothing and fetches nothing', async () => {
    await window.evaluate(`window.location.href = 'https://example.invalid/'`).catch(() => undefined);
    expect(await window.evaluate(`window.open('app://kiosk/index.html') === null`)).toBe(true);
    expect(await window.evaluate(`fetch('/index.html').then(() => 'fetched', () => 'refused')`)).toBe('refused');
    expect(window.url()).toBe('app://kiosk/index.html');
    expect(app.windows()).toHaveLength(1);
  });

  test('a page that crashes comes back', async () => {
    const crashed = app.evaluate(({ BrowserWindow }) => {
      const contents = BrowserWindow.getAllWindows()[0]?.webContents;
      return new Promise<string>((resolve) => {
        contents?.once('did-finish-load', () => resolve(contents.getURL()));
        contents?.forcefullyCrashRenderer();
      });
    });
    expect(await crashed).toBe('app://kiosk/index.html');
  });
});
