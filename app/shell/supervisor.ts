import type { App, WebContents } from 'electron';
import { createBackOff } from './back-off.ts';
import type { Clock } from './clock.ts';
import type { Log } from './log.ts';
import { KIOSK_PAGE } from './protocol.ts';

const RELOAD = { firstMs: 250, longestMs: 30_000, steadyAfterMs: 60_000 };
/** Badge taps are no input events, so Chromium alone would never notice that a page nobody touches hangs: it is asked, in ms. */
const ASK_EVERY_MS = 5_000;
const ANSWER_LIMIT_MS = 10_000;

/** Brings the page back when it crashes, hangs or fails to load; waits longer each time in a row. */
export function keepPageAlive(contents: WebContents, clock: Clock, log: Log): void {
  const backOff = createBackOff(RELOAD, clock);
  let reloading = false;
  let cancelAsking = (): void => undefined;

  const reload = (event: string, facts?: Readonly<Record<string, unknown>>): void => {
    if (reloading || contents.isDestroyed()) return;
    reloading = true;
    cancelAsking();
    const delayMs = backOff.delayMs();
    log('error', event, { ...facts, reloadInMs: delayMs });
    clock.after(delayMs, () => {
      reloading = false;
      if (!contents.isDestroyed()) void contents.loadURL(KIOSK_PAGE).catch(() => undefined); // `did-fail-load` tells
    });
  };

  const endHung = (event: string): void => {
    if (reloading || contents.isDestroyed()) return;
    reload(event);
    contents.forcefullyCrashRenderer(); // its `render-process-gone` finds the reload already on its way
  };

  const ask = (): void => {
    let answered = false;
    const onAnswer = (): void => {
      answered = true;
    };
    void (async () => contents.mainFrame.executeJavaScript('0'))().then(onAnswer, onAnswer); // a refusal is an answer too: a page that is gone has its own event
    cancelAsking = clock.after(ANSWER_LIMIT_MS, () => {
      if (answered) askLater();
      else endHung('page-hangs');
    });
  };
  const askLater = (): void => {
    cancelAsking = clock.after(ASK_EVERY_MS, ask);
  };

  contents.on('unresponsive', () => endHung('page-unresponsive'));
  contents.on('render-process-gone', (_event, { reason, exitCode }) => reload('page-gone', { reason, exitCode }));
  contents.on('did-fail-load', (_event, code, description, _address, isMainFrame) => {
    if (isMainFrame) reload('page-not-loaded', { code, description });
  });
  contents.on('did-finish-load', () => {
    backOff.started();
    cancelAsking();
    askLater();
  });
}

/** Command-line switches with which an installed shell does not start: each opens the page or its process to others. */
export const REFUSED_SWITCHES = [
  'remote-debugging-port', 'remote-debugging-pipe', 'inspect', 'inspect-brk', 'js-flags', 'no-sandbox', 'disable-web-security',
  'disable-site-isolation-trials', 'allow-running-insecure-content', 'load-extension', 'user-agent', 'proxy-server', 'host-rules',
] as const;

export function refusedSwitches(app: Pick<App, 'commandLine'>): readonly string[] {
  return REFUSED_SWITCHES.filter((name) => app.commandLine.hasSwitch(name));
}
