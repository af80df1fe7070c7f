import type { Page } from 'playwright';
import type { Snapshot } from '../../app/contract/kiosk.ts';
import type { FakeStation } from './kiosk-server.ts';

let revision = 1;
/** Pushes a snapshot and waits until the page has drawn it: its kind, its language, its fonts, no animation under way. */
export async function showOn(page: Page, station: FakeStation, snapshot: Snapshot): Promise<void> {
  revision += 1;
  station.show({ ...snapshot, revision });
  await page.waitForSelector(`main[data-revision="${revision}"]`);
  await settled(page);
}

/** Waits until fonts are there, the map fills its place, and no animation is under way. */
export async function settled(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await document.fonts.ready;
    const isMapDrawn = (): boolean => [...document.querySelectorAll('.cart-map')].every((map) => Math.abs((map.firstElementChild?.getBoundingClientRect().width ?? 0) - map.clientWidth) < 1);
    while (!isMapDrawn()) await new Promise(requestAnimationFrame);
    const finite = document.getAnimations().filter((animation) => animation.effect?.getComputedTiming().iterations !== Infinity && !(animation.effect as KeyframeEffect).target?.closest('.edge'));
    await Promise.allSettled(finite.map((animation) => animation.finished));
  });
}
