import { beforeEach, describe, expect, it } from 'vitest';
import { openCertificate } from '../../app/ledger/certificate.ts';
import { readFile } from 'node:fs/promises';
import { central, fleetPage, open, page } from './opened-page.ts';
import { wipesOf } from './stub-certificates.ts';

fleetPage();
beforeEach(() => {
  central.certificates = wipesOf(6);
});

const rows = () => page.locator('.list tbody tr');
const leafOf = (at: number): string => central.certificates[at]?.facts.ledger.leaf ?? expect.fail('no such certificate');

describe('certificates', () => {
  it('one is sought in all of them by asset or serial, opened, and kept as a sheet and as a file that verifies', async () => {
    await open('#/');
    await page.getByRole('link', { name: 'Certificates' }).click();
    await expect.poll(() => rows().count()).toBe(6);
    await page.getByRole('searchbox').fill('t-105');
    await expect.poll(() => rows().count()).toBe(3);
    await expect.poll(() => central.searched.at(-1)).toBe('?q=t-105');
    expect(new URL(page.url()).hash).toBe('#/certificates?q=t-105');
    await rows().first().getByRole('rowheader').getByRole('link').click();
    const sheet = page.getByRole('article', { name: 'Certificate of tablet T-105' });
    await sheet.getByText('Cosigned', { exact: true }).waitFor();
    for (const words of ['R52T0831495', 'Not certified as Purge', 'the tablet enrolled anew', 'The records name no person']) expect(await sheet.textContent()).toContain(words);
    const [file] = await Promise.all([page.waitForEvent('download'), sheet.getByRole('button', { name: 'File to verify offline' }).click()]);
    expect(file.suggestedFilename()).toBe('R52T0831495.certificate');
    expect(openCertificate(await readFile(await file.path()))).toMatchObject({ ok: true });
    const [pdf] = await Promise.all([page.waitForEvent('download'), sheet.getByRole('button', { name: 'PDF with QR code' }).click()]);
    expect(pdf.suggestedFilename()).toBe('R52T0831495.pdf');
  });

  it('many are read page by page', async () => {
    central.certificates = wipesOf(8);
    await open('#/certificates');
    await expect.poll(() => rows().count()).toBe(6);
    await page.getByRole('link', { name: 'Older' }).click();
    await expect.poll(() => rows().count()).toBe(2);
    expect(central.searched.at(-1)).toContain(`after=${leafOf(5)}`);
    await page.getByRole('link', { name: 'Newest' }).click();
    await expect.poll(() => rows().count()).toBe(6);
  });

  it('one that no server has seen says PROVISIONAL before anything else, on paper too', async () => {
    central.certificates = wipesOf(1, { provisional: true });
    await open(`#/certificates/${leafOf(0)}`);
    await page.getByText('PROVISIONAL', { exact: true }).waitFor();
    await page.emulateMedia({ media: 'print' });
    expect([await page.getByText('PROVISIONAL', { exact: true }).isVisible(), await page.getByRole('button', { name: 'Print' }).isVisible(), await page.getByText('Check it: https://').isVisible()]).toEqual([true, false, true]);
  });

  it('one that claims more than its ledger proves is not shown, and why is said', async () => {
    central.unsound = [leafOf(0)];
    await open(`#/certificates/${leafOf(0)}`);
    await page.getByText('the records before it do not bear that out').waitFor();
    expect(await page.locator('.certificate').count()).toBe(0);
  });

  it('of one tablet are a link away from it', async () => {
    await open('#/devices/R52T0886928');
    await page.getByRole('link', { name: 'of its sanitizations' }).click();
    await expect.poll(() => rows().count()).toBe(3);
  });
});
