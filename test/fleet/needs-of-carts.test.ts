import { expect, it } from 'vitest';
import type { WardNight } from '../../app/contract/fleet.ts';
import type { MorningSheetView } from '../../app/contract/morning.ts';
import { central, fleetPage, look, open, page, SCREENS } from './opened-page.ts';
import { SHIFT, sheetOf } from './stub-morning.ts';
import { minutesAgo, twoWards, withNights } from './two-wards.ts';

fleetPage();

const tonight = () => page.getByRole('region', { name: 'Ward 7 East' }).getByRole('group', { name: 'Tonight' });
const words = (text: string): string => text.replace(/\s+/g, ' ');

/** Both carts of Ward 7 East took its one need whole; each lacks some, and together they have enough. */
function together(): WardNight {
  const [base] = withNights(twoWards()).wards.flatMap(({ night }) => night ?? []);
  const [first] = base?.told ?? [];
  if (base === undefined || first === undefined) throw new Error('the two wards have no night');
  const began = minutesAgo(7 * 60);
  return {
    ...base, needed: 14, clean: 12, expected: 14, shortBy: 0,
    carts: [{ station: 'st-7e-a', cart: 'Cart A', needed: 14, together: true, began }, { station: 'st-7e-b', cart: 'Cart B', needed: 14, together: true, began }],
    told: [
      { station: 'st-7e-a', cart: 'Cart A', notice: { ...first.notice, shortBy: 4, evidence: { ...first.notice.evidence, seq: 1402 } }, madeUp: true },
      { ...first, notice: { ...first.notice, shortBy: 10 }, madeUp: true },
    ],
  };
}

const need = (change: Partial<MorningSheetView['needs'][number]>): MorningSheetView['needs'][number] => ({ wardId: '7e', ward: 'Ward 7 East', needed: 14, ready: 9, shortBy: 0, due: SHIFT, ...change });
const withNeeds = (...needs: MorningSheetView['needs']): void => {
  const nights = [sheetOf(1480, SHIFT, { needs }), sheetOf(1160, '2026-11-21T06:00:00.000Z', { needs: [] })];
  central.mornings = { 'st-7e-a': { cart: 'Cart A', ward: 'Ward 7 East', sheets: nights } };
};

it('two carts took the ward’s need whole and both said short: one number for the ward, and who makes up for it', async () => {
  central.view = withNights(central.view, together());
  await open('#/');
  await tonight().waitFor();
  await page.screenshot({ path: `${SCREENS}/fleet-needs-tonight-light.png` });
  const says = words(await tonight().innerText());
  expect(says).toMatch(/12 ready of 14 needed at \d\d:\d\d\. 14 expected by then, on course 14 needed from all carts, told by Cart A .* ago 14 needed from all carts, told by Cart B .* ago/);
  expect(says.match(/; the other carts have what it lacks/g)).toHaveLength(2);
  expect(says).not.toContain('made good since');
});

it('a morning sheet of a need that two carts met together: what each had, and no shortage', async () => {
  withNeeds(need({ others: [{ station: 'st-7e-b', cart: 'Cart B', ready: 6 }] }));
  await open('#/morning/st-7e-a?epoch=1&seq=1480');
  await page.locator('.needs').waitFor();
  await page.screenshot({ path: `${SCREENS}/fleet-needs-sheet-light.png` });
  expect(words(await page.locator('.needs').innerText())).toBe('Ward 7 East 9 ready here, 6 in Cart B, 14 needed in all at 07:00');
  expect(await page.locator('.needs [data-kind="ready"]').count()).toBe(14);
  expect(await page.getByRole('link', { name: '6 in Cart B' }).getAttribute('href')).toContain('#/stations/st-7e-b?at=');
  await page.getByRole('navigation', { name: 'Nights' }).getByText('none needed').waitFor();
});

it('the other cart’s sheet is not here: short, as far as is known', async () => {
  withNeeds(need({ shortBy: 5, unheard: ['Cart B', 'Cart D'] }));
  await open('#/morning');
  await page.locator('.needs').waitFor();
  await page.screenshot({ path: `${SCREENS}/fleet-needs-morning-light.png` });
  expect(words(await page.locator('.needs').innerText())).toBe('Ward 7 East 9 ready, 14 needed at 07:00, short by 5; nothing yet from Cart B, Cart D');
});

it.each([
  ['dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
  ['390', { viewport: { width: 390, height: 844 }, colorScheme: 'light' }],
] as const)('drawn %s: the longest line of a need stays inside its cart, and nothing scrolls sideways', async (name, seenAs) => {
  central.view = withNights(central.view, together());
  withNeeds(need({ others: [{ station: 'st-7e-b', cart: 'Cart B', ready: 3 }], shortBy: 2, unheard: ['Cart D'] }), need({ wardId: '7w', ward: 'Ward 7 West', needed: 5, ready: 5 }));
  const [own] = Object.values(central.mornings);
  central.mornings = { ...central.mornings, ...(own === undefined ? {} : { 'st-7e-b': { ...own, cart: 'Cart B' } }) };
  await look(seenAs);
  await open('#/');
  for (const [place, hash, drawn] of [['tonight', '#/', '.ward-night'], ['morning', '#/morning', '.morning-cart'], ['sheet', '#/morning/st-7e-a?epoch=1&seq=1480', '.morning-document']] as const) {
    await page.goto(central.url + hash);
    await page.locator(drawn).first().waitFor();
    await page.screenshot({ path: `${SCREENS}/fleet-needs-${place}-${name}.png` });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), `${place} scrolls sideways`).toBeLessThanOrEqual(0);
    expect(await page.evaluate(`Math.max(...[...document.querySelectorAll('${drawn}')].map((box) => box.scrollWidth - box.clientWidth))`), `${place} is wider than its place`).toBeLessThanOrEqual(0);
  }
});
