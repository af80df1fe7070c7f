import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { KIOSK_REFUSALS, PARTS, SLOT_LOOKS } from '../../app/contract/kiosk.ts';
import { MORNING_REASONS } from '../../app/contract/night.ts';
import { NEXT_STEPS } from '../../app/domain/morning-sheet.ts';
import { SHORT_REASONS } from '../../app/domain/night-problem.ts';
import { REFUSAL_REASONS, UNPROVEN_REASONS } from '../../app/domain/terms.ts';
import { lengthened, PSEUDO, wordsIn } from '../../app/renderer/language.ts';
import { reasonKey } from '../../app/renderer/screens/morning.tsx';

type Tree = { readonly [key: string]: string | Tree };
const FOLDER = fileURLToPath(new URL('../../resources/languages/', import.meta.url));
const LANGUAGES = readdirSync(FOLDER).filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -'.json'.length));
const FORMS = /_(zero|one|two|few|many|other)$/;

const flat = (tree: Tree, path = ''): Map<string, string> =>
  new Map(Object.entries(tree).flatMap(([key, value]) => (typeof value === 'string' ? [[path + key, value] as const] : [...flat(value, `${path}${key}.`)])));
const wordsOf = (language: string): Map<string, string> => flat(JSON.parse(readFileSync(`${FOLDER}${language}.json`, 'utf8')) as Tree);
const variables = (text: string): string[] => [...text.matchAll(/\{\{(\w+)\}\}/g)].map((match) => match[1] ?? '').sort();
const withoutForm = (key: string): string => key.replace(FORMS, '');

const english = wordsOf('en');
const bases = (words: Map<string, string>): string[] => [...new Set([...words.keys()].map(withoutForm))].sort();

describe.each(LANGUAGES)('a nurse who reads %s', (language) => {
  const words = wordsOf(language);

  test('finds every message, and none that English does not have', () => {
    expect(bases(words)).toEqual(bases(english));
  });

  test('finds every plural form her language has', () => {
    const forms = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    const plurals = new Set([...english.keys()].filter((key) => FORMS.test(key)).map(withoutForm));
    const missing = [...plurals].flatMap((key) => forms.map((form) => `${key}_${form}`)).filter((key) => !words.has(key));
    expect(missing).toEqual([]);
  });

  test('is told the same slots, names and reasons (values) as in English', () => {
    const plural = (key: string): boolean => FORMS.test(key);
    const different = [...words].filter(([key, text]) => !plural(key) && variables(text).join() !== variables(english.get(key) ?? '').join());
    expect(different).toEqual([]);
  });

  test('never reads a headline longer than seven words', () => {
    const long = [...words].filter(([key, text]) => /(^|\.)do$/.test(key) && text.split(/\s+/).length > 7);
    expect(long).toEqual([]);
  });

  test.each([
    ['a refusal', REFUSAL_REASONS.flatMap((reason) => [`refusal.${reason}.do`, `refusal.${reason}.why`])],
    ['an unproven tablet', UNPROVEN_REASONS.flatMap((reason) => [`unproven.${reason}`, `slot.reason.${reason}`])],
    ['a morning’s exception', MORNING_REASONS.map((reason) => reasonKey(reason))],
    ['what to do about it', NEXT_STEPS.map((step) => `morning.next.${step}.do`)],
    ['what is suspected', ['slot', 'tablet', 'unclear'].map((suspect) => `morning.suspect.${suspect}`)],
    ['a ward that will be short', SHORT_REASONS.map((reason) => `night.because.${reason}`)],
    ['a failed part', PARTS.flatMap((part) => [`degraded.${part}.do`, `degraded.${part}.then`])],
    ['a look of a slot', SLOT_LOOKS.map((look) => `cart.look.${look}`)],
    ['a refused request', [...KIOSK_REFUSALS, 'lost'].map((reason) => `reply.${reason}`)],
  ])('is never left without words for %s', (_what, keys) => {
    expect(keys.filter((key) => (words.get(key) ?? '').trim() === '')).toEqual([]);
  });
});

test('nobody is shown an error, a code or blame', () => {
  const rude = [...english].filter(([, text]) => /\b(error|invalid|failed|illegal|code)\b|!/i.test(text));
  expect(rude).toEqual([]);
});

test('the pseudo-locale is at least 40 % longer and keeps the values', () => {
  const before = flat(JSON.parse(readFileSync(`${FOLDER}en.json`, 'utf8')) as Tree);
  const after = flat(lengthened(JSON.parse(readFileSync(`${FOLDER}en.json`, 'utf8')) as Tree));
  const letters = (text: string): number => text.replace(/\{\{\w+\}\}/g, '').replace(/[^\p{L}]/gu, '').length;
  for (const [key, text] of before) {
    const longer = after.get(key) ?? '';
    expect(variables(longer), key).toEqual(variables(text));
    expect(letters(longer), key).toBeGreaterThanOrEqual(Math.floor(letters(text) * 1.4));
  }
});

test('a language nobody translated falls back to English, a region to its language', () => {
  expect(wordsIn('xx').t('take.do')).toBe('Take');
  expect(wordsIn('he-IL').direction).toBe('rtl');
  expect(wordsIn('en-GB').t('idle.ready', { count: 1 })).toBe('ready');
  expect(wordsIn(PSEUDO).t('take.do')).not.toBe('Take');
});

test('a name keeps its dot in a language written from right to left', () => {
  expect(wordsIn('he').t('taken.do', { name: 'Maria K.' })).toContain('\u2068Maria K.\u2069');
  expect(wordsIn('he').t('unreadable.do', { slot: 8 })).toContain(' 8');
});

test('a time is that of the cart, not of the screen', () => {
  expect(wordsIn('en').time(Date.UTC(2026, 10, 21, 5, 51), 'Europe/Berlin')).toBe('06:51');
  expect(wordsIn('en').time(Date.UTC(2026, 10, 21, 23, 5), 'Europe/Berlin')).toBe('00:05');
});
