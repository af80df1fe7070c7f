import type { z } from 'zod';
import { incidentsView, replayResponse } from '../contract/incidents.ts';
import type { IncidentsView } from '../contract/incidents.ts';
import { ask, read } from './api.ts';
import type { Answer, Reading } from './api.ts';

/** A ledger is folded anew from its first entry. */
const REPLAY_PATIENCE_MS = 120_000;

export async function readIncidents(etag: string | undefined): Promise<Reading<IncidentsView>> {
  return read('/api/incidents', incidentsView, { etag });
}

/** Lets records of the ledger `origin` that were set aside take effect, where the server understands them now. */
export async function replayLedger(origin: string): Promise<Answer<z.infer<typeof replayResponse>>> {
  return ask('/api/poison/replay', replayResponse, { method: 'POST', body: { origin }, patienceMs: REPLAY_PATIENCE_MS });
}
