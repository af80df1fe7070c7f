import { access } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import { serveKiosk } from '../../app/transport/kiosk-http.ts';
import { openBenchCart } from './one-cart.ts';
import type { Row } from './ledger.ts';
import { at } from './tap.ts';

const TAPS = 120;
const WARM_UP = 10;
const DEBIAN_CHROMIUM = '/usr/bin/chromium';
const FRAME_MS = 1_000 / 60;
const PATIENCE_MS = 10_000;

/** Runs in the page. The second frame begins after the first, with the change in it, has been handed to the screen. */
const WATCH_FOR_TAKE = `{
  let was = '';
  new MutationObserver(() => {
    const kind = document.querySelector('main.page')?.dataset.kind ?? '';
    if (kind === was) return;
    was = kind;
    if (kind === 'take') requestAnimationFrame(() => requestAnimationFrame(() => paintedAt(performance.timeOrigin + performance.now())));
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
}`;

/** The reader has reported the card → "Take 7" is painted in a real browser. Both ends read the machine's one clock. */
export async function benchPainted(): Promise<Row[]> {
  const own = await access(DEBIAN_CHROMIUM).then(
    () => true,
    () => false,
  );
  const cart = await openBenchCart();
  const kiosk = await serveKiosk({ folder: fileURLToPath(new URL('../../dist/kiosk', import.meta.url)), port: 0, token: 'bench', attach: cart.station.attachKiosk });
  const browser = await chromium.launch({ ...(own ? { executablePath: DEBIAN_CHROMIUM } : {}), args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    let painted: (atMs: number) => void = () => undefined;
    await page.exposeFunction('paintedAt', (atMs: number) => painted(atMs));
    await page.goto(`${kiosk.url}/#token=bench`);
    await page.waitForSelector('main.page');
    await page.evaluate(WATCH_FOR_TAKE);
    const [host, hostEnd] = inMemoryPair();
    cart.station.attachHost(hostEnd);
    host.send({ event: 'slots', monoMs: 0, slots: cart.slots() });
    host.send({ event: 'reader', monoMs: 0, reader: 'bench', state: 'present' });
    const [control, controlEnd] = inMemoryPair();
    cart.station.attachKiosk(controlEnd);
    const times: number[] = [];
    for (let turn = -WARM_UP; turn < TAPS; turn += 1) {
      const done = new Promise<number>((resolve) => (painted = resolve));
      const uid = cart.uids[(turn + WARM_UP) % cart.uids.length];
      const reportedMs = performance.timeOrigin + performance.now();
      const monoMs = (turn + WARM_UP + 1) * 1_000;
      host.send({ event: 'tap', monoMs, tap: String(turn), reader: 'bench', assurance: 'uid', uid });
      host.send({ event: 'card-removed', monoMs: monoMs + 1, reader: 'bench' });
      const paintedMs = await Promise.race([done, setTimeout(PATIENCE_MS, undefined, { ref: false })]);
      if (paintedMs === undefined) throw new Error(`the page did not show the offer within ${PATIENCE_MS / 1_000} s: is it built from this source (npm run build)?`);
      if (turn >= 0) times.push(paintedMs - reportedMs);
      const { message } = cart.station.snapshot();
      if (message.kind === 'take') control.send({ id: turn + WARM_UP + 1, request: { command: 'cancel', session: message.session } });
      await page.waitForSelector('main.page[data-kind="idle"]');
    }
    const p95 = at(times, 0.95);
    return [
      { name: 'card reported to "Take 7" painted, p50', value: at(times, 0.5), unit: 'ms', floor: FRAME_MS, ratio: at(times, 0.5) / FRAME_MS, goal: 'beside p95', met: true },
      { name: 'card reported to "Take 7" painted, p95', value: p95, unit: 'ms', floor: FRAME_MS, ratio: p95 / FRAME_MS, goal: 'at most 100 ms', met: p95 <= 100 },
    ];
  } finally {
    await browser.close();
    await kiosk.close();
    await cart.close();
  }
}
