const [OPEN, CLOSE, QUOTE, BACKSLASH] = [0x7b, 0x7d, 0x22, 0x5c];
const BLANKS = new Set([0x20, 0x09, 0x0a, 0x0d]);

export type JsonMessages = { readonly ok: true; readonly messages: readonly unknown[] } | { readonly ok: false; readonly detail: string };

/**
 * Cuts a stream into JSON objects that follow one another with or without blanks between them, wherever the network cuts it.
 * Once it has answered `ok: false` the stream has lost its thread and must be closed.
 * @param limitBytes of one message
 */
export function jsonMessages(limitBytes: number): (chunk: Uint8Array) => JsonMessages {
  let pieces: Uint8Array[] = [];
  let length = 0;
  let depth = 0;
  let inString = false;
  let escaped = false;

  return (chunk) => {
    const messages: unknown[] = [];
    let start = 0;
    for (const [at, byte] of chunk.entries()) {
      if (depth === 0) {
        if (BLANKS.has(byte)) continue;
        if (byte !== OPEN) return { ok: false, detail: 'something that is no JSON object' };
        [start, depth] = [at, 1];
      } else if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) {
        inString = true;
      } else if (byte === OPEN) {
        depth += 1;
      } else if (byte === CLOSE) {
        depth -= 1;
        if (depth > 0) continue;
        const text = Buffer.concat([...pieces, chunk.subarray(start, at + 1)]).toString('utf8');
        pieces = [];
        length = 0;
        try {
          messages.push(JSON.parse(text));
        } catch {
          return { ok: false, detail: 'broken JSON' };
        }
      }
    }
    if (depth > 0) {
      const rest = chunk.subarray(start);
      length += rest.length;
      if (length > limitBytes) return { ok: false, detail: `a message of more than ${limitBytes} bytes` };
      pieces.push(Uint8Array.from(rest));
    }
    return { ok: true, messages };
  };
}
