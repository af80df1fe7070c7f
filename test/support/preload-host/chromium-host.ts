import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Page } from 'playwright';
import { KIOSK_PAGE, listKioskFiles, serveKiosk } from '../../../app/shell/protocol.ts';
import { launchChromium } from '../chromium.ts';

const WORLD = 'preload';
/** Chromium knows no `app://` here; a reserved name that resolves nowhere stands in for it. */
const ORIGIN = 'https://kiosk.invalid';

export interface HostedPage {
  readonly page: Page;
  /** What the main process would `send` to the page. */
  deliver(channel: string, message: unknown): Promise<void>;
  /** What Chromium complained of: errors and policy violations. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

interface HostSetting {
  /** Folder of the built page, served by the production handler with its headers. */
  readonly pageFolder: string;
  /** The bundled preload, run as it is. */
  readonly preload: string;
  readonly onSent: (channel: string, message: unknown) => void;
}

/**
 * Chromium in place of Electron's renderer: the preload runs in an isolated world of its own, sharing no object with the page;
 * the bridge between the two worlds is DOM events under a name that only they know. Unlike Electron's it copies by JSON.
 */
export async function hostPage({ pageFolder, preload, onSent }: HostSetting): Promise<HostedPage> {
  const browser = await launchChromium();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('console', (line) => line.type() === 'error' && complaints.push(line.text()));

  const files = await listKioskFiles(pageFolder);
  await page.route('**/*', async (route) => {
    const url = new URL(route.request().url());
    if (url.origin !== ORIGIN) return route.abort();
    const answer = await serveKiosk(files, { method: route.request().method(), url: new URL(url.pathname + url.search, KIOSK_PAGE).href });
    return route.fulfill({ status: answer.status, headers: Object.fromEntries(answer.headers), body: Buffer.from(await answer.arrayBuffer()) });
  });

  const key = JSON.stringify(randomBytes(12).toString('hex'));
  const receive = '__fromHost';
  const part = (name: string): string => readFileSync(new URL(name, import.meta.url), 'utf8');
  const names = `const KEY = ${key}; const RECEIVE = '${receive}';`;
  const client = await page.context().newCDPSession(page);
  let world: number | undefined;
  await client.send('Page.enable');
  await client.send('Runtime.enable');
  client.on('Runtime.executionContextCreated', ({ context }) => {
    if (context.name === WORLD) world = context.id;
  });
  client.on('Runtime.bindingCalled', ({ payload }) => {
    const { channel, message } = JSON.parse(payload) as { channel: string; message: unknown };
    onSent(channel, message);
  });
  await client.send('Runtime.addBinding', { name: '__toHost', executionContextName: WORLD });
  await client.send('Page.addScriptToEvaluateOnNewDocument', { source: `{ ${names}\n${part('main-world.js')} }` });
  await client.send('Page.addScriptToEvaluateOnNewDocument', { worldName: WORLD, source: `(() => { ${names}\n${part('isolated-electron.js')}\n{ ${readFileSync(preload, 'utf8')}\n} })();` });
  await page.goto(`${ORIGIN}/index.html`);

  return {
    page,
    complaints,
    deliver: async (channel, message) => {
      if (world === undefined) throw new Error('the preload did not run');
      const { exceptionDetails } = await client.send('Runtime.evaluate', { contextId: world, expression: `${receive}(${JSON.stringify(channel)}, ${JSON.stringify(message)})` });
      if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    },
    close: () => browser.close(),
  };
}
