import { mkdirSync } from 'node:fs';
import { openBrowser, openPage } from './browser.ts';
import { startStubCentral } from './stub-central.ts';
import { storyOf, twoWards } from './two-wards.ts';
mkdirSync('.cache/screens', { recursive: true });
const stub = await startStubCentral('/tmp/fleet-try', twoWards());
stub.events = stub.view.devices.slice(0, 3).flatMap(storyOf);
const browser = await openBrowser();
for (const [name, width, height, scheme] of [['light', 1280, 800, 'light'], ['dark', 1280, 800, 'dark'], ['narrow', 390, 844, 'light'], ['wide', 1920, 1080, 'light']] as const) {
  const { page, complaints } = await openPage(browser, { viewport: { width, height }, colorScheme: scheme });
  stub.signedIn = false;
  await page.goto(stub.url);
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  await page.screenshot({ path: `.cache/screens/fleet-sign-in-${name}.png` });
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill('correct horse');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('heading', { name: 'Ward 7 East' }).waitFor();
  for (const [shot, hash] of [['wards', '#/'], ['tablet', `#/devices/${stub.view.devices[0]?.serial}`], ['cart', '#/stations/st-7e-a'], ['carts', '#/stations'], ['filtered', '#/devices?ward=7e&q=tom']] as const) {
    await page.goto(stub.url + hash);
    await page.locator('h1, h2').first().waitFor();
    await page.waitForTimeout(300);
    await page.screenshot({ path: `.cache/screens/fleet-${shot}-${name}.png` });
    if (shot === 'wards') await page.screenshot({ path: `.cache/screens/fleet-${shot}-${name}-whole.png`, fullPage: true });
    if (shot === 'wards' && name === 'narrow') for (const y of [0, 1100, 2200]) await page.screenshot({ path: `/tmp/narrow-${y}.png`, fullPage: true, clip: { x: 0, y, width: 390, height: 1100 } });
    if (shot === 'wards' && name === 'light') await page.screenshot({ path: `/tmp/lists.png`, fullPage: true, clip: { x: 0, y: 800, width: 1280, height: 1000 } });
    const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
    if (over !== 0) console.log('overflow', shot, name, over);
  }
  console.log(name, complaints);
  await page.context().close();
}
await browser.close();
await stub.close();
