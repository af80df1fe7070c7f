import type { LedgerValue } from '../domain/entries.ts';
import { ok, refused, type Result } from '../domain/result.ts';

/**
 * RFC 8785, restricted to what a ledger entry may hold: no null, no fractions, integers within ±(2^53−1),
 * no lone surrogates, at most 8 KiB and 64 levels.
 */
export const MAX_ENTRY_BYTES = 8192;

/** Lists and objects within each other. Without a limit 8 KiB of brackets would overflow a verifier's stack. */
export const MAX_DEPTH = 64;

/** Why bytes are not canonical. Each is a kind of damage or a non-conforming writer; none is ever repaired. */
export const CANONICAL_FAULTS = ['too-large', 'not-utf8', 'not-json', 'not-representable', 'not-canonical'] as const;
export type CanonicalFault = (typeof CANONICAL_FAULTS)[number];

/** Thrown for a value that the ledger cannot represent: a mistake of the writer, never of the data on disk. */
export class NotRepresentable extends Error {
  override readonly name = 'NotRepresentable';
}

/** The canonical text of a value. Throws `NotRepresentable` for null, undefined, fractions, unsafe integers, lone surrogates, more than `MAX_DEPTH` levels. */
export function canonicalText(value: LedgerValue, depth = 0): string {
  switch (typeof value) {
    case 'string':
      return stringText(value);
    case 'number':
      if (!Number.isSafeInteger(value)) throw new NotRepresentable(`${value} is not an integer within ±(2^53−1)`);
      // RFC 8785 writes negative zero as 0.
      return String(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (depth === MAX_DEPTH) throw new NotRepresentable(`more than ${MAX_DEPTH} levels cannot stand in the ledger`);
      return isList(value) ? listText(value, depth + 1) : objectText(value, depth + 1);
    default:
      throw new NotRepresentable(`a ${typeof value} cannot stand in the ledger`);
  }
}

function stringText(value: string): string {
  if (!value.isWellFormed()) throw new NotRepresentable('a lone surrogate cannot stand in the ledger');
  return JSON.stringify(value);
}

function listText(list: readonly LedgerValue[], depth: number): string {
  let text = '[';
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    if (item === undefined) throw new NotRepresentable('undefined cannot stand in a list');
    text += index === 0 ? canonicalText(item, depth) : `,${canonicalText(item, depth)}`;
  }
  return `${text}]`;
}

function objectText(object: { readonly [key: string]: LedgerValue }, depth: number): string {
  // A null arrives here too where a caller has cast its way around the types.
  if (object === null) throw new NotRepresentable('null cannot stand in the ledger');
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== Object.prototype && prototype !== null) throw new NotRepresentable('only plain objects can stand in the ledger');
  // Array.prototype.sort without a comparator orders by UTF-16 code units, as RFC 8785 3.2.3 asks.
  const keys = Object.keys(object).sort();
  let text = '{';
  for (const key of keys) {
    const value = object[key];
    if (value === undefined) throw new NotRepresentable(`"${key}" is undefined: leave it out`);
    text += `${text.length === 1 ? '' : ','}${stringText(key)}:${canonicalText(value, depth)}`;
  }
  return `${text}}`;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads bytes that must be exactly what `canonicalText` writes. Anything else is refused: other spacing or escapes,
 * unsorted or duplicate keys, 1e5, -0, null, fractions, lone surrogates.
 */
export function parseCanonical(bytes: Uint8Array): Result<LedgerValue, CanonicalFault> {
  if (bytes.length > MAX_ENTRY_BYTES) return refused('too-large');
  let text: string;
  try {
    text = utf8.decode(bytes);
  } catch {
    return refused('not-utf8');
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return refused('not-json');
  }
  const standing = inspect(value);
  if (standing === 'refused') return refused('not-representable');
  // JSON.stringify agrees with RFC 8785 once the keys are in order; only when they are not is the slow writer asked
  // (JavaScript lists keys such as "2" and "10" as numbers, RFC 8785 as text).
  const again = standing === 'in-order' ? JSON.stringify(value) : canonicalText(value as LedgerValue);
  return again === text ? ok(value as LedgerValue) : refused('not-canonical');
}

type Standing = 'in-order' | 'out-of-order' | 'refused';

/** Whether every value is one the ledger holds, and whether JavaScript lists every object's keys in canonical order. */
function inspect(value: unknown, depth = 0): Standing {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? 'in-order' : 'refused';
    case 'number':
      return Number.isSafeInteger(value) ? 'in-order' : 'refused';
    case 'boolean':
      return 'in-order';
    case 'object':
      if (value === null || depth === MAX_DEPTH) return 'refused';
      return Array.isArray(value) ? inspectList(value, depth + 1) : inspectObject(value, depth + 1);
    default:
      return 'refused';
  }
}

function inspectList(list: readonly unknown[], depth: number): Standing {
  let standing: Standing = 'in-order';
  for (const item of list) {
    const found = inspect(item, depth);
    if (found === 'refused') return found;
    if (found === 'out-of-order') standing = found;
  }
  return standing;
}

function inspectObject(object: object, depth: number): Standing {
  let standing: Standing = 'in-order';
  let last = '';
  for (const [key, item] of Object.entries(object)) {
    const found = key.isWellFormed() ? inspect(item, depth) : 'refused';
    if (found === 'refused') return found;
    if (found === 'out-of-order' || key < last) standing = 'out-of-order';
    last = key;
  }
  return standing;
}

function isList(value: object): value is readonly LedgerValue[] {
  return Array.isArray(value);
}
