import { describe, expect, it } from 'vitest';
import { scanReport, scanReports } from '../support/hid/scan-report.ts';
import { startHidCart, whyNoHidTestbed, type HidCart } from '../support/hid/testbed.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const reason = whyNoHidTestbed();

const hex = (report: Buffer): string => report.toString('hex');
const labels = ({ events }: HidCart): readonly string[] => events.flatMap((event) => (event.event === 'label' ? [event.label] : []));
const standing = ({ events }: HidCart) => events.findLast((event) => event.event === 'adapter');

async function working(cart: HidCart, number: number): Promise<void> {
  await cart.order(`plug ${number} scanner`);
  await waitFor('the scanner to be opened', () => standing(cart)?.state === 'working');
}

async function scanned(cart: HidCart, number: number, report: Buffer, count: number): Promise<void> {
  await cart.order(`report ${number} ${hex(report)}`);
  await waitFor(`label ${count}`, () => labels(cart).length === count);
}

const misfortunes: Readonly<Record<string, (cart: HidCart) => Promise<void>>> = {
  'two labels in a row are two, and so are two whose reports merged into one read': async (cart) => {
    await working(cart, 0);
    await scanned(cart, 0, scanReport('TAB-17\r'), 1);
    await scanned(cart, 0, scanReport('TAB-17\r'), 2);
    await scanned(cart, 0, Buffer.concat([scanReport('TAB-18'), scanReport('TAB-19')]), 4);
    expect(cart.events.filter(({ event }) => event !== 'adapter')).toEqual(['TAB-17', 'TAB-17', 'TAB-18', 'TAB-19'].map((label) => ({ event: 'label', scanner: 'Voyager 0 /dev/hidraw0', label })));
  },

  'a label longer than one report is one label': async (cart) => {
    await working(cart, 0);
    const label = `WARD-4-${'0123456789'.repeat(5)}-TAB17`;
    const [first, second] = scanReports(label);
    await cart.order(`report 0 ${hex(first ?? Buffer.alloc(0))}`);
    await scanned(cart, 0, second ?? Buffer.alloc(0), 1);
    expect(labels(cart)).toEqual([label]);
  },

  'one that is pulled in the middle of a code is gone, and plugged in again it begins anew': async (cart) => {
    await working(cart, 0);
    await cart.order(`report 0 ${hex(scanReport('HALF-', { continued: true }))}`);
    await cart.order('unplug 0');
    await waitFor('its going', () => standing(cart)?.state === 'absent');
    // The kernel numbers it anew.
    await working(cart, 3);
    await scanned(cart, 3, scanReport('TAB-17'), 1);
    expect(labels(cart)).toEqual(['TAB-17']);
  },

  'what is no asset label is dropped and said, without saying what it was, until a label comes': async (cart) => {
    await working(cart, 0);
    for (const report of scanReports(`]patient ${'7'.repeat(100)}`)) await cart.order(`report 0 ${hex(report)}`);
    await waitFor('it to be said', () => standing(cart)?.detail?.includes('more than 64 characters'));
    expect(JSON.stringify(cart.events)).not.toMatch(/patient|777/);
    await scanned(cart, 0, scanReport('TAB-17'), 1);
    expect(standing(cart)).toEqual({ event: 'adapter', state: 'working' });
  },

  'a scanner that also types, and a badge reader beside it, are not opened': async (cart) => {
    await cart.order('plug 0 typing-scanner');
    await cart.order('plug 1 pcprox');
    await working(cart, 2);
    for (const number of [0, 2]) await cart.order(`report ${number} ${hex(scanReport(`TAB-${number}`))}`);
    await waitFor('a label', () => labels(cart).length === 1);
    expect(labels(cart)).toEqual(['TAB-2']);
    expect(await cart.order('asked 1')).toBe(0);
  },
};

describe('label scanners through real node-hid and hidraw', () => {
  for (const [name, run] of Object.entries(misfortunes)) {
    if (reason !== undefined) {
      it.skip(`${name} (skipped: ${reason})`, () => {});
      continue;
    }
    it.concurrent(name, async () => {
      await using cart = startHidCart('scanners');
      await run(cart);
    });
  }
});
