const COLUMNS = 16;

/** Bytes as a person can read them: as text where they are text without control characters, else in hexadecimal. `length` in bytes. */
export function decodeBytes(base64: string): { readonly length: number; readonly text: string; readonly isText: boolean } {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const text = asText(bytes);
  return text === undefined ? { length: bytes.length, text: hexadecimal(bytes), isText: false } : { length: bytes.length, text, isText: true };
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return /\p{C}/u.test(text.replace(/[\n\t]/g, '')) ? undefined : text;
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

function hexadecimal(bytes: Uint8Array): string {
  const lines = Array.from({ length: Math.ceil(bytes.length / COLUMNS) }, (_, line) => [...bytes.subarray(line * COLUMNS, (line + 1) * COLUMNS)].map((byte) => byte.toString(16).padStart(2, '0')).join(' '));
  return lines.join('\n');
}
