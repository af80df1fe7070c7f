import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const path = (name: string): string => fileURLToPath(new URL(`../../app/${name}`, import.meta.url));
const css = readFileSync(path('ui/tokens.css'), 'utf8');

const block = (selector: string): Record<string, string> => {
  const start = css.indexOf(`\n${selector} {`);
  if (start < 0) throw new Error(`tokens.css has no ${selector}`);
  const body = css.slice(start, css.indexOf('}', start));
  return Object.fromEntries([...body.matchAll(/--([\w-]+):\s*(#[0-9a-f]{6});/g)].map((match) => [match[1] ?? '', match[2] ?? '']));
};
const day = block(':root');
const night = { ...day, ...block("[data-theme='night']") };
const PALETTES: Readonly<Record<string, Record<string, string>>> = {
  day,
  night,
  'day, take': { ...day, ...block("[data-scene='take']") },
  'night, take': { ...night, ...block("[data-scene='take']"), ...block("[data-theme='night'] [data-scene='take']") },
};

/** WCAG 2.2 contrast ratio of two #rrggbb colours. */
const contrast = (a: string, b: string): number => {
  const luminance = (hex: string): number => {
    const [r = 0, g = 0, blue = 0] = [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * blue;
  };
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
};

/** [ink, ground, least ratio]: 7 for what is read at 3 m and 1 m, 4.5 for arm's length text, 3 for shapes (WCAG 1.4.11). */
const PAIRS = [
  ['ink', 'ground', 7],
  ['soft', 'ground', 7],
  ['ink', 'cart', 7],
  ['ink', 'key', 7],
  ['ink', 'recess', 7],
  ['ink', 'tint', 7],
  ['lit-number', 'lit-tile', 7],
  ['accent-ink', 'accent', 7],
  ['warn', 'ground', 4.5],
  ['soft', 'key', 4.5],
  ['soft', 'cart', 4.5],
  ['tile-ink', 'tile', 3],
  ['tile', 'recess', 3],
  ['pos', 'ground', 3],
  ['soft', 'recess', 3],
] as const;

describe.each(Object.entries(PALETTES))('by %s', (_name, palette) => {
  test.each(PAIRS)('%s on %s is at least %d : 1', (ink, ground, least) => {
    expect(contrast(palette[ink] ?? '', palette[ground] ?? '')).toBeGreaterThanOrEqual(least);
  });
});

test('the measure is WCAG’s own: black on white is 21 : 1', () => {
  expect(contrast('#000000', '#ffffff')).toBeCloseTo(21, 5);
});

test('no raw colour outside tokens.css', () => {
  const files = ['ui', 'renderer', 'renderer/screens'].flatMap((folder) => readdirSync(path(folder)).map((file) => `${folder}/${file}`)).filter((file) => /\.(css|tsx?)$/.test(file) && !file.endsWith('tokens.css'));
  const raw = files.filter((file) => /#[0-9a-f]{3,8}\b(?!-)|\brgba?\(|\bhsla?\(/i.test(readFileSync(path(file), 'utf8').replace(/url\(#|`#|'#page'|querySelector\('#/g, '')));
  expect(raw).toEqual([]);
});
