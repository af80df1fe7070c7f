import { app, BrowserWindow, ipcMain, Menu, MessageChannelMain, powerSaveBlocker, protocol, session, utilityProcess } from 'electron';
import { chooseArrangement } from './arrangement.ts';
import { systemClock } from './clock.ts';
import { stderrLog } from './log.ts';
import { startShell } from './shell.ts';

/** sysexits: a bug in the program. */
const EXIT_SOFTWARE = 70;
/** A shell that fails sooner than this, in seconds, would only fail again and again. */
const RELAUNCH_AFTER_S = 60;
const log = stderrLog();

// Electron would show a dialogue and go on. A kiosk ends instead; systemd starts it again on an appliance, it itself on a desktop.
for (const unexpected of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(unexpected, (error: unknown) => {
    log('error', 'unexpected', { error: error instanceof Error ? error.stack : String(error) });
    if (chooseArrangement(process.env).kind === 'desktop' && process.uptime() >= RELAUNCH_AFTER_S) app.relaunch();
    app.exit(EXIT_SOFTWARE);
  });
}

startShell({
  electron: { app, BrowserWindow, ipcMain, Menu, MessageChannelMain, powerSaveBlocker, protocol, session, utilityProcess },
  env: process.env,
  clock: systemClock,
  log,
});
