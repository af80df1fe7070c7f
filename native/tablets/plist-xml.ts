import { MalformedPlist, type PlistDict, type PlistValue } from './plist.ts';

const DEEPEST = 16;
const NAMED_ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
const INTEGER = /^[+-]?\d{1,16}$/;
const REAL = /^[+-]?\d{1,32}(?:\.\d{1,32})?(?:[eE][+-]?\d{1,3})?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** One tag with its closing bracket. Property lists give attributes to `plist` alone, and they mean nothing here. */
const TAG = /<(\/?)([a-z]{1,8})(?: [^<>]{0,100}?)?(\/?)>/y;
const BEFORE_THE_ROOT = /(?:\s+|<\?xml [^<>]{0,200}\?>|<!DOCTYPE plist [^<>[\]]{0,200}>|<!--(?:(?!--)[^])*-->)*/y;
const BETWEEN_TAGS = /(?:\s+|<!--(?:(?!--)[^])*-->)*/y;
const NOT_A_TAG = /[^<]*/y;

/** Reads what tablets and usbmuxd send of XML property lists, and nothing else of XML. Throws MalformedPlist. */
export function readXmlPlist(bytes: Uint8Array): PlistValue {
  const text = decoded(bytes);
  let at = 0;

  function skip(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  }

  function tag(): { readonly name: string; readonly kind: 'open' | 'close' | 'empty' } {
    TAG.lastIndex = at;
    const found = TAG.exec(text);
    if (found === null) throw new MalformedPlist('something else stands where a tag is due');
    at += found[0].length;
    const [, closing, name = '', empty] = found;
    if (closing !== '' && empty !== '') throw new MalformedPlist('a closing tag that is empty');
    return { name, kind: closing !== '' ? 'close' : empty !== '' ? 'empty' : 'open' };
  }

  function close(name: string): void {
    const found = tag();
    if (found.kind !== 'close' || found.name !== name) throw new MalformedPlist(`${name} is not closed`);
  }

  function plainText(name: string): string {
    const raw = skip(NOT_A_TAG);
    close(name);
    return raw;
  }

  function value(opened: ReturnType<typeof tag>, depth: number): PlistValue {
    if (depth > DEEPEST) throw new MalformedPlist('nested too deeply');
    const { name, kind } = opened;
    if (kind === 'close') throw new MalformedPlist(`${name} closes what is not open`);
    const empty = kind === 'empty';
    switch (name) {
      case 'dict':
        return empty ? dict([]) : dict(entries(depth));
      case 'array':
        return empty ? [] : items(depth);
      case 'true':
      case 'false':
        if (!empty) close(name);
        return name === 'true';
      case 'string':
      case 'date':
        return empty ? '' : unescaped(plainText(name));
      case 'data':
        return base64(empty ? '' : plainText(name));
      case 'integer':
        return integer(empty ? '' : plainText(name).trim());
      case 'real':
        return real(empty ? '' : plainText(name).trim());
      default:
        throw new MalformedPlist(`${name} is not part of a property list`);
    }
  }

  function* entries(depth: number): Generator<readonly [string, PlistValue]> {
    for (;;) {
      skip(BETWEEN_TAGS);
      const opened = tag();
      if (opened.kind === 'close' && opened.name === 'dict') return;
      if (opened.name !== 'key' || opened.kind === 'close') throw new MalformedPlist('a value without its key');
      const key = opened.kind === 'empty' ? '' : unescaped(plainText('key'));
      skip(BETWEEN_TAGS);
      yield [key, value(tag(), depth + 1)];
    }
  }

  function items(depth: number): PlistValue[] {
    const found: PlistValue[] = [];
    for (;;) {
      skip(BETWEEN_TAGS);
      const opened = tag();
      if (opened.kind === 'close' && opened.name === 'array') return found;
      found.push(value(opened, depth + 1));
    }
  }

  skip(BEFORE_THE_ROOT);
  const root = tag();
  if (root.name !== 'plist' || root.kind !== 'open') throw new MalformedPlist('it is not a property list');
  skip(BETWEEN_TAGS);
  const whole = value(tag(), 0);
  skip(BETWEEN_TAGS);
  close('plist');
  if (text.slice(at).replace(/\0$/, '').trim() !== '') throw new MalformedPlist('something follows its end');
  return whole;
}

/** Writes a property list as Apple's own programs do; a date is written as the string it was read as. */
export function writeXmlPlist(value: PlistValue): Buffer {
  const head = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n';
  return Buffer.from(`${head}<plist version="1.0">${element(value)}</plist>\n`);
}

function element(value: PlistValue): string {
  if (typeof value === 'string') return `<string>${escaped(value)}</string>`;
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>';
  if (typeof value === 'number') return Number.isInteger(value) ? `<integer>${value}</integer>` : `<real>${value}</real>`;
  if (value instanceof Uint8Array) return `<data>${Buffer.from(value).toString('base64')}</data>`;
  if (Array.isArray(value)) return `<array>${value.map(element).join('')}</array>`;
  return `<dict>${Object.entries(value).map(([key, held]) => `<key>${escaped(key)}</key>${element(held)}`).join('')}</dict>`;
}

function decoded(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new MalformedPlist('it is not UTF-8');
  }
}

/** Without a prototype, so that no key of a stranger's means anything; the first of a key that comes twice is not overruled: it is refused. */
export function dict(entries: Iterable<readonly [string, PlistValue]>): PlistDict {
  const read = Object.create(null) as Record<string, PlistValue>;
  for (const [key, held] of entries) {
    if (key in read) throw new MalformedPlist('a key comes twice');
    read[key] = held;
  }
  return read;
}

function unescaped(raw: string): string {
  return raw.replace(/&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|([a-z]{2,4}));|&/g, (_, decimal?: string, hex?: string, name?: string) => {
    const named = name === undefined ? undefined : NAMED_ENTITIES[name];
    if (named !== undefined) return named;
    const point = decimal !== undefined ? Number.parseInt(decimal, 10) : hex !== undefined ? Number.parseInt(hex, 16) : Number.NaN;
    if (!(point > 0 && point <= 0x10_ff_ff)) throw new MalformedPlist('an entity that does not exist');
    return String.fromCodePoint(point);
  });
}

const escaped = (text: string): string => text.replace(/[&<>\r]/g, (found) => (found === '&' ? '&amp;' : found === '<' ? '&lt;' : found === '>' ? '&gt;' : '&#13;'));

function base64(raw: string): Uint8Array {
  const packed = raw.replace(/\s+/g, '');
  if (!BASE64.test(packed)) throw new MalformedPlist('data that is not base64');
  return new Uint8Array(Buffer.from(packed, 'base64'));
}

function integer(raw: string): number {
  const read = INTEGER.test(raw) ? Number(raw) : Number.NaN;
  if (!Number.isSafeInteger(read)) throw new MalformedPlist('an integer that cannot be held');
  return read;
}

function real(raw: string): number {
  const read = REAL.test(raw) ? Number(raw) : Number.NaN;
  if (!Number.isFinite(read)) throw new MalformedPlist('a number that cannot be held');
  return read;
}
