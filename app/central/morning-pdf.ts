import type { MorningExceptionView, MorningNeedView, MorningSheetAnswer, MorningSheetView } from '../contract/morning.ts';
import { doneWords } from './morning-words.ts';
import { bytesOf, createPaper, MM, PAGE, printable, type Face, type Paper } from './paper.ts';

const EDGE = 18 * MM;
const TOP = 15 * MM;
const INNER = PAGE.width - 2 * EDGE;
const FOOT = PAGE.height - 24 * MM;
const INK = '#000000';
/** Where an exception's parts begin, from the edge of the sheet: box to tick, place, what to do. */
const PLACE = 9 * MM;
const ORDER = 30 * MM;
const MINUTES = 22 * MM;
/** Why stands under what to do; where many have to go on the sheet, beside it. */
interface RowLook {
  /** Points. */
  readonly size: number;
  readonly beside: boolean;
}
/** Tried in turn; what does not fit with the last is counted. */
const LOOKS: readonly RowLook[] = [12, 11].map((size) => ({ size, beside: false })).concat([10.5, 9.5, 8.5, 8].map((size) => ({ size, beside: true })));
const SMALLEST: RowLook = { size: 8, beside: true };

/** "morning-sheet-Cart-A-2026-11-22.pdf", by the day on which the shift began in `zone`. */
export function morningFileName({ cart, sheet }: MorningSheetAnswer, zone: string): string {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit' }).format(Date.parse(sheet.shift));
  return `morning-sheet-${cart.replaceAll(/[^A-Za-z0-9]+/g, '-')}-${day}.pdf`;
}

/** One page A4, black on white. `zone`: IANA zone of its times. The same sheet in the same zone is the same file, once the other carts of its wards have told of that morning too. */
export async function morningPdf(answer: MorningSheetAnswer, zone: string): Promise<Buffer> {
  const { cart, ward, sheet } = answer;
  const shiftMs = Date.parse(sheet.shift);
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: zone, weekday: 'long', day: 'numeric', month: 'long', year: 'numeric' }).format(shiftMs);
  const time = (at: string): string => new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' }).format(Date.parse(at));
  const paper = createPaper({ title: `Morning sheet ${cart}, ${day}`, author: 'Dockward', subject: `${sheet.evidence.origin}, entry ${sheet.evidence.seq}`, atMs: Date.parse(sheet.endedAt) });

  let y = write(paper, `${cart}, ${day}`, EDGE, TOP, { face: 'bold', size: 22 });
  y = write(paper, `Morning sheet of ${ward}: the night from ${time(sheet.from)} to ${time(sheet.shift)}, as the cart recorded it. Times in ${zone}.`, EDGE, y + 1, { size: 10 }) + 5 * MM;
  y = drawNeeds(paper, sheet, y, time) + 4 * MM;
  const below = notesOf(sheet, time);
  const notes = below.reduce((height, line) => height + heightOf(paper, line, 9.5, INNER) + 3, 0);
  drawExceptions(paper, sheet, y, FOOT - notes - 6 * MM);
  y = FOOT - notes - 2 * MM;
  for (const line of below) y = write(paper, line, EDGE, y, { size: 9.5 }) + 3;
  rule(paper, FOOT + 2 * MM, 0.5);
  write(paper, `Record ${sheet.evidence.seq} of ${sheet.evidence.origin}, leaf ${sheet.evidence.leaf}. It does not change; what the cart holds now is on its screen and on the fleet page.`, EDGE, FOOT + 4 * MM, { size: 7.5 });
  return bytesOf(paper);
}

function write(paper: Paper, text: string, x: number, y: number, { face = 'regular', size = 10, width = INNER, align = 'left' }: { face?: Face; size?: number; width?: number; align?: 'left' | 'right' } = {}): number {
  paper.font(face).fontSize(size).fillColor(INK).text(printable(text), x, y, { width, align });
  return paper.y;
}

const heightOf = (paper: Paper, text: string, size: number, width: number, face: Face = 'regular'): number => paper.font(face).fontSize(size).heightOfString(printable(text), { width });

function rule(paper: Paper, y: number, weight: number): void {
  paper.lineWidth(weight).strokeColor(INK).moveTo(EDGE, y).lineTo(EDGE + INNER, y).stroke();
}

/** Ready against needed, ward by ward, one small tablet each: filled = ready, open = missing. */
function drawNeeds(paper: Paper, { needs }: MorningSheetView, top: number, time: (at: string) => string): number {
  const tile = { width: 2 * MM, height: 3.6 * MM, step: 3.4 * MM };
  let y = top;
  for (const need of needs) {
    const { needed, ready, others = [] } = need;
    const all = others.reduce((total, other) => total + other.ready, ready);
    y = write(paper, needWords(need, time), EDGE, y, { face: 'bold', size: 15 }) + 1.2 * MM;
    if (needed * tile.step > INNER) continue;
    for (let place = 0; place < needed; place += 1) {
      paper.lineWidth(1).roundedRect(EDGE + place * tile.step, y, tile.width, tile.height, 0.6 * MM);
      if (place < all) paper.fillAndStroke(INK, INK);
      else paper.strokeColor(INK).stroke();
    }
    y += tile.height + 3 * MM;
  }
  return y;
}

function needWords({ ward, needed, ready, shortBy, due, others = [], unheard = [] }: MorningNeedView, time: (at: string) => string): string {
  const elsewhere = others.map((other) => `, ${other.ready} in ${other.cart}`).join('');
  const unknown = unheard.length > 0 ? `; nothing yet from ${unheard.join(', ')}` : '';
  return `${ward}: ${ready} ready${others.length > 0 ? ' here' : ''}${elsewhere}, ${needed} needed${others.length > 0 ? ' in all' : ''} at ${time(due)}${shortBy > 0 ? `, short by ${shortBy}${unknown}` : ''}`;
}

/** Boxes to tick while walking round: quickest first, as the cart ranked them. */
function drawExceptions(paper: Paper, { exceptions, more }: MorningSheetView, top: number, bottom: number): void {
  const title = exceptions.length + more === 0 ? 'Nothing to mend this morning' : 'First, the quick ones';
  let y = write(paper, title, EDGE, top, { face: 'bold', size: 15 }) + 1.5 * MM;
  const room = bottom - y - 14;
  const look = LOOKS.find((tried) => exceptions.reduce((height, exception) => height + rowHeight(paper, exception, tried), 0) <= room) ?? SMALLEST;
  let drawn = 0;
  for (const exception of exceptions) {
    const height = rowHeight(paper, exception, look);
    if (y + height > bottom - 14) break;
    drawRow(paper, exception, y, look);
    y += height;
    drawn += 1;
  }
  const left = exceptions.length - drawn + more;
  if (drawn > 0) rule(paper, y, 0.5);
  if (left > 0) write(paper, `and ${left} more, on the fleet page`, EDGE, y + 3, { face: 'bold', size: 9.5 });
}

const padOf = ({ beside }: RowLook): number => (beside ? 1.5 : 3);
const whyOf = ({ slot, asset, why }: MorningExceptionView): string => (slot !== undefined && asset !== undefined ? `${asset}. ${why}` : why);

/** Widths of the two texts of a row. */
function widthsOf({ size, beside }: RowLook): { readonly order: number; readonly why: number } {
  const all = INNER - ORDER - MINUTES;
  return beside ? { order: size * 16, why: all - size * 16 - 2 * MM } : { order: all, why: all };
}

function rowHeight(paper: Paper, exception: MorningExceptionView, look: RowLook): number {
  const { size, beside } = look;
  const width = widthsOf(look);
  const texts = [heightOf(paper, exception.order, size, width.order, 'bold'), heightOf(paper, whyOf(exception), size - 1, width.why)];
  const words = beside ? Math.max(...texts) : texts.reduce((sum, height) => sum + height, 0);
  return Math.max(words, heightOf(paper, placeOf(exception), size + 2, ORDER - PLACE - MM, 'bold')) + 2 * padOf(look);
}

/** Where to go; a serial only where nothing else names the tablet. */
const placeOf = ({ slot, asset, serial }: MorningExceptionView): string => (slot === undefined ? (asset ?? serial ?? '') : `Slot ${slot}`);

function drawRow(paper: Paper, exception: MorningExceptionView, top: number, look: RowLook): void {
  const { size, beside } = look;
  rule(paper, top, 0.5);
  const y = top + padOf(look);
  const box = size + 1;
  paper.lineWidth(1).strokeColor(INK).rect(EDGE, y + 1, box, box).stroke();
  write(paper, placeOf(exception), EDGE + PLACE, y - 1, { face: 'bold', size: size + 2, width: ORDER - PLACE - MM });
  const width = widthsOf(look);
  const below = write(paper, exception.order, EDGE + ORDER, y, { face: 'bold', size, width: width.order });
  write(paper, whyOf(exception), EDGE + ORDER + (beside ? width.order + 2 * MM : 0), beside ? y + 0.5 : below, { size: size - 1, width: width.why });
  write(paper, `about ${exception.minutes} min`, EDGE + INNER - MINUTES, y, { size: size - 1, width: MINUTES, align: 'right' });
}

/** What was done, and what was told while there was still time. */
function notesOf({ done, warned }: MorningSheetView, time: (at: string) => string): readonly string[] {
  return [`In the night: ${doneWords(done).join(', ')}.`, ...warned.map(({ ward, shortBy, why, at }) => `Told at ${time(at)}: short by ${shortBy} for ${ward}, ${why}.`)];
}
