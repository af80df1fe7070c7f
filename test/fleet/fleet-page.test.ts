import { describe, expect, it } from 'vitest';
import { central, device, fleetPage, page, readAgain, SCREENS } from './opened-page.ts';
import { afterRelease, storyOf, twoWards, withNights } from './two-wards.ts';

fleetPage();

async function signIn(hash = '', password = 'correct horse'): Promise<void> {
  await page.goto(central.url + hash);
  await page.getByLabel('Name').fill('admin');
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
}

const tabletRow = (asset: string) => page.getByRole('table', { name: 'Tablets' }).getByRole('row').filter({ has: page.getByRole('rowheader', { name: asset }) });

describe('signing in', () => {
  it('a wrong password says what happened and what to do, and stays at the door', async () => {
    await signIn('', 'wrong');
    const alert = page.getByRole('alert');
    await alert.getByText('Name and password do not match.').waitFor();
    expect(await alert.textContent()).toContain('Check both and try again');
    expect(await page.getByLabel('Password').evaluate('document.activeElement?.getAttribute("name")')).toBe('password');
    await page.getByLabel('Password').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Ward 7 East' }).waitFor();
  });

  it('after too many tries it says how long to wait', async () => {
    central.lockedForSeconds = 90;
    await signIn();
    await page.getByText('Wait 1 min, then try again.').waitFor();
  });

  it.each(['silent', 'overloaded'] as const)('a server that is %s is not mistaken for a wrong password', async (health) => {
    await page.goto(central.url);
    await page.getByRole('button', { name: 'Sign in' }).waitFor();
    central.health = health;
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password').fill('correct horse');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Your password was not checked. Try again in a moment.').waitFor();
  });

  it('a session that ends comes back to the same place after signing in again', async () => {
    await signIn('#/stations/st-7e-b');
    await page.getByRole('heading', { name: 'Cart B' }).waitFor();
    central.signedIn = false;
    await readAgain();
    await page.getByText('Your session has ended.').waitFor();
    expect(await page.getByRole('heading', { name: 'Cart B' }).count()).toBe(0);
    await page.getByLabel('Name').fill('admin');
    await page.getByLabel('Password').fill('correct horse');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Cart B' }).waitFor();
  });

  it('signing out forgets what was shown', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Sign in' }).waitFor();
    expect(await page.getByText('Aisha R.').count()).toBe(0);
    expect(central.signedIn).toBe(false);
  });
});

describe('the wards', () => {
  it('a tablet released at the cart appears with its holder, and the count with it', async () => {
    await signIn();
    await page.getByRole('link', { name: '12 ready' }).waitFor();
    await page.getByRole('button', { name: 'Slot 7: T-104, ready' }).waitFor();
    central.view = afterRelease(central.view, 'T-104', 'Maria K.');
    await page.getByRole('link', { name: '11 ready' }).waitFor();
    await page.getByRole('group', { name: 'Slots of Cart A' }).getByRole('button', { name: 'Slot 7: empty' }).waitFor();
    await page.getByRole('list', { name: 'Taken' }).first().getByText('Maria K.').waitFor();
    await tabletRow('T-104').getByRole('link', { name: 'Maria K.' }).waitFor();
  });

  it('a tablet that left with nobody named stands first among the taken', async () => {
    await signIn();
    const first = page.getByRole('list', { name: 'Taken' }).first().getByRole('listitem').first();
    await first.getByText('nobody named').waitFor();
    expect(await first.textContent()).toContain('T-122');
  });

  it('a number leads to the tablets behind it, and from there a tablet to its records', async () => {
    central.events = storyOf(device('T-111'));
    await signIn();
    await page.getByRole('link', { name: '1 waiting for proof' }).first().click();
    await page.getByRole('heading', { name: 'Tablets', level: 1 }).waitFor();
    expect(await page.getByRole('table', { name: 'Tablets' }).getByRole('rowheader').allTextContents()).toEqual(['T-111Samsung SM-X306B']);
    await page.getByText('Its new enrolment has not been seen yet').waitFor();
    await page.getByRole('link', { name: 'T-111' }).click();
    const records = page.getByRole('table', { name: 'Records' });
    await records.getByText('A wipe was asked for').waitFor();
    expect(await records.getByRole('rowheader').count()).toBe(5);
    expect(central.seen.historyQueries.at(-1)).toContain(`device=${device('T-111').serial}`);
  });

  const tonight = (ward: string) => page.getByRole('region', { name: ward }).getByRole('group', { name: 'Tonight' });
  const says = async (ward: string): Promise<string> => (await tonight(ward).innerText()).replace(/\s+/g, ' ');

  it('a ward will be short in the morning: by how many, why and when that was told; its numbers lead to what they count', async () => {
    central.view = withNights(central.view);
    await signIn();
    await tonight('Ward 7 East').waitFor();
    expect(await says('Ward 7 East')).toMatch(/12 ready of 16 needed at \d\d:\d\d\. 14 expected by then, short by 2 10 needed from Cart A .* ago 6 needed from Cart B .* ago Short by 2 for Ward 7 East at .*: too few tablets are in the cart\. Said by Cart B, told at \d\d:\d\d$/);
    const href = async (name: string | RegExp): Promise<string> => decodeURIComponent((await tonight('Ward 7 East').getByRole('link', { name }).getAttribute('href')) ?? '');
    expect(await href('12 ready')).toBe('#/devices?ward=7e&state=proven');
    expect(await href('6 needed')).toContain('#/records?station=st-7e-b&type=night-began&from=');
    expect(await href(/^told at/)).toContain('#/records?station=st-7e-b&type=need-threatened&from=');
  });

  it('what was told short came back: the word stays, with what became of it', async () => {
    central.view = withNights(central.view, { clean: 16, expected: 16, shortBy: 0 });
    await signIn();
    await tonight('Ward 7 East').waitFor();
    expect(await says('Ward 7 East')).toMatch(/16 ready of 16 needed at \d\d:\d\d\. All that is needed is ready\. .*told at \d\d:\d\d; made good since$/);
  });

  it('a cart fell silent in its night: nothing told is not taken for on course', async () => {
    central.view = withNights(central.view, { shortBy: 0, expected: 16, told: [] });
    await signIn();
    await tonight('Ward 7 West').waitFor();
    expect(await says('Ward 7 East')).toContain('16 expected by then, on course');
    expect(await says('Ward 7 West')).toMatch(/How it goes on is not known: a cart is out of contact\. 8 needed from Cart C 41 min ago, out of contact$/);
  });

  it('a newer station told what this server cannot read: said so, without a number made up', async () => {
    central.view = withNights(central.view, { shortBy: 0, expected: 12, told: [], unread: ['st-7e-b'] });
    await signIn();
    await tonight('Ward 7 East').waitFor();
    expect(await says('Ward 7 East')).toContain('this server cannot read by how many');
    expect(await says('Ward 7 East')).not.toContain('expected');
  });

  it('by day nothing is said of a night', async () => {
    await signIn();
    await page.getByRole('heading', { name: 'Ward 7 East' }).waitFor();
    expect(await page.getByText('Tonight').count()).toBe(0);
  });

  it('a slot of the drawing opens its tablet by keyboard', async () => {
    await signIn();
    await page.getByRole('button', { name: 'Slot 9: T-111, waiting for proof' }).press('Enter');
    await page.getByRole('heading', { name: 'T-111', level: 1 }).waitFor();
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('T-111');
  });

  it('a cart out of contact says so in words', async () => {
    await signIn();
    await page.getByRole('table', { name: 'Carts' }).getByText('41 min ago, out of contact').waitFor();
  });

  it('a tablet in quarantine says why and what went wrong', async () => {
    await signIn('#/quarantine');
    const row = page.getByRole('table', { name: 'Quarantine' }).getByRole('row').last();
    await row.getByText('Its wipe failed').waitFor();
    expect(await row.textContent()).toContain('no new enrolment followed the wipe');
  });
});

describe('the filter', () => {
  it('narrows every list while typing, ignores accents, and stands in the address', async () => {
    await signIn();
    await page.getByLabel('Find').pressSequentially('zoe');
    await page.getByText('1 of 30', { exact: true }).waitFor();
    expect(await page.getByRole('table', { name: 'Tablets' }).getByRole('rowheader').allTextContents()).toEqual(['T-121Samsung SM-X306B']);
    expect(new URL(page.url()).hash).toBe('#/?q=zoe');
    await page.keyboard.press('Escape');
    await page.getByText('30', { exact: true }).waitFor();
  });

  it('that leaves nothing says so and offers the way back', async () => {
    await signIn('#/devices?q=nobody-has-this');
    await page.getByText('Nothing here matches “nobody-has-this”.').waitFor();
    await page.getByRole('button', { name: 'Clear the filter' }).click();
    await page.getByRole('link', { name: 'T-101' }).waitFor();
  });
});

describe('a server that stops answering', () => {
  it('leaves what was seen, says from when it is, and goes on when it is back', async () => {
    await page.clock.install();
    await signIn();
    await page.getByRole('link', { name: '12 ready' }).waitFor();
    central.health = 'silent';
    // The pauses between its readings pass at once.
    for (const pauseMs of [2_000, 4_000]) {
      const failed = page.waitForEvent('requestfailed');
      await page.clock.fastForward(pauseMs);
      await failed;
    }
    const line = page.getByText(/The server does not answer\. What you see is from \d\d:\d\d\. Trying again\./);
    await line.waitFor();
    await page.getByRole('link', { name: '12 ready' }).waitFor();
    await page.clock.fastForward(10_000);
    await page.locator('.as-of.old').first().waitFor();
    await page.screenshot({ path: `${SCREENS}/fleet-stale.png` });
    central.view = afterRelease(central.view, 'T-104', 'Maria K.');
    central.health = 'well';
    await page.clock.fastForward(5_000);
    await page.getByRole('link', { name: '11 ready' }).waitFor();
    await line.waitFor({ state: 'detached' });
  });

  it('an unchanged list is confirmed without being sent again, and its age starts anew', async () => {
    await signIn();
    const age = page.locator('.as-of').first();
    const shown = await age.textContent();
    await expect.poll(() => central.seen.unchanged, { timeout: 15_000 }).toBeGreaterThan(1);
    await expect.poll(() => age.textContent()).toMatch(/^as of \d\d:\d\d:\d\d, [0-3] s ago$/);
    expect((await age.textContent())?.slice(0, 14)).not.toBe(shown?.slice(0, 14));
  });
});

describe('an empty fleet', () => {
  it('says what is missing and leads to the code for the first cart', async () => {
    central.view = { ...twoWards(), devices: [], stations: [], quarantine: [], wards: [{ id: '7e', name: 'Ward 7 East', proven: 0, preparing: 0, waiting: 0, out: 0, quarantined: 0 }] };
    await signIn();
    await page.getByText('Nothing is in quarantine.').waitFor();
    await page.getByText('No tablet is known yet.').waitFor();
    await page.getByRole('link', { name: 'Add a cart' }).click();
    await page.getByLabel('Name of the cart').fill('Cart A');
    await page.getByRole('button', { name: 'Make a code' }).click();
    await page.getByText('K7QF-2M9T-4W5A-DGZY').waitFor();
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
    await page.screenshot({ path: `${SCREENS}/fleet-code.png` });
    expect(central.seen.codes).toEqual([{ ward: '7e', cart: 'Cart A' }]);
  });

  it('an address that leads nowhere says so', async () => {
    await signIn('#/nowhere/at/all');
    await page.getByRole('heading', { name: 'There is nothing at this address' }).waitFor();
  });
});
