import { beforeEach, describe, expect, it } from 'vitest';
import { axeOn, violationsOf, WCAG } from '../support/axe.ts';
import { central, fleetPage, look, open, page, SCREENS } from './opened-page.ts';
import { EXCEPTIONS, noticeOf, SHIFT, sheetOf, threeCarts } from './stub-morning.ts';
import { minutesAgo } from './two-wards.ts';

const PATIENCE_MS = 120_000;
const SHEET = '#/morning/st-7e-a?epoch=1&seq=1480';

fleetPage();
beforeEach(() => {
  central.mornings = threeCarts();
});

const cart = (name: string) => page.getByRole('region', { name, exact: true });
const hrefOf = async (name: string | RegExp, within = page.locator('main')): Promise<string> => decodeURIComponent((await within.getByRole('link', { name }).first().getAttribute('href')) ?? '');

describe('the morning of every cart', () => {
  it('what is short comes first, with what to do, what the night did, and carts without a night named once', async () => {
    await open('#/morning');
    await cart('Cart A').waitFor();
    expect(await page.locator('.morning-cart h2').allInnerTexts()).toEqual(['Cart A', 'Cart B']);
    expect((await cart('Cart A').innerText()).replace(/\s+/g, ' ')).toContain('Ward 7 West 4 ready, 6 needed at 07:00, short by 2');
    expect(await cart('Cart A').locator('.exceptions > li').count()).toBe(3);
    await cart('Cart A').getByRole('link', { name: 'and 2 more' }).waitFor();
    await cart('Cart B').getByText('Nothing to mend.').waitFor();
    await page.getByText('No night recorded yet: Cart C').waitFor();
  });

  it('every number leads to the records behind it', async () => {
    await open('#/morning');
    await cart('Cart A').waitFor();
    expect(await hrefOf('11 tablets wiped and proven')).toBe('#/records?station=st-7e-a&type=sanitized&from=2026-11-21T20:00:00.000Z&to=2026-11-22T06:00:01.800Z');
    expect(await hrefOf('4 ready')).toBe('#/stations/st-7e-a?at=2026-11-22T06:00:01.800Z');
    expect(await hrefOf('6 needed')).toContain('type=night-began');
    expect(await hrefOf('T-112')).toBe('#/devices/R52T0886928');
    central.events = [{ at: minutesAgo(9), station: 'st-7e-a', seq: 1466, type: 'sanitized', text: 'Sanitized, proof complete' }];
    await page.getByRole('link', { name: '11 tablets wiped and proven' }).click();
    await page.getByRole('link', { name: 'Only Sanitized, proof complete. Show without this' }).waitFor();
    expect(central.seen.historyQueries.at(-1)).toContain('station=st-7e-a&type=sanitized&from=2026-11-21T20');
    await page.getByRole('link', { name: /^Only Cart A/ }).click();
    await expect.poll(() => central.seen.historyQueries.at(-1)).not.toContain('station');
  });

  it('a need that is threatened tonight stands above everything and is counted in the bar', async () => {
    const due = new Date(Date.parse(SHIFT) + 86_400_000).toISOString();
    central.mornings = { ...threeCarts(), 'st-7w-c': { cart: 'Cart C', ward: 'Ward 7 West', sheets: [], notices: [noticeOf(930, 'Ward 7 West', 3, due)] } };
    await open('#/morning');
    const notices = page.getByRole('region', { name: 'The next morning is threatened' });
    expect((await notices.innerText()).replace(/\s+/g, ' ')).toContain('Short by 3 for Ward 7 West at 07:00: too few tablets are in the cart. Said by Cart C, told at 02:00');
    await page.getByRole('navigation', { name: 'Lists' }).getByRole('link', { name: /^Morning ?1$/ }).waitFor();
    expect(await hrefOf('told at 02:00')).toContain('type=need-threatened');
  });

  it('no cart has a night: the page says why', async () => {
    central.mornings = { 'st-7w-c': { cart: 'Cart C', ward: 'Ward 7 West', sheets: [] } };
    await open('#/morning');
    await page.getByText('No cart has recorded a night yet.').waitFor();
  });

  it('a sheet of a newer station is named as not readable, not left out', async () => {
    central.mornings = { 'st-7e-a': { cart: 'Cart A', ward: 'Ward 7 East', sheets: [], unread: { epoch: 1, seq: 4, at: SHIFT, unread: true } } };
    await open('#/morning');
    await cart('Cart A').getByText('written by a newer station').waitFor();
  });
});

describe('one sheet', () => {
  it('has everything, and the way to earlier nights by date', async () => {
    await open(SHEET);
    await page.getByRole('heading', { name: 'Cart A, Sunday 22 November' }).waitFor();
    expect(await page.locator('.exceptions > li').count()).toBe(EXCEPTIONS.length);
    await page.locator('.plain-list').getByText('Short by 2 for Ward 7 West at 07:00: too few tablets are in the cart.').waitFor();
    await page.getByRole('navigation', { name: 'Nights' }).getByRole('link', { name: '20 Nov' }).click();
    await page.getByRole('heading', { name: 'Cart A, Friday 20 November' }).waitFor();
    expect(await page.locator('.exceptions > li').count()).toBe(1);
  });

  it('comes as a PDF in the zone of this browser', async () => {
    await open(SHEET);
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('button', { name: 'PDF, one page' }).click()]);
    expect(download.suggestedFilename()).toBe('morning-sheet-Cart-A-2026-11-22.pdf');
    expect(central.papers).toEqual(['/api/morning/st-7e-a/1480.pdf Europe/Berlin']);
  });

  it('prints on one page A4, also with 32 exceptions', async () => {
    const many = Array.from({ length: 32 }, (_, place) => ({ ...(EXCEPTIONS[place % EXCEPTIONS.length] ?? EXCEPTIONS[0]), slot: place + 1 }) as (typeof EXCEPTIONS)[number]);
    central.mornings = { 'st-7e-a': { cart: 'Cart A', ward: 'Ward 7 East', sheets: [sheetOf(1480, SHIFT, { exceptions: many, more: 3 })] } };
    await open(SHEET);
    await page.locator('.exceptions > li').nth(31).waitFor();
    const paper = await page.pdf({ format: 'A4', path: `${SCREENS}/fleet-morning-sheet.pdf` });
    expect(paper.toString('latin1').match(/\/Type \/Page\b(?!s)/g)).toHaveLength(1);
  });

  it('a night that no ledger holds is refused in words', async () => {
    await open('#/morning/st-7e-a?epoch=1&seq=7');
    await page.getByText('No ledger of this server holds a morning sheet with this number.').waitFor();
  });
});

it('why a tablet waits stands in its row and at its slot, with for how long', async () => {
  central.view = { ...central.view, devices: central.view.devices.map((device) => (device.asset === 'T-111' ? { ...device, reason: 'enrolment-not-seen', reasonSince: minutesAgo(4.5) } : device)) };
  await open('#/devices?state=waiting');
  await page.getByText('Its new enrolment has not been seen yet (4 min)').waitFor();
  await page.goto(`${central.url}#/`);
  await page.getByRole('button', { name: 'Slot 9: T-111, waiting for proof. Its new enrolment has not been seen yet (4 min)' }).waitFor();
});

describe.each([
  ['light', { viewport: { width: 1280, height: 800 }, colorScheme: 'light' }],
  ['dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
  ['390', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
] as const)('drawn %s', (name, options) => {
  it.each([['morning', '#/morning', '.morning-cart'], ['morning-sheet', SHEET, '.morning-document']] as const)('%s: no axe violation, no horizontal scroll', async (place, hash, drawn) => {
    central.mornings = { ...threeCarts(), 'st-7w-c': { cart: 'Cart C', ward: 'Ward 7 West', sheets: [], notices: [noticeOf(930, 'Ward 7 West', 3)] } };
    await look(options);
    await open(hash);
    await page.locator(drawn).first().waitFor();
    await page.screenshot({ path: `${SCREENS}/fleet-${place}-${name}.png`, fullPage: true });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 'scrolls sideways').toBeLessThanOrEqual(0);
    const axe = axeOn(page);
    expect(await violationsOf(name === 'light' ? axe.withTags(WCAG) : axe.withRules(['color-contrast', 'target-size']))).toEqual([]);
  }, PATIENCE_MS);
});
