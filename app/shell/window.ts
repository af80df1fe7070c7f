import type { BrowserWindow, BrowserWindowConstructorOptions, Session, WebContents } from 'electron';
import type { Log } from './log.ts';
import { isKioskAddress, KIOSK_PAGE } from './protocol.ts';

export interface WindowSetting {
  readonly preload: string;
  readonly session: Session;
  /** An installed build: no developer tools, whatever the machine's environment says. */
  readonly production: boolean;
  /** An ordinary window for development; never in production. */
  readonly windowed: boolean;
}

/** Every switch of Electron's security list is stated, also where it is the default today. */
export function kioskWindowOptions(setting: WindowSetting): BrowserWindowConstructorOptions {
  const kiosk = setting.production || !setting.windowed;
  return {
    title: 'Dockward',
    width: 1280,
    height: 800,
    show: false,
    kiosk,
    fullscreen: kiosk,
    frame: !kiosk,
    closable: !kiosk,
    minimizable: !kiosk,
    alwaysOnTop: kiosk,
    autoHideMenuBar: true,
    webPreferences: {
      preload: setting.preload,
      session: setting.session,
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
      devTools: !setting.production,
      backgroundThrottling: false,
      autoplayPolicy: 'no-user-gesture-required',
    },
  };
}

interface Preventable {
  preventDefault(): void;
}

/** For every page there will ever be, not only ours: it stays where it is, opens nothing and shows no tools. */
export function lockContents(contents: WebContents, setting: { readonly production: boolean }, log: Log): void {
  const refuse = (what: string) => (event: Preventable): void => {
    event.preventDefault();
    log('warn', 'page-refused', { what });
  };
  contents.on('will-navigate', refuse('navigation'));
  contents.on('will-frame-navigate', refuse('frame navigation'));
  contents.on('will-redirect', refuse('redirection'));
  contents.on('will-attach-webview', refuse('webview'));
  contents.setWindowOpenHandler(() => {
    log('warn', 'page-refused', { what: 'window' });
    return { action: 'deny' };
  });
  contents.on('context-menu', (event) => event.preventDefault());
  contents.on('before-input-event', (event, input) => {
    if (setting.production && isBrowserShortcut(input)) event.preventDefault();
  });
  if (setting.production) contents.on('devtools-opened', () => contents.closeDevTools());
}

/** Reload, zoom, find, print, save, open, tools, full screen, history: what a keyboard plugged into the cart could try. */
function isBrowserShortcut(input: { readonly key: string; readonly control: boolean; readonly meta: boolean; readonly alt: boolean }): boolean {
  return input.control || input.meta || input.alt || /^F\d+$|^Browser|^Launch/.test(input.key);
}

/** No permission, device, download, dialogue with the network or word list: a session of the shell fetches `app://kiosk` only. */
export function lockSession(session: Session, setting: { readonly production: boolean }, log: Log): void {
  session.setPermissionRequestHandler((_contents, permission, answer) => {
    log('warn', 'permission-refused', { permission });
    answer(false);
  });
  session.setPermissionCheckHandler(() => false);
  session.setDevicePermissionHandler(() => false);
  session.setDisplayMediaRequestHandler((_request, answer) => answer(null));
  session.setBluetoothPairingHandler((_details, answer) => answer({ confirmed: false }));
  session.on('will-download', (event) => {
    event.preventDefault();
    log('warn', 'page-refused', { what: 'download' });
  });
  session.setSpellCheckerEnabled(false);
  session.webRequest.onBeforeRequest((request, answer) => {
    const allowed = isKioskAddress(request.url) || (!setting.production && request.url.startsWith('devtools:'));
    if (!allowed) log('warn', 'page-refused', { what: 'network request' });
    answer({ cancel: !allowed });
  });
}

/** Loads the page and shows the window at its first paint. In kiosk a person at the cart cannot close it. */
export function showKiosk(window: BrowserWindow, isQuitting: () => boolean): void {
  window.setMenu(null);
  window.once('ready-to-show', () => window.show());
  window.on('close', (event) => {
    if (window.isKiosk() && !isQuitting()) event.preventDefault();
  });
  // Both promises fail only when the page is gone or did not load, which its supervisor hears as an event.
  window.webContents.on('did-finish-load', () => void window.webContents.setVisualZoomLevelLimits(1, 1).catch(() => undefined));
  void window.loadURL(KIOSK_PAGE).catch(() => undefined);
}
