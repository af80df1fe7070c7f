import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import type { Snapshot } from '../../../app/contract/kiosk.ts';
import { startShell } from '../../../app/shell/shell.ts';
import { electronDouble } from './electron-double.ts';
import type { ElectronDoubleSetting } from './electron-double.ts';
import { manualClock } from './manual-clock.ts';

/** A built kiosk page of two files in a folder that goes with the test. */
export function builtPage(): string {
  const root = mkdtempSync(join(tmpdir(), 'dockward-shell-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, 'dist/kiosk/assets'), { recursive: true });
  writeFileSync(join(root, 'dist/kiosk/index.html'), '<!doctype html><title>Dockward</title>');
  writeFileSync(join(root, 'dist/kiosk/assets/kiosk.js'), 'export {};');
  return root;
}

type Setting = Partial<ElectronDoubleSetting> & { readonly env?: Readonly<Record<string, string>> };

/** The production shell on the Electron double and a clock that stands still, its window open. */
export async function startedShell(setting: Setting = {}) {
  const shell = beginShell(setting);
  const window = await vi.waitFor(() => {
    const found = shell.windows[0];
    if (found?.webContents.loaded.length !== 1) throw new Error('no page loads yet');
    return found;
  });
  const session = shell.sessions[0];
  if (session === undefined) throw new Error('the window has no session');
  return { ...shell, window, page: window.webContents, session };
}

/** The same without waiting for a window: for starts that end early. */
export function beginShell(setting: Setting = {}) {
  const double = electronDouble({ root: setting.root ?? builtPage(), ...setting });
  const clock = manualClock();
  const lines: { event: string; facts: unknown }[] = [];
  startShell({ electron: double.electron, env: setting.env ?? {}, clock, log: (_level, event, facts) => void lines.push({ event, facts }) });
  return { ...double, clock, lines, events: () => lines.map((line) => line.event) };
}

/** A snapshot as small as the contract allows. */
export function smallSnapshot(revision: number): Snapshot {
  return {
    revision,
    atMs: 0,
    place: { ward: 'Ward 4', cart: 'Cart A' },
    timeZone: 'Europe/Zurich',
    language: 'en',
    theme: 'day',
    shelves: [[1]],
    slots: [{ slot: 1, look: 'empty' }],
    counts: { ready: 0, preparing: 0, waiting: 0, outOfService: 0, out: 0 },
    message: { kind: 'idle' },
    others: [],
    network: { state: 'online', unsynced: 0 },
    ladder: 'fresh',
    clockUnsure: false,
    degraded: [],
  };
}
