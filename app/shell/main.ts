import { app, BrowserWindow, ipcMain, Menu, MessageChannelMain, powerSaveBlocker, protocol, session, utilityProcess } from 'electron';
import { systemClock } from './clock.ts';
import { stderrLog } from './log.ts';
import { startShell } from './shell.ts';

const EXIT_SOFTWARE = 70;
const log = stderrLog();

// Electron would show a dialogue and go on. A kiosk ends instead, and whoever supervises it starts it again.
for (const unexpected of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(unexpected, (error: unknown) => {
    log('error', 'unexpected', { error: error instanceof Error ? error.stack : String(error) });
    app.exit(EXIT_SOFTWARE);
  });
}

startShell({
  electron: { app, BrowserWindow, ipcMain, Menu, MessageChannelMain, powerSaveBlocker, protocol, session, utilityProcess },
  env: process.env,
  clock: systemClock,
  log,
});
