import type { Page } from 'playwright';

/**
 * What does not fit, in words: a page that scrolls, a part outside its region, text wider than its box, regions that overlap.
 * Runs in the page; the tolerance is for rounding.
 */
export const misfits = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const slack = 2;
    const found: string[] = [];
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth || root.scrollHeight > innerHeight) found.push(`the page scrolls: ${root.scrollWidth}×${root.scrollHeight}`);
    const inside = (inner: DOMRect, outer: DOMRect): boolean => inner.left >= outer.left - slack && inner.right <= outer.right + slack && inner.top >= outer.top - slack && inner.bottom <= outer.bottom + slack;
    const where = (box: DOMRect): string => `${Math.round(box.left)},${Math.round(box.top)}–${Math.round(box.right)},${Math.round(box.bottom)}`;
    const regions = ['.top', '.map', '.say', '.also', '.foot'].map((name) => ({ name, element: document.querySelector(`main > ${name}`) }));
    const boxes = regions.flatMap(({ name, element }) => (element === null ? [] : [{ name, element, box: element.getBoundingClientRect() }]));
    for (const { name, element, box } of boxes) {
      if (!inside(box, new DOMRect(0, 0, innerWidth, innerHeight))) found.push(`${name} leaves the screen: ${where(box)}`);
      for (const part of element.querySelectorAll<HTMLElement>('h1, p, li, button, time, .numeral, .emblem, .count-word, .cart-map, .icon')) {
        const partBox = part.getBoundingClientRect();
        if (partBox.width === 0 || part.classList.contains('unseen')) continue;
        // Digits and emblems stand out by their side bearing, so that what is painted aligns; the screen still bounds them.
        const region = part.closest('.numeral, .emblem') ? new DOMRect(0, box.top, innerWidth, box.height) : box;
        const label = `${name} ${part.tagName.toLowerCase()} "${(part.textContent ?? '').slice(0, 30)}"`;
        if (!inside(partBox, region)) found.push(`${label} leaves its region: ${where(partBox)} not in ${where(box)}`);
        if (part instanceof HTMLElement && part.scrollWidth > part.clientWidth + slack && getComputedStyle(part).display !== 'inline') found.push(`${label} is wider than its box: ${part.scrollWidth} > ${part.clientWidth}`);
      }
    }
    for (const [at, one] of boxes.entries()) {
      for (const other of boxes.slice(at + 1)) {
        const apart = one.box.right <= other.box.left + slack || other.box.right <= one.box.left + slack || one.box.bottom <= other.box.top + slack || other.box.bottom <= one.box.top + slack;
        if (!apart && one.box.height > 0 && other.box.height > 0) found.push(`${one.name} overlaps ${other.name}`);
      }
    }
    return found;
  });

/** Height of the painted digits as a share of the screen's height, and width of the numeral as a share of its region. */
export const numeral = (page: Page): Promise<{ height: number; width: number }> =>
  page.evaluate(() => {
    const element = document.querySelector('.order > .numeral');
    const region = document.querySelector('.say');
    const pen = document.createElement('canvas').getContext('2d');
    if (element === null || region === null || pen === null) throw new Error('no numeral on this screen');
    const style = getComputedStyle(element);
    pen.font = `${style.fontWeight} ${style.fontSize} ${style.fontFamily}`;
    const drawn = pen.measureText(element.textContent ?? '');
    return { height: drawn.actualBoundingBoxAscent / innerHeight, width: element.getBoundingClientRect().width / region.clientWidth };
  });
