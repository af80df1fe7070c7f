import { inflateSync } from 'node:zlib';
import jsQR from 'jsqr';

/** What stands on the one page of a PDF as our own programs write them; no reader of other people's files. */
export interface ReadPdf {
  readonly pages: number;
  /** Every text, in the order it was drawn, without spaces that a line break swallowed. */
  readonly text: string;
  /** The same, each line with the size of its letters. */
  readonly lines: readonly { readonly text: string; readonly points: number }[];
  /** What a phone reads from the rectangles on the page, and how wide that code is without its quiet zone, in millimetres. */
  readonly qr: { readonly data: string; readonly mm: number } | undefined;
  /** Content of the attached files. */
  readonly attached: readonly string[];
}

interface PdfObject {
  readonly dictionary: string;
  readonly stream: Buffer | undefined;
}

export function readPdf(pdf: Buffer): ReadPdf {
  const objects = objectsOf(pdf);
  const all = [...objects.values()];
  const page = all.find(({ dictionary }) => /\/Type \/Page\b(?!s)/.test(dictionary));
  const content = objects.get(Number(/\/Contents (\d+) 0 R/.exec(page?.dictionary ?? '')?.[1]))?.stream?.toString('latin1') ?? '';
  const resources = objects.get(Number(/\/Resources (\d+) 0 R/.exec(page?.dictionary ?? '')?.[1]))?.dictionary ?? '';
  const fonts = new Map([...resources.matchAll(/\/(F\d+) (\d+) 0 R/g)].map(([, name = '', id]) => [name, shapesOf(objects, Number(id))]));
  const lines = linesOf(content, fonts);
  return {
    pages: all.filter(({ dictionary }) => /\/Type \/Page\b(?!s)/.test(dictionary)).length,
    text: lines.map(({ text }) => `${text}\n`).join(''),
    lines,
    qr: qrOf(content),
    attached: all.flatMap(({ dictionary, stream }) => (dictionary.includes('/EmbeddedFile\n') && stream ? [stream.toString()] : [])),
  };
}

function objectsOf(pdf: Buffer): ReadonlyMap<number, PdfObject> {
  const text = pdf.toString('latin1');
  return new Map(
    [...text.matchAll(/(\d+) 0 obj\n([\s\S]*?)\nendobj/g)].map(([, id, body = '']): [number, PdfObject] => {
      const [dictionary = '', rest] = body.split(/\nstream\n/, 2);
      const packed = rest === undefined ? undefined : Buffer.from(body.slice(dictionary.length + '\nstream\n'.length, body.lastIndexOf('\nendstream')), 'latin1');
      return [Number(id), { dictionary, stream: packed && (dictionary.includes('/FlateDecode') ? inflateSync(packed) : packed) }];
    }),
  );
}

/** Characters by glyph number, from the font's ToUnicode map. */
function shapesOf(objects: ReadonlyMap<number, PdfObject>, font: number): ReadonlyMap<number, string> {
  const map = objects.get(Number(/\/ToUnicode (\d+) 0 R/.exec(objects.get(font)?.dictionary ?? '')?.[1]))?.stream?.toString('latin1') ?? '';
  const shapes = new Map<number, string>();
  for (const [, from = '', list = ''] of map.matchAll(/<([0-9a-f]+)> <[0-9a-f]+> \[([^\]]*)\]/gi)) {
    [...list.matchAll(/<([0-9a-f ]*)>/gi)].forEach(([, units = ''], at) => shapes.set(Number.parseInt(from, 16) + at, Buffer.from(units.replaceAll(' ', ''), 'hex').swap16().toString('utf16le')));
  }
  return shapes;
}

function linesOf(content: string, fonts: ReadonlyMap<string, ReadonlyMap<number, string>>): ReadPdf['lines'] {
  let shapes: ReadonlyMap<number, string> | undefined;
  let points = 0;
  const lines: { text: string; points: number }[] = [];
  for (const [, font, size, shown] of content.matchAll(/\/(F\d+) ([\d.]+) Tf|\[([^\]]*)\] TJ/g)) {
    if (font !== undefined) {
      shapes = fonts.get(font);
      points = Number(size);
    } else {
      const glyphs = [...(shown ?? '').matchAll(/<([0-9a-f]+)>/g)].flatMap(([, run = '']) => [...run.matchAll(/.{4}/g)].map(([glyph]) => Number.parseInt(glyph, 16)));
      lines.push({ text: glyphs.map((glyph) => shapes?.get(glyph) ?? '\ufffd').join(''), points });
    }
  }
  return lines;
}

/** Rasterises the filled rectangles, as a camera would see them, and reads the code. */
function qrOf(content: string): ReadPdf['qr'] {
  const number = String.raw`(-?[\d.]+)`;
  const [path = ''] = content.match(/(?:-?[\d.]+ -?[\d.]+ -?[\d.]+ -?[\d.]+ re\n){50,}/) ?? [];
  const boxes = [...path.matchAll(new RegExp(`${number} ${number} ${number} ${number} re`, 'g'))].map((match) => match.slice(1).map(Number) as [number, number, number, number]);
  if (boxes.length === 0) return undefined;
  const scale = 8;
  const [left, top] = [Math.min(...boxes.map(([x]) => x)), Math.min(...boxes.map(([, y]) => y))];
  const [right, bottom] = [Math.max(...boxes.map(([x, , w]) => x + w)), Math.max(...boxes.map(([, y, , h]) => y + h))];
  const edge = 20;
  const [width, height] = [Math.ceil((right - left + 2 * edge) * scale), Math.ceil((bottom - top + 2 * edge) * scale)];
  const pixels = new Uint8ClampedArray(width * height * 4).fill(255);
  for (const [x, y, w, h] of boxes) {
    for (let row = Math.round((y - top + edge) * scale); row < Math.round((y + h - top + edge) * scale); row += 1) {
      for (let column = Math.round((x - left + edge) * scale); column < Math.round((x + w - left + edge) * scale); column += 1) pixels.fill(0, (row * width + column) * 4, (row * width + column) * 4 + 3);
    }
  }
  const read = (jsQR as unknown as typeof jsQR.default)(pixels, width, height);
  return read ? { data: read.data, mm: ((right - left) / 72) * 25.4 } : undefined;
}
