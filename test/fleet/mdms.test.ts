import { describe, expect, it } from 'vitest';
import { axeOn, violationsOf, WCAG } from '../support/axe.ts';
import { central, fleetPage, look, open, page, readAgain, SCREENS } from './opened-page.ts';
import { noMdm } from './stub-mdms.ts';

/** Far more than axe needs alone on a machine; enough on a crowded one. */
const PATIENCE_MS = 120_000;
const KEY_FILE = '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----"}';

fleetPage();

const openMdms = (): Promise<void> => open('#/mdms');
const button = (name: string) => page.getByRole('button', { name, exact: true });

describe('the MDMs of the tablets', () => {
  it('one whose key was withdrawn says so, since when, and what to do; one by the file is not to be changed here', async () => {
    await openMdms();
    const android = page.getByRole('region', { name: 'Android Management API' });
    await android.getByText('The credential was refused at', { exact: false }).waitFor();
    await android.getByText('Make a new key for the service account, and change it here. Until then no tablet is wiped.').waitFor();
    await android.getByText('14 Android tablets, 2 wipes under way').waitFor();
    await android.getByText('that its hardware vouches for it').waitFor();
    const apple = page.getByRole('region', { name: 'NanoMDM' });
    await apple.getByText('The file given at the start of the server (--mdm) sets it.', { exact: false }).waitFor();
    expect(await apple.getByRole('button').count()).toBe(0);
  });

  it('nobody can order a wipe: the page says how many wait, and an administrator adds one, which has to answer first', async () => {
    central.mdms = noMdm();
    central.tried = { answered: false, message: 'Google does not take this key for this enterprise.' };
    await openMdms();
    await page.getByText('14 have no MDM.').waitFor();
    await button('Add Android Management API').click();
    expect(await button('Use it').isDisabled()).toBe(true);
    await page.getByLabel('Enterprise id').fill('LC03mercy');
    await page.getByLabel('Key of the service account, its JSON file').setInputFiles({ name: 'key.json', mimeType: 'application/json', buffer: Buffer.from(KEY_FILE) });
    await button('Try it').click();
    await page.getByText('Google does not take this key for this enterprise.').waitFor();
    expect(await button('Use it').isDisabled()).toBe(true);
    central.tried = { answered: true, message: 'Google answered.' };
    await button('Try it').click();
    await page.getByText('Google answered.').waitFor();
    // What was changed after the try was not tried.
    await page.getByLabel('Oldest security patch that is good enough').fill('2026-07-01');
    expect(await button('Use it').isDisabled()).toBe(true);
    expect(central.mdmAsked.used).toEqual([]);
    await button('Try it').click();
    await button('Use it').click();
    await page.getByRole('region', { name: 'Android Management API' }).getByText('LC03mercy').waitFor();
    expect(central.mdmAsked.used).toEqual([{ kind: 'amapi', settings: { kind: 'amapi', enterprise: 'LC03mercy', securityPatchFloor: '2026-07-01' }, secrets: { serviceAccount: KEY_FILE } }]);
    expect(await page.content()).not.toContain('PRIVATE KEY');
  });

  it('a change without a new key sends none; the server’s refusal is shown and the form stays', async () => {
    central.mdmRefusal = 'Somebody else has set it in the meantime. Look at it, then try again.';
    await openMdms();
    await button('Change it (Android Management API)').click();
    await page.getByLabel('Oldest security patch that is good enough').fill('');
    await button('Try it').click();
    await page.getByText('The 2 wipes under way go on with it; nothing is wiped twice.', { exact: false }).waitFor();
    await page.getByLabel('Enterprise id').fill('LC04other');
    await button('Try it').click();
    await page.getByText('The 2 wipes under way were ordered from another one and cannot be proven through this', { exact: false }).waitFor();
    await page.getByLabel('Enterprise id').fill('LC03mercy');
    await button('Try it').click();
    await button('Use it').click();
    await page.getByText('Somebody else has set it in the meantime.', { exact: false }).waitFor();
    expect(central.mdmAsked.tried.slice(-1)).toEqual([{ kind: 'amapi', settings: { kind: 'amapi', enterprise: 'LC03mercy' }, secrets: {} }]);
    expect(await button('Use it').isDisabled()).toBe(true);
  });

  it('NanoMDM with two wards, its keys and its profiles: sent as they were typed, and nowhere on the page afterwards', async () => {
    central.mdms = noMdm();
    central.tried = { answered: true, message: 'NanoMDM at mdm.mercy.example answered with this key.' };
    await openMdms();
    await button('Add NanoMDM').click();
    await page.getByLabel('Address').fill('https://mdm.mercy.example');
    await page.getByLabel('API key (-api)').fill('nano key 4f1c');
    await page.getByLabel('Webhook key (-webhook-hmac-key)').fill('hook key 9b2e');
    await button('Another profile').click();
    for (const [at, [ward, profile, applications]] of [['ward-7-east', 'org.mercy.ward', 'org.mercy.chart  org.mercy.call'], ['ward-7-west', 'org.mercy.west', '']].entries()) {
      await page.getByLabel('Profile in the directory').nth(at).fill(ward ?? '');
      await page.getByLabel('Configuration profile').nth(at).fill(profile ?? '');
      await page.getByLabel('Applications').nth(at).fill(applications ?? '');
    }
    await page.getByLabel('Oldest iPadOS that is good enough').fill('18.1');
    await page.getByLabel('Wi-Fi profile that a wiped iPad gets').setInputFiles({ name: 'wifi.mobileconfig', mimeType: 'application/x-apple-aspen-config', buffer: Buffer.from([0, 255, 128]) });
    await page.getByLabel('It keeps one certificate for each tablet', { exact: false }).check();
    await button('Try it').click();
    await button('Use it').click();
    await page.getByRole('region', { name: 'NanoMDM' }).getByText('https://mdm.mercy.example').waitFor();
    expect(central.mdmAsked.used).toEqual([
      {
        kind: 'nanomdm',
        settings: {
          kind: 'nanomdm',
          baseUrl: 'https://mdm.mercy.example',
          profiles: { 'ward-7-east': { profile: 'org.mercy.ward', applications: ['org.mercy.chart', 'org.mercy.call'] }, 'ward-7-west': { profile: 'org.mercy.west', applications: [] } },
          osFloor: '18.1',
          pinsOneCertificate: true,
          grantsPasscodeRemoval: false,
          eraseEndsJailbreak: false,
        },
        secrets: { apiKey: 'nano key 4f1c', webhookKey: 'hook key 9b2e', wifiProfile: 'AP+A' },
      },
    ]);
    expect(await page.content()).not.toContain('4f1c');
  });

  it('removing one says first what stops, and what the policy forbids is said in the server’s words', async () => {
    central.mdmRefusal = 'The policy in force asks of Android tablets what could then never be proven: that its wipe was carried out.';
    await openMdms();
    await button('Remove it (Android Management API)').click();
    await page.getByText('Android tablets that come back wait until another MDM can wipe them.', { exact: false }).waitFor();
    expect(central.mdmAsked.removed).toEqual([]);
    await button('Remove it').click();
    await page.getByText('The policy in force asks of Android tablets', { exact: false }).waitFor();
    central.mdmRefusal = undefined;
    await button('Remove it (Android Management API)').click();
    await button('Remove it').click();
    await page.getByText('There are none, and no MDM for them.').waitFor();
    expect(central.mdmAsked.removed).toEqual(['amapi']);
  });

  it('one set here while the file names another says which is in use and why', async () => {
    central.mdms = { ...central.mdms, mdms: central.mdms.mdms.slice(1), idle: [{ kind: 'amapi', set: { at: '2026-11-12T09:12:00.000Z', by: 'admin' }, why: 'Its credential cannot be opened: keys.json is older than the database.' }] };
    await openMdms();
    const idle = page.getByRole('region', { name: 'Android Management API, not in use' });
    await idle.getByText('Its credential cannot be opened: keys.json is older than the database.').waitFor();
    await idle.getByText('Set by admin, 12 Nov 2026.').waitFor();
  });

  it('whoever is no administrator is told so, and finds no way there', async () => {
    central.roles = ['privacy-officer'];
    await openMdms();
    await page.getByText('Only an administrator may do this.').waitFor();
    expect(await page.getByRole('link', { name: 'MDM', exact: true }).count()).toBe(0);
  });
});

const LOOKS = [
  { name: 'light', viewport: { width: 1280, height: 800 }, colorScheme: 'light', rules: undefined },
  { name: 'dark', viewport: { width: 1280, height: 800 }, colorScheme: 'dark', rules: ['color-contrast'] },
  { name: '390', viewport: { width: 390, height: 844 }, colorScheme: 'light', rules: ['target-size', 'color-contrast', 'scrollable-region-focusable'] },
  { name: '390-dark', viewport: { width: 390, height: 844 }, colorScheme: 'dark', rules: ['color-contrast'] },
] as const;

describe.each(LOOKS)('drawn $name', ({ name, viewport, colorScheme, rules }) => {
  it('in use and missing, with both forms open: no axe violation, no horizontal scroll', async () => {
    await look({ viewport, colorScheme });
    await openMdms();
    await page.getByText('What was changed here').waitFor();
    await page.screenshot({ path: `${SCREENS}/fleet-mdms-${name}.png`, fullPage: true });
    central.mdms = { ...central.mdms, mdms: central.mdms.mdms.slice(0, 1), free: noMdm().free.slice(1) };
    await readAgain();
    await button('Change it (Android Management API)').click();
    await button('Try it').click();
    await page.getByText('Google answered for the enterprise', { exact: false }).waitFor();
    await button('Add NanoMDM').click();
    await page.screenshot({ path: `${SCREENS}/fleet-mdms-forms-${name}.png`, fullPage: true });
    expect(await page.evaluate('document.documentElement.scrollWidth - innerWidth'), 'scrolls sideways').toBeLessThanOrEqual(0);
    const axe = axeOn(page);
    expect(await violationsOf(rules === undefined ? axe.withTags(WCAG) : axe.withRules([...rules]))).toEqual([]);
  }, PATIENCE_MS);
});
