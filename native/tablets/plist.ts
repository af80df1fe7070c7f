/** What property lists hold here; a date is the string it is written as. Dictionaries have no prototype. */
export type PlistValue = string | number | boolean | Uint8Array | readonly PlistValue[] | PlistDict;
export interface PlistDict {
  readonly [key: string]: PlistValue;
}

/** What a stranger sent is no property list. The message never quotes it: it may hold keys. */
export class MalformedPlist extends Error {
  override readonly name = 'MalformedPlist';
}

export function isDict(value: PlistValue | undefined): value is PlistDict {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Uint8Array);
}
