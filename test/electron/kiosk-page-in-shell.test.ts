import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bundleShell } from '../../scripts/bundle-shell.ts';
import { hostPage } from '../support/preload-host/chromium-host.ts';
import type { HostedPage } from '../support/preload-host/chromium-host.ts';
import { smallSnapshot } from '../support/preload-host/started-shell.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dockward-kiosk-'));
const sent: unknown[] = [];
let hosted: HostedPage;

beforeAll(async () => {
  const { preload } = await bundleShell(scratch);
  const pageFolder = join(scratch, 'kiosk');
  await build({ configFile: fileURLToPath(new URL('../../scripts/vite.kiosk.ts', import.meta.url)), logLevel: 'error', build: { outDir: pageFolder } });
  hosted = await hostPage({ pageFolder, preload, onSent: (_channel, message) => void sent.push(message) });
}, 60_000);
afterAll(async () => {
  await hosted?.close();
  rmSync(scratch, { recursive: true, force: true });
});

test('the kiosk page itself works through the preload under the shell\'s policy, without one complaint', async () => {
  await hosted.deliver('dockward', { snapshot: { ...smallSnapshot(1), message: { kind: 'pin', session: 's1', name: 'Maria K.', wrong: false, checking: false, ofCard: false, triesLeft: 5, untilMs: 60_000 } } });
  for (const key of ['1', '2', '3', '4', '5', '6', 'Enter']) await hosted.page.getByRole('button', { name: key, exact: true }).click();
  await vi.waitFor(() => expect(sent).toEqual([{ id: 1, request: { command: 'enter-pin', session: 's1', pin: '123456' } }]));
  expect(hosted.complaints).toEqual([]);
});
