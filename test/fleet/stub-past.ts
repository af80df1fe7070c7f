import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { closeConflictRequest, custodyAnswer, custodyQuery, stateQuery, stationState } from '../../app/contract/custody.ts';
import type { CustodyAnswer, CustodyConflict, StationStateAnswer } from '../../app/contract/custody.ts';
import type { FleetView } from '../../app/contract/fleet.ts';
import { incidentsView, replayRequest } from '../../app/contract/incidents.ts';
import type { IncidentsView } from '../../app/contract/incidents.ts';
import { retireRequest, rotateRequest } from '../../app/contract/secrets.ts';
import type { secretsView } from '../../app/contract/secrets.ts';
import { retireKeyRequest, rotateKeyRequest, rotateStationKeyRequest } from '../../app/contract/server-keys.ts';
import type { ServerKeysView } from '../../app/contract/server-keys.ts';
import { fourKeys } from './four-keys.ts';

/** What the server can be asked about the past, and what can be done about it; a test sets each answer. */
export interface Past {
  view: FleetView;
  roles: ('administrator' | 'privacy-officer')[];
  custody: CustodyAnswer | undefined;
  stood: StationStateAnswer | undefined;
  incidents: IncidentsView;
  keys: { server: ServerKeysView; secrets: z.infer<typeof secretsView> };
  /** How questions about the past end, when not with an answer. */
  questions: 'answered' | 'unanswered' | 'denied';
  readonly asked: { custody: z.infer<typeof custodyQuery>[]; at: string[]; closed: { id: number; reason: string }[]; replayed: string[]; keys: unknown[] };
}

export function emptyPast(view: FleetView): Past {
  return { view, roles: ['administrator'], custody: undefined, stood: undefined, incidents: { incidents: [], poison: [] }, keys: fourKeys(), questions: 'answered', asked: { custody: [], at: [], closed: [], replayed: [], keys: [] } };
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

const ok = (body: unknown): Reply => ({ status: 200, body });
const missing: Reply = { status: 404, body: { reason: 'not-found', message: 'There is no such ledger or record.' } };
const forAdministrators: Reply = { status: 403, body: { reason: 'denied', message: 'Only an administrator may do this.' } };

/** The answer to a request about the past, or undefined when it is about something else. `'cut'`: the connection dies. */
export async function answerPast(past: Past, request: IncomingMessage, url: URL): Promise<Reply | 'cut' | undefined> {
  const [, , place = '', name = '', last] = url.pathname.split('/').map(decodeURIComponent);
  const administrator = past.roles.includes('administrator');
  const body = async (): Promise<unknown> => JSON.parse(await text(request));
  switch (`${request.method ?? ''} ${place}`) {
    case 'GET custody':
      past.asked.custody.push(custodyQuery.parse(Object.fromEntries(url.searchParams)));
      return question(past, past.custody && custodyAnswer.parse({ ...past.custody, ...(past.custody.intervals.length === 0 ? Object.fromEntries(url.searchParams) : {}) }));
    case 'GET stations':
      past.asked.at.push(stateQuery.parse({ at: url.searchParams.get('at') }).at);
      return question(past, past.stood && stationState.parse(past.stood));
    case 'GET incidents':
      return ok(incidentsView.parse(past.incidents));
    case 'GET receipts':
      return last === undefined ? missing : receipt(url.pathname);
    case 'POST conflicts':
      return administrator ? close(past, Number(name), closeConflictRequest.parse(await body()).reason) : forAdministrators;
    case 'POST poison': {
      if (!administrator) return forAdministrators;
      const { origin } = replayRequest.parse(await body());
      past.asked.replayed.push(origin);
      past.incidents = { ...past.incidents, poison: past.incidents.poison.map((record) => (record.origin === origin && record.reason === 'unfoldable' ? { ...record, replayedAt: new Date().toISOString() } : record)) };
      return ok({ replayed: 1, left: past.incidents.poison.filter((record) => record.origin === origin && record.replayedAt === undefined).length });
    }
    case 'GET keys':
      return administrator ? ok(past.keys.server) : forAdministrators;
    case 'GET secrets':
      return administrator ? ok(past.keys.secrets) : forAdministrators;
    case 'POST keys':
    case 'POST secrets':
      return changeKeys(past, `${place} ${name}`, await body());
    case 'POST stations':
      if (name !== 'rotate-key') return undefined;
      past.asked.keys.push(rotateStationKeyRequest.parse(await body()));
      return ok({});
    default:
      return undefined;
  }
}

function question(past: Past, answer: unknown): Reply | 'cut' {
  if (past.questions === 'unanswered') return 'cut';
  if (past.questions === 'denied') return { status: 403, body: { reason: 'denied', message: 'Only a privacy officer may ask this.' } };
  return answer === undefined ? missing : ok(answer);
}

function receipt(path: string): Reply {
  const seq = path.split('/').at(-1) ?? '';
  if (seq === '609') return missing;
  return { status: 200, body: `Dockward receipt, version 1\nfor ${path}\n`, headers: { 'content-type': 'text/plain; charset=utf-8', 'content-disposition': `attachment; filename="release-${seq}.receipt.txt"` } };
}

function close(past: Past, id: number, reason: string): Reply {
  const open = past.view.conflicts.find((conflict) => conflict.id === id);
  if (open === undefined) return { status: 400, body: { reason: 'malformed', message: 'This conflict has been closed before.' } };
  past.asked.closed.push({ id, reason });
  const closed: CustodyConflict = { ...open, closed: { at: new Date().toISOString(), by: 'admin', reason } };
  past.view = { ...past.view, conflicts: past.view.conflicts.filter((conflict) => conflict !== open) };
  if (past.custody !== undefined) past.custody = { ...past.custody, conflicts: [closed] };
  return ok({});
}

function changeKeys(past: Past, action: string, body: unknown): Reply {
  past.asked.keys.push(body);
  switch (action) {
    case 'keys rotate':
      rotateKeyRequest.parse(body);
      return ok(past.keys.server);
    case 'keys retire':
      return ok(retireKeyRequest.parse(body).confirm ? { retired: true, lost: [] } : { retired: false, lost: past.keys.server.waitingFor });
    case 'secrets rotate':
      return ok({ kind: rotateRequest.parse(body).kind, version: 3 });
    default: {
      const { kind, confirm } = retireRequest.parse(body);
      const stragglers = past.keys.secrets.kinds.find((secret) => secret.kind === kind)?.stragglers ?? 0;
      if (stragglers > 0 && confirm !== stragglers) return { status: 409, body: { reason: 'conflict', message: `${stragglers} would have to be enrolled anew.` } };
      return ok({ kind, version: 1, ended: stragglers });
    }
  }
}
