import { join } from 'node:path';
import type { BrowserWindow } from 'electron';
import { chooseArrangement } from './arrangement.ts';
import type { Clock } from './clock.ts';
import type { ElectronSurface } from './electron-surface.ts';
import { hearPage, KIOSK_CHANNEL } from './ipc.ts';
import { createKioskRelay } from './kiosk-relay.ts';
import type { Log } from './log.ts';
import { runOwnStation } from './own-station.ts';
import { KIOSK_PRIVILEGES, KIOSK_SCHEME, listKioskFiles, serveKiosk } from './protocol.ts';
import type { StationLink } from './station-link.ts';
import { joinRunningStation } from './station-link.ts';
import { keepPageAlive, refusedSwitches } from './supervisor.ts';
import { kioskWindowOptions, lockContents, lockSession, showKiosk } from './window.ts';

export interface ShellDeps {
  readonly electron: ElectronSurface;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly log: Log;
}

/** sysexits: wrong usage. */
const EXIT_USAGE = 64;

/** The whole kiosk shell. Everything before `ready` must happen in this turn: Electron takes schemes and the sandbox only then. */
export function startShell({ electron, env, clock, log }: ShellDeps): void {
  const { app } = electron;
  const production = app.isPackaged;
  const refused = production ? refusedSwitches(app) : [];
  if (refused.length > 0) {
    log('error', 'switch-refused', { refused, means: 'Dockward does not start with these command-line switches. Start it without them (no-sandbox comes from an AppImage on a machine without user namespaces: install the .deb there).' });
    return app.exit(EXIT_USAGE);
  }
  if (!app.requestSingleInstanceLock()) {
    log('warn', 'already-running', { means: 'Dockward already runs on this machine; this second start ends now.' });
    return app.quit();
  }
  app.enableSandbox();
  electron.Menu.setApplicationMenu(null);
  electron.protocol.registerSchemesAsPrivileged([KIOSK_PRIVILEGES]);
  app.on('session-created', (session) => lockSession(session, { production }, log));
  app.on('web-contents-created', (_event, contents) => lockContents(contents, { production }, log));

  const running: { link?: StationLink; quitting: boolean } = { quitting: false };
  app.on('before-quit', (event) => {
    if (running.quitting) return;
    running.quitting = true;
    event.preventDefault();
    void (running.link?.stop() ?? Promise.resolve()).then(() => app.exit(0));
  });

  void app.whenReady().then(async () => {
    const window = await openWindow(electron, production, env, log);
    electron.powerSaveBlocker.start('prevent-display-sleep');
    app.on('second-instance', () => window.focus());
    keepPageAlive(window.webContents, clock, log);
    running.link = linkPage(window, { electron, env, clock, log });
    showKiosk(window, () => running.quitting);
  });
}

/** A window on a session of its own that is kept in memory only, so a cart's disk holds nothing a page left behind. */
async function openWindow(electron: ElectronSurface, production: boolean, env: ShellDeps['env'], log: Log): Promise<BrowserWindow> {
  const dist = join(electron.app.getAppPath(), 'dist');
  const session = electron.session.fromPartition('kiosk');
  lockSession(session, { production }, log);
  const files = await listKioskFiles(join(dist, 'kiosk'));
  session.protocol.handle(KIOSK_SCHEME, (request) => serveKiosk(files, request));
  const windowed = env.DOCKWARD_WINDOWED !== undefined;
  return new electron.BrowserWindow(kioskWindowOptions({ preload: join(dist, 'preload', 'preload.cjs'), session, production, windowed }));
}

function linkPage(window: BrowserWindow, { electron, env, clock, log }: ShellDeps): StationLink {
  const { app } = electron;
  const contents = window.webContents;
  const relay = createKioskRelay({
    sendToPage: (push) => {
      if (!contents.isDestroyed()) contents.send(KIOSK_CHANNEL, push);
    },
    sendToStation: (request) => link.send(request),
    log,
  });
  const events = {
    onMessage: relay.fromStation,
    /** The page must not go on showing an offer that no station answers for: loaded anew it shows none until one does. */
    onGone: () => {
      if (relay.stationGone() && !contents.isDestroyed()) contents.reload();
    },
  };
  const arrangement = chooseArrangement(env);
  log('info', 'shell-started', { arrangement: arrangement.kind, production: app.isPackaged });
  const link =
    arrangement.kind === 'appliance'
      ? joinRunningStation({ address: arrangement.address, clock, log, ...events })
      : runOwnStation({ electron, dist: join(app.getAppPath(), 'dist'), data: join(app.getPath('userData'), 'station'), clock, log, ...events });
  hearPage(electron.ipcMain, contents, log, relay.fromPage);
  contents.on('dom-ready', relay.pageLoaded);
  return link;
}
