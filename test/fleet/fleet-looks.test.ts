import type { AxeBuilder } from '@axe-core/playwright';
import { beforeEach, describe, expect, it } from 'vitest';
import { axeOn, violationsOf, WCAG } from '../support/axe.ts';
import { nightOf, stoodAt, twoNoticed, withConflict } from './night-of-t114.ts';
import { central, fleetPage, look, open, page, SCREENS, type Look } from './opened-page.ts';
import { wipesOf } from './stub-certificates.ts';
import { storyOf, twoWards, withNights } from './two-wards.ts';

/** Far more than axe needs alone on a machine; enough on a crowded one. */
const PATIENCE_MS = 120_000;

fleetPage();
beforeEach(() => {
  central.certificates = CERTIFICATES;
  central.events = central.view.devices.filter(({ asset }) => asset === 'T-112' || asset === 'T-101').flatMap(storyOf);
  central.view = withNights(withConflict(central.view, 'T-105'));
  central.incidents = twoNoticed();
  central.stood = stoodAt(twoWards());
  const claimed = central.view.devices.find(({ asset }) => asset === 'T-105');
  if (claimed !== undefined) central.custody = nightOf(claimed, central.view.conflicts);
});

const CERTIFICATES = wipesOf(6);

/** Each place, and the fact that shows it is drawn. */
const PLACES = {
  wards: { hash: '#/', drawn: 'figure svg' },
  tablets: { hash: '#/devices?ward=7e&state=out', drawn: 'h1' },
  tablet: { hash: '#/devices/R52T0886928', drawn: '.list table' },
  quarantine: { hash: '#/quarantine', drawn: 'h1' },
  carts: { hash: '#/stations', drawn: 'h1' },
  cart: { hash: '#/stations/st-7e-a', drawn: '.list table' },
  records: { hash: '#/records', drawn: '.list table' },
  night: { hash: '#/devices/R52T0831495', drawn: '.timeline' },
  conflicts: { hash: '#/conflicts', drawn: '.sides' },
  stood: { hash: '#/stations/st-7e-a?at=2026-11-22T01:15:00Z', drawn: '.ledger-sheet svg' },
  incidents: { hash: '#/incidents', drawn: '.set-aside' },
  keys: { hash: '#/keys', drawn: '.key' },
  certificates: { hash: '#/certificates', drawn: '.list table' },
  certificate: { hash: `#/certificates/${CERTIFICATES[0]?.facts.ledger.leaf ?? ''}`, drawn: '.certificate' },
} as const;
const ALL = ['wards', 'tablets', 'tablet', 'quarantine', 'carts', 'cart', 'records'] as const satisfies readonly (keyof typeof PLACES)[];
const PAST = ['night', 'conflicts', 'stood', 'incidents', 'keys', 'certificates', 'certificate'] as const satisfies readonly (keyof typeof PLACES)[];

interface Drawn extends Look {
  readonly name: string;
  /** Every rule once; elsewhere those that another palette or width can break. */
  readonly axe: (builder: AxeBuilder) => AxeBuilder;
  readonly places: readonly (keyof typeof PLACES)[];
}
const LOOKS: readonly Drawn[] = [
  { name: 'light', viewport: { width: 1280, height: 800 }, colorScheme: 'light', axe: (builder) => builder.withTags(WCAG), places: [...ALL, ...PAST] },
  { name: 'dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark', axe: (builder) => builder.withRules(['color-contrast']), places: ['wards', 'tablet', 'carts', 'records', 'night', 'certificate'] },
  { name: 'wide', viewport: { width: 1920, height: 1080 }, colorScheme: 'light', axe: (builder) => builder.withRules(['target-size']), places: ['wards', 'records'] },
  { name: '390', viewport: { width: 390, height: 844 }, colorScheme: 'light', axe: (builder) => builder.withRules(['target-size', 'color-contrast', 'scrollable-region-focusable']), places: [...ALL, 'night'] },
];

describe.each(LOOKS)('drawn $name', ({ name, viewport, colorScheme, axe, places }) => {
  beforeEach(() => look({ viewport, colorScheme }));
  async function check(place: string): Promise<void> {
    await page.screenshot({ path: `${SCREENS}/fleet-${place}-${name}.png` });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 'scrolls sideways').toBeLessThanOrEqual(0);
    expect(await violationsOf(axe(axeOn(page)))).toEqual([]);
  }

  it('sign-in: no axe violation, no horizontal scroll', async () => {
    await page.goto(central.url);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    await check('sign-in');
  }, PATIENCE_MS);

  it.each(places)('%s: no axe violation, no horizontal scroll', async (place) => {
    const { hash, drawn } = PLACES[place];
    await open(hash);
    await page.locator(drawn).first().waitFor();
    await check(place);
  }, PATIENCE_MS);
});

it('on a telephone: conflicts, a cart as it stood, incidents and keys do not scroll sideways', async () => {
  await look({ viewport: { width: 390, height: 844 }, colorScheme: 'dark' });
  for (const place of PAST) {
    await open(PLACES[place].hash);
    await page.locator(PLACES[place].drawn).first().waitFor();
    for (const fold of await page.locator('summary').all()) await fold.click();
    await page.screenshot({ path: `${SCREENS}/fleet-${place}-390-dark.png`, fullPage: true });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), `${place} scrolls sideways`).toBeLessThanOrEqual(0);
  }
}, PATIENCE_MS);
