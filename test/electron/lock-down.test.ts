import { expect, test } from 'vitest';
import { startedShell } from '../support/preload-host/started-shell.ts';

test('the window is a sandboxed kiosk without Node, tools, dialogues or spell checker', async () => {
  const { window, seen, session } = await startedShell();
  expect(window.options).toMatchObject({ kiosk: true, fullscreen: true, frame: false, closable: false, show: false });
  expect(window.options.webPreferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    plugins: false,
    navigateOnDragDrop: false,
    disableDialogs: true,
    spellcheck: false,
    devTools: false,
  });
  expect(window.options.webPreferences?.session).toBe(session);
  expect(session.partition.startsWith('persist:')).toBe(false);
  expect(session.spellChecker).toBe(false);
  expect(seen).toMatchObject({ sandboxed: true, menu: null, blockers: ['prevent-display-sleep'] });
  expect(window.menu).toBe(null);
  expect(window.webContents.loaded).toEqual(['app://kiosk/index.html']);
  window.emit('ready-to-show');
  expect(window.shown).toBe(true);
});

test('only the development build obeys a wish for an ordinary window or offers developer tools', async () => {
  const installed = await startedShell({ env: { DOCKWARD_WINDOWED: '1' } });
  expect(installed.window.options.kiosk).toBe(true);
  const development = await startedShell({ packaged: false, env: { DOCKWARD_WINDOWED: '1' } });
  expect(development.window.options.kiosk).toBe(false);
  expect(development.window.options.webPreferences?.devTools).toBe(true);
  const plain = await startedShell({ packaged: false });
  expect(plain.window.options.kiosk).toBe(true);
});

test.each([
  ['will-navigate', [{ url: 'https://elsewhere.example/' }]],
  ['will-frame-navigate', [{ url: 'app://kiosk/other.html' }]],
  ['will-redirect', [{ url: 'https://elsewhere.example/' }]],
  ['will-attach-webview', [{}, {}]],
  ['context-menu', [{ x: 1, y: 1 }]],
])('the page attempts %s: refused', async (name, rest) => {
  const { page } = await startedShell();
  expect(page.tryEvent(name, ...rest)).toBe(false);
});

test('the page opens a window: refused, and said in the log', async () => {
  const { page, events } = await startedShell();
  expect(page.tryOpen('https://elsewhere.example/')).toBe(false);
  expect(page.tryOpen('app://kiosk/index.html')).toBe(false);
  expect(events()).toContain('page-refused');
});

test('contents that somebody else creates are locked just the same', async () => {
  const { surface } = await startedShell();
  const stranger = new surface.BrowserWindow({});
  expect(stranger.webContents.tryOpen('https://elsewhere.example/')).toBe(false);
  expect(stranger.webContents.tryEvent('will-navigate', {})).toBe(false);
  const session = surface.session.fromPartition('stranger');
  expect(session.tryDownload()).toBe(false);
});

test('developer tools that open in an installed build close again', async () => {
  const { page } = await startedShell();
  page.openDevTools();
  expect(page.devToolsOpen).toBe(false);
});

test.each([
  ['Ctrl+R', { key: 'r', control: true, meta: false, alt: false }],
  ['Alt+F4', { key: 'F4', control: false, meta: false, alt: true }],
  ['F12', { key: 'F12', control: false, meta: false, alt: false }],
  ['Alt+Left', { key: 'ArrowLeft', control: false, meta: false, alt: true }],
  ['the browser key', { key: 'BrowserHome', control: false, meta: false, alt: false }],
])('somebody plugs in a keyboard and presses %s: nothing happens', async (_name, input) => {
  const { page } = await startedShell();
  expect(page.tryEvent('before-input-event', input)).toBe(false);
});

test('digits still reach the page', async () => {
  const { page } = await startedShell();
  expect(page.tryEvent('before-input-event', { key: '7', control: false, meta: false, alt: false })).toBe(true);
});

test.each(['media', 'geolocation', 'notifications', 'hid', 'usb', 'serial', 'fullscreen', 'clipboard-read', 'openExternal'])('the page asks for %s: denied', async (permission) => {
  const { session } = await startedShell();
  expect(session.tryPermission(permission)).toBe(false);
});

test('the page asks for a device, the screen, a Bluetooth pairing or a download: denied', async () => {
  const { session } = await startedShell();
  expect(session.tryDevice()).toBe(false);
  expect(session.tryScreenCapture()).toBe(false);
  expect(session.tryPairing()).toBe(false);
  expect(session.tryDownload()).toBe(false);
});

test('nothing but the page itself is ever fetched', async () => {
  const { session } = await startedShell();
  expect(session.tryRequest('app://kiosk/assets/kiosk.js')).toBe(true);
  for (const url of ['https://elsewhere.example/', 'http://127.0.0.1:8080/', 'file:///etc/passwd', 'app://other/', 'ws://127.0.0.1/kiosk', 'devtools://devtools/', 'app://user@kiosk/']) {
    expect([url, session.tryRequest(url)]).toEqual([url, false]);
  }
});

test('the page\'s own session does not wait for its announcement to be locked', async () => {
  const { session } = await startedShell({ announcesSessions: false });
  expect([session.tryPermission('media'), session.tryDownload(), session.tryRequest('https://elsewhere.example/')]).toEqual([false, false, false]);
});

test('Alt+F4 does not close the kiosk; quitting does', async () => {
  const { window, app } = await startedShell();
  expect(window.tryClose()).toBe(false);
  app.quit();
  expect(window.tryClose()).toBe(true);
});
