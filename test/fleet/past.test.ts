import { readFile } from 'node:fs/promises';
import { beforeEach, describe, expect, it } from 'vitest';
import { lastNight } from '../../app/fleet/span.ts';
import { conflictAbout, nightOf, stoodAt, twoNoticed, withConflict } from './night-of-t114.ts';
import { central, device, fleetPage, open, page } from './opened-page.ts';
import { twoWards } from './two-wards.ts';

fleetPage();
beforeEach(() => {
  central.custody = nightOf(device('T-114'));
});

const openTablet = (asset = 'T-114') => open(`#/devices/${device(asset).serial}`);
const answer = () => page.getByRole('article', { name: 'Who had T-114' });
const stay = (who: string) => answer().locator('.stay').filter({ has: page.locator('.stay-who', { hasText: who }) });

/** The page has read its lists once more, so whatever it does by itself it has done. */
async function anotherRound(): Promise<void> {
  const before = central.seen.unchanged;
  await expect.poll(() => central.seen.unchanged, { timeout: 20_000 }).toBeGreaterThan(before + 1);
}

describe('who had it', () => {
  it('a cart’s clock three years off: it is not believed, and the bounds say when it was', async () => {
    await openTablet();
    await answer().locator('.end').getByText('Put into Cart B, slot 2').waitFor();
    await answer().getByText('The cart’s clock said 02:51:07 on 22 Nov 2029: it was wrong.').waitFor();
    expect(await stay('Aisha R.').locator('.stay-when').textContent()).toBe('from Cart A, slot 4, 22:14:20 to some time between 22 Nov 02:40:11 and 22 Nov 02:52:30, about 4 h 38 min');
  });

  it('who only possibly had it is told apart in words and in the drawing, not by colour', async () => {
    await openTablet();
    expect(await stay('Aisha R.').locator('.overlap').textContent()).toBe('certain');
    expect(await stay('Somebody not identified').locator('.overlap').textContent()).toBe('only possible');
    expect(await answer().locator('.summary').textContent()).toContain('Aisha R. had it. Possibly also somebody not identified.');
    await stay('Somebody not identified').getByText('not after 05:48:00; how early is not known').waitFor();
    await answer().getByText('By these bounds it may also have been in the other order.').waitFor();
  });

  it('asked after a night, the span is sent, and stands in the address', async () => {
    await openTablet();
    await answer().waitFor();
    await page.getByRole('button', { name: 'Last night, 22–06' }).click();
    await expect.poll(() => central.asked.custody.length).toBe(2);
    const { from, to } = central.asked.custody[1] ?? { from: '', to: '' };
    expect(await page.evaluate(`new Date(${JSON.stringify(from)}).getHours() * 100 + new Date(${JSON.stringify(to)}).getHours()`)).toBe(2206);
    expect(Date.parse(to) - Date.parse(from)).toBe(8 * 3_600_000);
    expect(Math.abs(Date.parse(to) - Date.parse(lastNight(new Date().toISOString()).to))).toBeLessThanOrEqual(24 * 3_600_000);
    expect(new URLSearchParams(new URL(page.url()).hash.split('?')[1])).toEqual(new URLSearchParams({ from, to }));
    await page.getByRole('button', { name: 'Ask again' }).click();
    await expect.poll(() => central.asked.custody.length).toBe(3);
  });

  it('a beginning after the end, or half a span, is said and not sent', async () => {
    await openTablet();
    await answer().waitFor();
    await page.getByLabel('From', { exact: true }).fill('2026-11-22T06:00:00');
    await page.getByLabel('To', { exact: true }).fill('2026-11-21T22:00:00');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByText('The beginning must be before the end.').waitFor();
    await page.getByLabel('From', { exact: true }).fill('');
    await page.getByRole('button', { name: 'Ask', exact: true }).click();
    await page.getByText('Fill in both moments, with their times.').waitFor();
    expect(central.asked.custody.length).toBe(1);
  });

  it('a server that dies over the question is asked until it answers', async () => {
    central.questions = 'unanswered';
    await openTablet();
    await page.getByText('There is no answer. The server does not answer. Trying again.').waitFor();
    central.questions = 'answered';
    await answer().getByText('Aisha R. had it.').waitFor();
    expect(await page.getByText('Trying again.').count()).toBe(0);
  });

  it('whoever may not ask is told so in the server’s words, and the page does not insist', async () => {
    central.questions = 'denied';
    await openTablet();
    await page.getByText('You may not see this. Only a privacy officer may ask this.').waitFor();
    await anotherRound();
    expect(central.asked.custody.length).toBe(1);
  });

  it('an answer that holds less than happened says so above and below, and one that holds nothing says that', async () => {
    const night = nightOf(device('T-114'));
    central.custody = { ...night, truncated: true };
    await openTablet();
    await answer().getByText('This answer is not complete: more happened than it holds.').waitFor();
    await answer().getByText('This answer is not complete. Ask about a shorter time.').waitFor();
    central.custody = { ...night, intervals: [] };
    await page.getByRole('button', { name: 'Ask again' }).click();
    await answer().getByText('No cart tells anything about it in this time.').waitFor();
  });

  it('a receipt is saved as the server wrote it; one that there is not is said, not saved', async () => {
    await openTablet();
    const saved = page.waitForEvent('download');
    await stay('Aisha R.').getByRole('button', { name: 'Receipt of this release' }).click();
    const file = await saved;
    expect(file.suggestedFilename()).toBe('release-1208.receipt.txt');
    expect(await readFile(await file.path(), 'utf8')).toContain('for /api/receipts/st-elsewhere/station/st-7e-a/e1/1208');
    await stay('Somebody not identified').getByRole('button', { name: 'Receipt of this release' }).click();
    await page.getByText('No receipt: There is no such ledger or record.').waitFor();
  });

  it('printed, it is the question, the answer, the whole evidence and the time of asking, and nothing of the page', async () => {
    await openTablet();
    await stay('Aisha R.').waitFor();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const paper = (await page.locator('body').innerText()).replace(/\s+/g, ' ');
    expect(paper.startsWith('Who had tablet T-114?')).toBe(true);
    expect(paper).toContain('21 Nov 2026, 22:00:00 to 22 Nov 2026, 06:00:00, times in Europe/Berlin');
    expect(paper).toContain('Asked by admin 22 Nov 2026, 07:12:44, by the server’s clock');
    expect(paper).toMatch(/Taken from Cart A, slot 4: entry 1208 of st-elsewhere\/station\/st-7e-a\/e1, leaf [0-9a-f]{64}/);
    expect(paper).toContain('What these words mean');
    for (const ofThePage of ['Sign out', 'Records', 'Held by', 'Ask again', 'Copy the leaf', 'Receipt of this release']) expect(paper).not.toContain(ofThePage);
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
  });
});

describe('a tablet that two carts claim', () => {
  beforeEach(() => {
    central.view = withConflict(central.view, 'T-105');
  });

  it('is at no one place anywhere, and the wards say so first', async () => {
    await open('');
    await page.getByText('T-105 is claimed by two carts.').waitFor();
    await page.getByRole('button', { name: 'Slot 3: not certain, T-105 is claimed by two carts' }).waitFor();
    await page.getByRole('button', { name: 'Slot 4: not certain, T-105 is claimed by two carts' }).waitFor();
    expect(await page.getByRole('list', { name: 'Not certain' }).textContent()).toContain('T-105 in conflict');
    const row = page.getByRole('table', { name: 'Tablets' }).getByRole('row').filter({ hasText: 'T-105' });
    expect(await row.getByRole('rowheader').textContent()).toContain('T-105 in conflict');
    await row.getByText('Cart B, slot 4, or Cart A, slot 3').waitFor();
    expect(await row.getByRole('link', { name: /Cart/ }).count()).toBe(0);
    await page.getByRole('link', { name: 'Look at the evidence' }).click();
    await page.getByRole('heading', { name: 'T-105 is claimed by two carts' }).waitFor();
    await page.getByText('Both say that they had it from 22 Nov 2026, 01:40:00 to 22 Nov 2026, 02:15:00').waitFor();
    expect(await page.locator('.side-title').allTextContents()).toEqual(['Cart A says', 'Cart B says']);
  });

  it('is not certainly in either cart in its own history', async () => {
    const conflict = conflictAbout(device('T-105'));
    const night = nightOf(device('T-105'), [conflict]);
    central.custody = { ...night, intervals: conflict.sides.map(({ place, opened, closed }) => ({ kind: 'docked', place, opened, ...(closed === undefined ? {} : { closed }), overlap: 'certain', touches: [] })) };
    await openTablet('T-105');
    await page.locator('.stay').first().waitFor();
    expect(await page.locator('.stay-head').allTextContents()).toEqual(['In Cart A, slot 4contradicted by Cart B', 'In Cart B, slot 4contradicted by Cart A']);
    expect(await page.locator('.overlap').count()).toBe(0);
  });

  it('where only the clocks leave it open, is not accused of a conflict', async () => {
    central.view = { ...central.view, conflicts: [], devices: central.view.devices.map((known) => (known.where.kind === 'conflict' ? (({ conflict: _open, ...rest }) => ({ ...rest, where: { ...known.where, because: 'undecided' as const } }))(known) : known)) };
    await open('#/devices?q=T-105');
    const row = page.getByRole('table', { name: 'Tablets' }).getByRole('row').last();
    await row.getByText('not certain: the clocks do not say which cart had it last').waitFor();
    expect(await row.getByRole('rowheader').textContent()).not.toContain('conflict');
  });

  it('closing wants a reason; closed, it stays with who, when and why, also with the tablet', async () => {
    central.custody = { ...nightOf(device('T-105')), conflicts: [conflictAbout(device('T-105'))] };
    await open('#/conflicts');
    await page.getByRole('button', { name: 'Close this conflict' }).click();
    await page.getByRole('button', { name: 'Close the conflict' }).click();
    await page.getByText('Say what you found: the reason stays with the conflict.').waitFor();
    expect(central.asked.closed).toEqual([]);
    await page.getByLabel('What was found about T-105').fill('A second tablet had its serial');
    await page.getByRole('button', { name: 'Close the conflict' }).click();
    await page.getByText(/Closed by admin, .*: A second tablet had its serial/).waitFor();
    expect(central.asked.closed).toEqual([{ id: 7, reason: 'A second tablet had its serial' }]);
    await page.getByRole('link', { name: 'T-105' }).first().click();
    await page.getByRole('article', { name: 'Who had T-105' }).getByText(/Closed by admin, .*: A second tablet had its serial/).waitFor();
  });

  it('whoever is no administrator can look, but neither close nor see the keys', async () => {
    central.roles = ['privacy-officer'];
    await open('#/conflicts');
    await page.getByText('An administrator can close it, with a reason.').waitFor();
    expect(await page.getByRole('button', { name: 'Close this conflict' }).count()).toBe(0);
    expect(await page.getByRole('link', { name: 'Keys' }).count()).toBe(0);
    await open('#/keys');
    await page.getByText('Only an administrator may do this.').waitFor();
  });
});

describe('a cart at an instant', () => {
  it('whose ledger was given up: each ledger tells for itself, and what is not certain is said', async () => {
    central.stood = stoodAt(twoWards());
    await open('#/stations/st-7e-a');
    await page.getByLabel('Moment', { exact: true }).fill('2026-11-22T02:15:00');
    await page.getByRole('button', { name: 'Draw it' }).click();
    const stood = page.getByRole('article', { name: 'Cart A as it stood' });
    await stood.getByText('5 entries are not certain.').waitFor();
    expect(central.asked.at).toEqual(['2026-11-22T01:15:00.000Z']);
    expect(await stood.getByText('Entries 1299 to 1303 may have been made before this moment or after it').count()).toBe(1);
    await stood.getByRole('button', { name: 'Slot 1: T-101, wiped since its last use, offered' }).waitFor();
    await stood.getByRole('button', { name: 'Slot 5: T-109, in quarantine' }).waitFor();
    expect(await stood.getByRole('table', { name: 'Out of the cart 2' }).getByRole('rowheader').allTextContents()).toEqual(['T-113', 'T-122']);
    await stood.getByText('st-elsewhere/station/st-7e-a/e1', { exact: true }).first().click();
    await stood.getByText('Nothing was out.').waitFor();
  });

  it('before its first ledger says that there was none', async () => {
    central.stood = { ...stoodAt(twoWards()), ledgers: [] };
    await open('#/stations/st-7e-a?at=2020-01-01T00:00:00Z');
    await page.getByText('No ledger of this cart had begun by then.').waitFor();
  });
});

describe('what the witness noticed', () => {
  const entry = () => page.getByRole('navigation').getByRole('link', { name: 'Incidents' });

  it('nothing: says so, and the entry carries no number', async () => {
    await open('#/incidents');
    await page.getByText('The witness has noticed nothing.').waitFor();
    await page.getByText('No record is set aside.').waitFor();
    await page.getByText('No conflict is known.').waitFor();
    expect(await entry().textContent()).toBe('Incidents');
  });

  it('a cart of two histories is told with its signed checkpoint, and only what waits for somebody is counted', async () => {
    const noticed = twoNoticed();
    central.incidents = { ...noticed, incidents: noticed.incidents.map((incident) => ({ ...incident, lastAt: new Date().toISOString() })) };
    await open('#/incidents');
    await page.getByRole('heading', { name: 'Two histories from Cart A' }).waitFor();
    await page.getByText('The cart’s signed checkpoint').click();
    await page.locator('pre').filter({ hasText: 'st-elsewhere/station/st-7e-a/e1' }).waitFor();
    expect(await entry().textContent()).toBe('Incidents3');
  });

  it('records nobody understood show their bytes; trying again says what took effect and what did not', async () => {
    central.incidents = twoNoticed();
    await open('#/incidents');
    await page.getByText('Its 41 bytes').click();
    await page.getByText('{"body":{},"type":"tablet-cleaned","v":2}').waitFor();
    await page.getByText('Its 5 bytes, in hexadecimal').click();
    await page.getByText('00 ff 12 07 1b').waitFor();
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('1 took effect. 1 is still set aside.').waitFor();
    await page.getByText('1 waiting').waitFor();
    expect(central.asked.replayed).toEqual(['st-elsewhere/station/st-7e-b/e1']);
  });
});

describe('keys', () => {
  it('ending one that three badges hang on says so first, and sends the number that was shown', async () => {
    await open('#/keys');
    await page.getByRole('button', { name: 'End version 1 of Badge key' }).click();
    await page.getByText('3 badges end with it. Their people must be enrolled anew before they can take a tablet.').waitFor();
    expect(central.asked.keys).toEqual([]);
    await page.getByRole('button', { name: 'End it and 3 badges' }).click();
    await page.getByText('Version 1 has ended, and 3 badges with it.').waitFor();
    expect(central.asked.keys).toEqual([{ kind: 'badge-key', confirm: 3 }]);
  });

  it('ending a statement key names the cart that would be lost, and a stolen station asks for a new pepper', async () => {
    await open('#/keys');
    await page.getByText('st-7e-x had version 1 and is denied now.').waitFor();
    await page.getByRole('button', { name: 'End the older one now Statement key' }).click();
    await page.getByText('Cart C will believe nothing this server says, and must be enrolled anew.').waitFor();
    await page.getByRole('button', { name: 'Leave it' }).click();
    expect(central.asked.keys).toEqual([]);
  });
});
