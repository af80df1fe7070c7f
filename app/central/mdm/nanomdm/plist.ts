/** XML property lists, as Apple's devices send them and its MDM protocol wants them. A date stays the string it is written as. */
export type PlistValue = string | number | boolean | Uint8Array | readonly PlistValue[] | PlistDict;
export interface PlistDict {
  readonly [key: string]: PlistValue;
}

/** The message never quotes what was read: it may hold tokens. */
export class MalformedPlist extends Error {
  override readonly name = 'MalformedPlist';
}

export const isDict = (value: PlistValue | undefined): value is PlistDict => typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);

const DEEPEST = 24;
const SKIPPED = /(?:\s+|<\?[^<>]*\?>|<!DOCTYPE [^<>[\]]*>|<!--(?:(?!-->)[^])*-->)*/y;
const TAG = /<(\/?)([a-z]{1,8})(?: [^<>]{0,100}?)?(\/?)>/y;
const TEXT = /[^<]*/y;
const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Throws MalformedPlist for anything but one whole XML property list. */
export function readPlist(bytes: Uint8Array): PlistValue {
  const text = new TextDecoder().decode(bytes);
  let at = 0;

  function skip(pattern: RegExp): string {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0] ?? '';
    at += found.length;
    return found;
  }

  function tag(): { readonly name: string; readonly kind: 'open' | 'close' | 'empty' } {
    skip(SKIPPED);
    TAG.lastIndex = at;
    const found = TAG.exec(text);
    if (!found) throw new MalformedPlist('something else stands where a tag is due');
    at += found[0].length;
    return { name: found[2] ?? '', kind: found[1] === '/' ? 'close' : found[3] === '/' ? 'empty' : 'open' };
  }

  function close(name: string): void {
    const found = tag();
    if (found.kind !== 'close' || found.name !== name) throw new MalformedPlist(`${name} is not closed`);
  }

  function content({ name, kind }: ReturnType<typeof tag>): string {
    if (kind === 'empty') return '';
    const raw = skip(TEXT);
    close(name);
    return raw;
  }

  function value(opened: ReturnType<typeof tag>, depth: number): PlistValue {
    if (depth > DEEPEST) throw new MalformedPlist('nested too deeply');
    if (opened.kind === 'close') throw new MalformedPlist(`${opened.name} closes what is not open`);
    switch (opened.name) {
      case 'dict':
        return opened.kind === 'empty' ? {} : dict(depth);
      case 'array':
        return opened.kind === 'empty' ? [] : array(depth);
      case 'string':
      case 'date':
        return unescaped(content(opened));
      case 'data':
        return new Uint8Array(Buffer.from(content(opened), 'base64'));
      case 'integer':
      case 'real':
        return number(content(opened).trim());
      case 'true':
      case 'false':
        content(opened);
        return opened.name === 'true';
      default:
        throw new MalformedPlist(`${opened.name} is not part of a property list`);
    }
  }

  function dict(depth: number): PlistDict {
    // Without a prototype, so that no key of a stranger's means anything.
    const read = Object.create(null) as Record<string, PlistValue>;
    for (let opened = tag(); opened.kind !== 'close' || opened.name !== 'dict'; opened = tag()) {
      if (opened.name !== 'key' || opened.kind === 'close') throw new MalformedPlist('a value without its key');
      const key = unescaped(content(opened));
      if (key in read) throw new MalformedPlist('a key comes twice');
      read[key] = value(tag(), depth + 1);
    }
    return read;
  }

  function array(depth: number): PlistValue[] {
    const read: PlistValue[] = [];
    for (let opened = tag(); opened.kind !== 'close' || opened.name !== 'array'; opened = tag()) read.push(value(opened, depth + 1));
    return read;
  }

  const root = tag();
  if (root.name !== 'plist' || root.kind !== 'open') throw new MalformedPlist('it is not a property list');
  const whole = value(tag(), 0);
  close('plist');
  skip(SKIPPED);
  if (at < text.length) throw new MalformedPlist('something follows its end');
  return whole;
}

export function writePlist(value: PlistValue): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">${element(value)}</plist>
`;
}

function element(value: PlistValue): string {
  if (typeof value === 'string') return `<string>${escaped(value)}</string>`;
  if (typeof value === 'boolean') return value ? '<true/>' : '<false/>';
  if (typeof value === 'number') return Number.isInteger(value) ? `<integer>${value}</integer>` : `<real>${value}</real>`;
  if (value instanceof Uint8Array) return `<data>${Buffer.from(value).toString('base64')}</data>`;
  if (Array.isArray(value)) return `<array>${value.map(element).join('')}</array>`;
  return `<dict>${Object.entries(value).map(([key, held]) => `<key>${escaped(key)}</key>${element(held)}`).join('')}</dict>`;
}

const escaped = (text: string): string => text.replace(/[&<>]/g, (found) => (found === '&' ? '&amp;' : found === '<' ? '&lt;' : '&gt;'));

function unescaped(raw: string): string {
  return raw.replace(/&(?:#(\d{1,7})|#x([0-9A-Fa-f]{1,6})|([a-z]{2,4}));|&/g, (_, decimal?: string, hex?: string, name?: string) => {
    const named = name === undefined ? undefined : ENTITIES[name];
    if (named !== undefined) return named;
    const point = decimal !== undefined ? Number.parseInt(decimal, 10) : hex !== undefined ? Number.parseInt(hex, 16) : Number.NaN;
    if (!(point > 0 && point <= 0x10_ff_ff)) throw new MalformedPlist('an entity that does not exist');
    return String.fromCodePoint(point);
  });
}

function number(raw: string): number {
  const read = /^[+-]?\d{1,16}(?:\.\d{1,32})?(?:[eE][+-]?\d{1,3})?$/.test(raw) ? Number(raw) : Number.NaN;
  if (!Number.isFinite(read)) throw new MalformedPlist('a number that cannot be held');
  return read;
}
