import { morningSheetAnswer, morningView } from '../contract/morning.ts';
import type { MorningSheetAnswer, MorningView } from '../contract/morning.ts';
import { call, read, refusalOf } from './api.ts';
import type { Answer, Reading } from './api.ts';

/** One night of a cart: an entry in one life of its ledger. */
export interface NightPlace {
  readonly station: string;
  readonly epoch: number;
  readonly seq: number;
}

export async function readMorning(etag: string | undefined): Promise<Reading<MorningView>> {
  const reading = await read('/api/morning', morningView, { etag });
  return reading.ok && !reading.unchanged ? { ...reading, asOf: reading.value.at } : reading;
}

export async function readSheet({ station, epoch, seq }: NightPlace): Promise<Reading<MorningSheetAnswer>> {
  const reading = await read(`${addressOf(station, seq)}?epoch=${epoch}`, morningSheetAnswer, {});
  return reading.ok && !reading.unchanged ? { ...reading, asOf: reading.value.at } : reading;
}

/** The sheet on one page A4, with the times of this browser's zone. */
export async function readSheetPdf({ station, epoch, seq }: NightPlace): Promise<Answer<{ readonly name: string; readonly file: Blob }>> {
  const query = new URLSearchParams({ epoch: String(epoch), zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  const response = await call(`${addressOf(station, seq)}.pdf?${query.toString()}`, {});
  if (response === undefined) return { ok: false, refusal: { kind: 'unreachable' } };
  if (!response.ok) return { ok: false, refusal: await refusalOf(response) };
  const name = /filename="([^"/\\]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  return { ok: true, value: { name: name ?? `morning-sheet-${seq}.pdf`, file: await response.blob() } };
}

const addressOf = (station: string, seq: number): string => `/api/morning/${encodeURIComponent(station)}/${seq}`;
