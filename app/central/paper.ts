import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import PDFDocument from 'pdfkit';
import qrcode from 'qrcode-generator';
import { openTypeOf } from './open-type.ts';

export type Paper = PDFKit.PDFDocument;

/** Points in a millimetre. */
export const MM = 72 / 25.4;
/** A4, points. */
export const PAGE = { width: 595.28, height: 841.89 } as const;

export interface PaperInfo {
  readonly title: string;
  readonly author: string;
  readonly subject: string;
  /** Unix milliseconds: what the sheet is of, not when it was drawn, so that the same sheet is the same file. */
  readonly atMs: number;
}

const FACES = { regular: '400', bold: '700' } as const;
export type Face = keyof typeof FACES;

const require = createRequire(import.meta.url);
let fonts: Readonly<Record<Face, Buffer>> | undefined;
const fontsOf = (): Readonly<Record<Face, Buffer>> => (fonts ??= { regular: fontOf('regular'), bold: fontOf('bold') });
const fontOf = (face: Face): Buffer => openTypeOf(fontFile(face, 'woff'));

/** The project's face as a file for the web. */
export const fontFile = (face: Face, ending: 'woff' | 'woff2'): Buffer => readFileSync(require.resolve(`@fontsource/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-latin-${FACES[face]}-normal.${ending}`));

/** An empty A4 page in the project's own face. */
export function createPaper({ title, author, subject, atMs }: PaperInfo): Paper {
  const paper = new PDFDocument({ size: 'A4', margin: 0, font: '', lang: 'en', displayTitle: true, info: { Title: title, Author: author, Subject: subject, Creator: 'Dockward', Producer: 'Dockward', CreationDate: new Date(atMs) } });
  for (const [face, bytes] of Object.entries(fontsOf())) paper.registerFont(face, bytes);
  return paper.font('regular');
}

/** Ends the document and gives its bytes. */
export function bytesOf(paper: Paper): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    paper.on('data', (chunk: Buffer) => chunks.push(chunk));
    paper.on('end', () => resolve(Buffer.concat(chunks)));
    paper.on('error', reject);
    paper.end();
  });
}

/** What the face has no shape for is spelled out, so that it is never left blank. */
export const printable = (text: string): string => text.replaceAll(/[^\n -~\u00a0-\u00ff–—‘’“”…]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** The modules around a QR code that stay white (ISO/IEC 18004). */
const QUIET = 4;

/** Draws a QR code of error level M, black, `side` points wide with its quiet zone. */
export function drawQr(paper: Paper, text: string, { x, y, side }: { readonly x: number; readonly y: number; readonly side: number }): void {
  const code = qrcode(0, 'M');
  code.addData(text, 'Byte');
  code.make();
  const count = code.getModuleCount();
  const module = side / (count + 2 * QUIET);
  for (let row = 0; row < count; row += 1) {
    for (let from = 0; from < count; from += 1) {
      if (!code.isDark(row, from)) continue;
      let to = from + 1;
      while (to < count && code.isDark(row, to)) to += 1;
      paper.rect(x + (QUIET + from) * module, y + (QUIET + row) * module, (to - from) * module, module);
      from = to;
    }
  }
  paper.fill('#000000');
}
