import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createContext, runInContext } from 'node:vm';
import { createRequire } from 'node:module';
import { expect, onTestFinished, test, vi } from 'vitest';
import { bundleShell } from '../../scripts/bundle-shell.ts';
import { electronDouble } from '../support/preload-host/electron-double.ts';

/** The bundled program as it ships, with the double where it asks for Electron, and a process of its own to listen on. */
async function runBundledMain(setting: { readonly upSeconds?: number; readonly env?: Readonly<Record<string, string>> } = {}) {
  const root = mkdtempSync(join(tmpdir(), 'dockward-main-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const { main } = await bundleShell(join(root, 'dist'));
  mkdirSync(join(root, 'dist/kiosk'));
  writeFileSync(join(root, 'dist/kiosk/index.html'), '<!doctype html>');
  const double = electronDouble({ root });
  const written: string[] = [];
  const listeners = new Map<string, (error: unknown) => void>();
  const fakeProcess = { env: setting.env ?? {}, uptime: () => setting.upSeconds ?? 1, stderr: { write: (line: string) => written.push(line) }, on: (event: string, listener: (error: unknown) => void) => listeners.set(event, listener) };
  const nodeRequire = createRequire(import.meta.url);
  const require = (name: string): unknown => (name === 'electron' ? double.surface : nodeRequire(name));
  const context = createContext({ require, exports: {}, module: { exports: {} }, process: fakeProcess, URL, Response, WebSocket, performance, setTimeout, clearTimeout });
  runInContext(readFileSync(main, 'utf8'), context, { filename: main });
  return { ...double, root, written, listeners };
}

test('the bundled program opens its kiosk window and starts its station from the packaged place', async () => {
  const { windows, processes, root, written } = await runBundledMain();
  await vi.waitFor(() => expect(windows[0]?.webContents.loaded).toEqual(['app://kiosk/index.html']));
  expect(windows[0]?.options.webPreferences?.preload).toBe(join(root, 'dist/preload/preload.cjs'));
  expect(processes.map(({ program, args }) => [program, args])).toEqual([
    [join(root, 'dist/station/station-node.mjs'), ['--data', join(root, 'user-data/station')]],
  ]);
  expect(JSON.parse(written[0] ?? '')).toMatchObject({ part: 'shell', event: 'shell-started', arrangement: 'desktop' });
});

test.each(['uncaughtException', 'unhandledRejection'])('%s ends the program with a log line instead of a dialogue over the kiosk', async (event) => {
  const { windows, listeners, seen, written } = await runBundledMain();
  await vi.waitFor(() => expect(windows[0]?.webContents.loaded).toHaveLength(1));
  listeners.get(event)?.(new Error('a bug'));
  expect(seen.exits).toEqual([70]);
  expect(written.at(-1)).toContain('a bug');
});

test.each([
  ['on a desktop after an hour', { upSeconds: 3600 }, 1],
  ['on a desktop at once, where it would only fail again', { upSeconds: 3 }, 0],
  ['on an appliance, where systemd does it', { upSeconds: 3600, env: { DOCKWARD_KIOSK_URL_FILE: '/nowhere' } }, 0],
])('a bug ends the program %s', async (_where, setting, relaunches) => {
  const { windows, listeners, seen, app } = await runBundledMain(setting);
  await vi.waitFor(() => expect(windows[0]?.webContents.loaded).toHaveLength(1));
  listeners.get('uncaughtException')?.(new Error('a bug'));
  expect([seen.relaunches, seen.exits]).toEqual([relaunches, [70]]);
  app.quit();
});
