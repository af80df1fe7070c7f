import { createInstance } from 'i18next';
import { createContext, useContext } from 'react';
import english from '../../resources/languages/en.json' with { type: 'json' };
import hebrew from '../../resources/languages/he.json' with { type: 'json' };

type PluralForm = 'zero' | 'one' | 'two' | 'few' | 'many' | 'other';
type Path<T> = { [K in keyof T & string]: T[K] extends string ? (K extends `${infer Base}_${PluralForm}` ? Base : K) : `${K}.${Path<T[K]>}` }[keyof T & string];
/** Every message of the page; English is the list, other languages are held to it by a test. */
export type WordKey = Path<typeof english>;
type Values = Readonly<Record<string, string | number>>;

export interface Words {
  readonly language: string;
  readonly direction: 'ltr' | 'rtl';
  t(key: WordKey, values?: Values): string;
  /** "94 %" as the language writes it. */
  percent(whole: number): string;
  /** "40 min", "3 hr", "2 days". */
  age(ms: number): string;
  /** "06:50" in the cart's zone. */
  time(atMs: number, timeZone: string): string;
}

type Tree = { readonly [key: string]: string | Tree };
const LANGUAGES: Readonly<Record<string, Tree>> = { en: english, he: hebrew };
const RIGHT_TO_LEFT = new Set(['he', 'ar', 'fa', 'ur']);
/** The pseudo-locale: every word accented and 40 % longer, to find what was not translated and what does not fit. */
export const PSEUDO = 'en-XA';

/** Words of the language asked for (BCP 47), of its base language, or of English. */
export function wordsIn(tag: string): Words {
  const base = tag.split('-')[0] ?? 'en';
  const known = tag === PSEUDO ? PSEUDO : base in LANGUAGES ? base : 'en';
  const tree = known === PSEUDO ? lengthened(english) : (LANGUAGES[known] ?? english);
  const i18n = createInstance({ lng: known, fallbackLng: false, resources: { [known]: { translation: tree } }, interpolation: { escapeValue: false }, initAsync: false });
  void i18n.init();
  const numbers = known === base ? tag : known;
  const inUnit = (value: number, unit: string): string => new Intl.NumberFormat(numbers, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
  return {
    language: known === base ? tag : known,
    direction: RIGHT_TO_LEFT.has(known) ? 'rtl' : 'ltr',
    t: (key, values = {}) => i18n.t(key, Object.fromEntries(Object.entries(values).map(([name, value]) => [name, isolated(value)]))),
    percent: (whole) => new Intl.NumberFormat(numbers, { style: 'percent' }).format(whole / 100),
    age: (ms) => {
      const minutes = Math.max(1, Math.floor(ms / 60_000));
      if (minutes < 120) return inUnit(minutes, 'minute');
      return minutes < 48 * 60 ? inUnit(Math.floor(minutes / 60), 'hour') : inUnit(Math.floor(minutes / 1440), 'day');
    },
    time: (atMs, timeZone) => new Intl.DateTimeFormat(numbers, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23', timeZone }).format(atMs),
  };
}

/** Keeps a name from another script in one piece (U+2068 … U+2069), so that "Maria K." does not lose its dot to the other side. */
const isolated = (value: string | number): string | number => (typeof value === 'string' && /\p{L}/u.test(value) ? `\u2068${value}\u2069` : value);

const ACCENTED: Readonly<Record<string, string>> = { a: 'á', e: 'ë', i: 'î', o: 'ö', u: 'û', c: 'ç', n: 'ñ', s: 'š', y: 'ÿ', z: 'ž', A: 'Å', E: 'É', I: 'Ï', O: 'Ø', T: 'Ť', P: 'Þ', W: 'Ŵ', Y: 'Ý' };

/** Each word accented and grown by 40 % (vowels doubled at its end); `{{values}}` are left alone. */
export function lengthened(tree: Tree): Tree {
  const text = (plain: string): string =>
    plain.replace(/\{\{\w+\}\}|[A-Za-z]+/g, (word) => {
      if (word.startsWith('{')) return word;
      const accented = [...word].map((letter) => ACCENTED[letter] ?? letter).join('');
      return accented + 'øéåü'.repeat(3).slice(0, Math.ceil(word.length * 0.4));
    });
  return Object.fromEntries(Object.entries(tree).map(([key, value]) => [key, typeof value === 'string' ? text(value) : lengthened(value)]));
}

const WordsContext = createContext<Words>(wordsIn('en'));
export const WordsProvider = WordsContext.Provider;
export const useWords = (): Words => useContext(WordsContext);
