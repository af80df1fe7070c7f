import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { bundleShell } from '../../scripts/bundle-shell.ts';
import { hostPage } from '../support/preload-host/chromium-host.ts';
import type { HostedPage } from '../support/preload-host/chromium-host.ts';
import { smallSnapshot, startedShell } from '../support/preload-host/started-shell.ts';

const scratch = mkdtempSync(join(tmpdir(), 'dockward-preload-'));
const sent: { channel: string; message: unknown }[] = [];
let hosted: HostedPage;

/** A page as ours is built: one module script, nothing inline. */
const PAGE_SCRIPT = `
window.seen = [];
window.unsubscribe = window.dockward.onMessage((message) => window.seen.push(message));
window.dockward.send({ id: 1, request: { command: 'dismiss' } });
`;

beforeAll(async () => {
  const { preload } = await bundleShell(scratch);
  const pageFolder = join(scratch, 'kiosk');
  mkdirSync(pageFolder);
  writeFileSync(join(pageFolder, 'index.html'), '<!doctype html><html lang="en"><title>Dockward</title><script type="module" src="/page.js"></script></html>');
  writeFileSync(join(pageFolder, 'page.js'), PAGE_SCRIPT);
  hosted = await hostPage({ pageFolder, preload, onSent: (channel, message) => void sent.push({ channel, message }) });
});
afterAll(async () => {
  await hosted?.close();
  rmSync(scratch, { recursive: true, force: true });
});
beforeEach(async () => {
  sent.length = 0;
  await hosted.page.reload();
  await vi.waitFor(() => expect(sent).toHaveLength(1));
});

test('a message goes to the shell and the answer comes back, under the production policy', async () => {
  expect(sent).toEqual([{ channel: 'dockward', message: { id: 1, request: { command: 'dismiss' } } }]);
  await hosted.deliver('dockward', { id: 1, ok: true });
  expect(await hosted.page.evaluate('seen')).toEqual([{ id: 1, ok: true }]);
  expect(hosted.complaints).toEqual([]);
});

test('page, preload, IPC and relay together: a request reaches the station, its answer and its snapshot the page', async () => {
  const { surface, page, processes } = await startedShell();
  const station = processes[0];
  station?.spawned(100);
  const delivered: Promise<void>[] = [];
  page.deliver = (channel, message) => void delivered.push(hosted.deliver(channel, message));
  const [first] = sent;
  surface.ipcMain.emit(first?.channel ?? '', { sender: page, senderFrame: { parent: null, url: 'app://kiosk/index.html' } }, first?.message);
  expect(station?.received.map(({ message }) => message)).toEqual([{ id: 1, request: { command: 'dismiss' } }]);
  station?.emit('message', { id: 1, ok: true });
  station?.emit('message', { snapshot: smallSnapshot(1) });
  await Promise.all(delivered);
  expect(await hosted.page.evaluate('seen')).toEqual([{ id: 1, ok: true }, { snapshot: smallSnapshot(1) }]);
});

test('a page that stops listening hears no more; what comes then is kept for the next that listens, the oldest dropped', async () => {
  await hosted.page.evaluate('unsubscribe()');
  for (let id = 1; id <= 20; id += 1) await hosted.deliver('dockward', { id, ok: true });
  expect(await hosted.page.evaluate('seen')).toEqual([]);
  await hosted.page.evaluate('window.dockward.onMessage((message) => seen.push(message.id)), undefined');
  expect(await hosted.page.evaluate('seen')).toEqual([5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
});

test('another channel does not reach the page', async () => {
  await hosted.deliver('other', { id: 1, ok: true });
  expect(await hosted.page.evaluate('seen')).toEqual([]);
});

test('the page has the bridge with its two functions, and cannot change it', async () => {
  const tried = await hosted.page.evaluate(`(() => {
    'use strict';
    const attempt = (change) => { try { change(); return 'changed'; } catch { return 'refused'; } };
    return {
      keys: Object.keys(window.dockward).sort(),
      frozen: Object.isFrozen(window.dockward),
      replace: attempt(() => { window.dockward = {}; }),
      overwrite: attempt(() => { window.dockward.send = () => {}; }),
      remove: attempt(() => { delete window.dockward; }),
    };
  })()`);
  expect(tried).toEqual({ keys: ['onMessage', 'send'], frozen: true, replace: 'refused', overwrite: 'refused', remove: 'refused' });
});

test('nothing of the preload or of Node shows in the page: its globals are a bare page\'s and our own', async () => {
  const names = 'Object.getOwnPropertyNames(window)';
  const bare = await hosted.page.context().browser()?.newContext();
  const barePage = await bare?.newPage();
  await barePage?.route('**/*', (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }));
  await barePage?.goto(hosted.page.url());
  const expected = new Set(await barePage?.evaluate<string[]>(names));
  await bare?.close();
  expect(expected.size).toBeGreaterThan(500);
  expect((await hosted.page.evaluate<string[]>(names)).filter((name) => !expected.has(name))).toEqual(['dockward', 'seen', 'unsubscribe']);
});

test.each([
  ['inline script', 'script-src-elem', `document.head.append(Object.assign(document.createElement('script'), { type: 'module', text: trusted('window.injected = true') }))`],
  ['a handler in an attribute', 'script-src-attr', `document.body.setAttribute('onclick', trusted('window.injected = true')); document.body.click()`],
  ['text as code', 'require-trusted-types-for', `setTimeout('window.injected = true', 0)`],
  ['text as markup', 'require-trusted-types-for', `document.body.innerHTML = '<b>injected</b>'; window.injected = true`],
  ['a request to another place', 'connect-src', `fetch('/index.html').then(() => { window.injected = true }, () => {})`],
])('%s is stopped by the policy', async (_what, directive, attempt) => {
  const violation = hosted.page.evaluate(`new Promise((resolve) => document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => resolve(effectiveDirective), { once: true }))`);
  const trusted = `const trusted = (text) => trustedTypes.createPolicy('test' + Math.random(), { createScript: (code) => code }).createScript(text);`;
  await hosted.page.evaluate(`{ ${trusted} ${attempt} }`).catch(() => undefined);
  expect(await violation).toBe(directive);
  expect(await hosted.page.evaluate('window.injected')).toBeUndefined();
});
