import { z } from 'zod';
import { custodyAnswer, stationState } from '../contract/custody.ts';
import type { CustodyAnswer, Evidence, StationStateAnswer } from '../contract/custody.ts';
import { ask, call, read, refusalOf } from './api.ts';
import type { Answer, Reading } from './api.ts';

/** A question goes through whole ledgers; it may take longer than a list. */
const QUESTION_PATIENCE_MS = 60_000;

/** Who had the tablet `device` (a serial) between two instants, ISO 8601. */
export async function readCustody({ device, from, to }: { readonly device: string; readonly from: string; readonly to: string }): Promise<Reading<CustodyAnswer>> {
  const reading = await read(`/api/custody?${new URLSearchParams({ device, from, to }).toString()}`, custodyAnswer, { patienceMs: QUESTION_PATIENCE_MS });
  return reading.ok && !reading.unchanged ? { ...reading, asOf: reading.value.at } : reading;
}

/** How the cart of `station` stood at an instant, ISO 8601. */
export async function readStationState({ station, at }: { readonly station: string; readonly at: string }): Promise<Reading<StationStateAnswer>> {
  return read(`/api/stations/${encodeURIComponent(station)}/state?${new URLSearchParams({ at }).toString()}`, stationState, { patienceMs: QUESTION_PATIENCE_MS });
}

/** Ends an open conflict, with the reason of whoever ends it. */
export async function closeConflict(id: number, reason: string): Promise<Answer<unknown>> {
  return ask(`/api/conflicts/${id}/close`, z.unknown(), { method: 'POST', body: { reason } });
}

/** The receipt of an entry: a file that can be checked without this server. */
export async function readReceipt({ origin, seq }: Evidence): Promise<Answer<{ readonly name: string; readonly file: Blob }>> {
  const response = await call(`/api/receipts/${origin.split('/').map(encodeURIComponent).join('/')}/${seq}`, {});
  if (response === undefined) return { ok: false, refusal: { kind: 'unreachable' } };
  if (!response.ok) return { ok: false, refusal: await refusalOf(response) };
  const name = /filename="([^"/\\]+)"/.exec(response.headers.get('content-disposition') ?? '')?.[1];
  return { ok: true, value: { name: name ?? `${origin.replaceAll('/', '_')}-${seq}.receipt.txt`, file: await response.blob() } };
}
