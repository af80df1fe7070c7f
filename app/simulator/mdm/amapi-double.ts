import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { MdmRecord } from '../world/mdm-records.ts';
import type { Mdm } from '../world/mdm.ts';
import { DEFAULT_COMMAND_MS } from '../world/mdm.ts';
import type { ServiceAccount } from './service-account.ts';
import { assertionFault } from './service-account.ts';
import { deviceShape, operationShape } from './vendor-shapes.ts';

const TOKEN_LIFE_MS = 3_600_000;
const BODY_LIMIT = 64 * 1024;
const MOST_PER_PAGE = 100;

interface Answer {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterS?: number;
}
interface Question {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
}

export interface AmapiDoubleDeps {
  readonly mdm: Mdm;
  readonly account: ServiceAccount;
  /** Brings the world up to now before a question is answered. */
  readonly beforeEach?: () => void;
  /** Told of every command that is not a wipe; the world's tablets do not show them. */
  readonly onCommand?: (device: string, command: Readonly<Record<string, unknown>>) => void;
  /** Told after a command or deletion changed something. */
  readonly onChange?: () => void;
  /** How long a throttled or failing server asks to be left alone, seconds. */
  readonly retryAfterS?: number;
}

/** Android Management API v1 and its token server over HTTP, in the vendor's shapes; a request listener for node:http. */
export function createAmapiDouble(deps: AmapiDoubleDeps): (request: IncomingMessage, response: ServerResponse) => void {
  const { mdm, account, retryAfterS = 1 } = deps;
  const tokens = new Map<string, number>();

  function issueToken(question: Question): Answer {
    const form = new URLSearchParams(String(question.body));
    if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return { status: 400, body: { error: 'unsupported_grant_type', error_description: 'Invalid grant_type: ' + (form.get('grant_type') ?? '') } };
    const fault = assertionFault(form.get('assertion') ?? '', account, mdm.nowMs());
    if (fault !== undefined) return { status: 400, body: { error: 'invalid_grant', error_description: fault } };
    const token = `ya29.${randomBytes(32).toString('base64url')}`;
    for (const [old, untilMs] of tokens) if (untilMs <= mdm.nowMs()) tokens.delete(old);
    tokens.set(token, mdm.nowMs() + TOKEN_LIFE_MS);
    return { status: 200, body: { access_token: token, expires_in: TOKEN_LIFE_MS / 1000, token_type: 'Bearer' } };
  }

  function isAuthorized(header: string | undefined): boolean {
    const token = header?.startsWith('Bearer ') ? header.slice(7) : '';
    const untilMs = tokens.get(token);
    if (untilMs === undefined || untilMs <= mdm.nowMs()) return false;
    if (!mdm.takeMischief('token-rejected')) return true;
    tokens.delete(token);
    return false;
  }

  function page(items: readonly unknown[], field: string, query: URLSearchParams): Answer {
    const size = Math.min(MOST_PER_PAGE, Math.max(1, Number(query.get('pageSize') ?? MOST_PER_PAGE) || MOST_PER_PAGE));
    const token = query.get('pageToken') ?? '';
    const from = token === '' ? 0 : Number(Buffer.from(token, 'base64url').toString('utf8'));
    if (!Number.isInteger(from) || from < 0) return failure(400, 'INVALID_ARGUMENT', 'Invalid page token.');
    const until = from + size;
    return {
      status: 200,
      body: { ...(items.length === 0 ? {} : { [field]: items.slice(from, until) }), ...(until < items.length ? { nextPageToken: Buffer.from(String(until)).toString('base64url') } : {}) },
    };
  }

  function listDevices(query: URLSearchParams): Answer {
    const listed: MdmRecord[] = [];
    for (const record of mdm.listed()) {
      listed.push(record);
      if (mdm.takeMischief('lists-twice', record.tablet)) listed.push(record);
    }
    return page(listed.map((record) => deviceShape(mdm, record)), 'devices', query);
  }

  function issueCommand(device: MdmRecord, body: unknown): Answer {
    const command = typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {};
    if (isHarmless(command['type'])) return carryOut(device, command);
    if (command['type'] !== 'WIPE' && !(command['type'] === undefined && 'wipeParams' in command)) return failure(400, 'INVALID_ARGUMENT', `Invalid command type: ${String(command['type'])}`);
    const duration = command['duration'] === undefined ? DEFAULT_COMMAND_MS : Number(/^(\d+(?:\.\d{1,9})?)s$/.exec(String(command['duration']))?.[1] ?? Number.NaN) * 1000;
    if (!(duration > 0)) return failure(400, 'INVALID_ARGUMENT', 'Invalid duration.');
    const reason = (command['wipeParams'] as { wipeReason?: { defaultMessage?: unknown } } | undefined)?.wipeReason?.defaultMessage ?? '';
    const operation = mdm.issueWipe(device.name, { request: String(reason).slice(0, 200), expiresInMs: Math.round(duration) });
    deps.onChange?.();
    return operation ? { status: 200, body: operationShape(operation) } : notFound(device.name);
  }

  function carryOut(device: MdmRecord, command: Readonly<Record<string, unknown>>): Answer {
    // The vendor refuses Lost Mode without anything to show.
    if (command['type'] === 'START_LOST_MODE' && !('startLostModeParams' in command)) return failure(400, 'INVALID_ARGUMENT', 'At least one of the lost mode parameters must be set.');
    deps.onCommand?.(device.name, command);
    const metadata = { '@type': 'type.googleapis.com/google.android.devicemanagement.v1.Command', type: command['type'], createTime: new Date(mdm.nowMs()).toISOString() };
    return { status: 200, body: { name: `${device.name}/operations/${Date.parse(metadata.createTime)}`, metadata } };
  }

  function answerPolicy(id: string, { method, body }: Question): Answer {
    const name = `enterprises/${mdm.enterprise}/policies/${id}`;
    if (method === 'PATCH') mdm.writePolicy(id, typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {});
    else if (method !== 'GET') return notFound(name);
    const found = mdm.policy(id);
    return found ? { status: 200, body: { ...found, name, version: '1' } } : notFound(name);
  }

  function patchDevice(device: MdmRecord, { query, body }: Question): Answer {
    const wanted = (body as { policyName?: unknown } | null)?.policyName;
    const id = typeof wanted === 'string' ? wanted.split('/').at(-1) : undefined;
    if (query.get('updateMask') !== 'policyName' || id === undefined) return failure(400, 'INVALID_ARGUMENT', 'Invalid field mask.');
    if (!mdm.assignPolicy(device.name, id)) return failure(400, 'INVALID_ARGUMENT', 'The policy does not exist.');
    deps.onChange?.();
    return { status: 200, body: deviceShape(mdm, device) };
  }

  function answerApi(question: Question): Answer {
    const policy = /^\/v1\/enterprises\/([^/:]+)\/policies\/([^/:]+)$/.exec(question.path);
    if (policy) return policy[1] === mdm.enterprise ? answerPolicy(policy[2] ?? '', question) : notFound(question.path);
    const named = /^\/v1\/(enterprises\/([^/:]+))\/devices(?:\/([^/:]+)(?:(:issueCommand)|\/operations(?:\/([^/:]+))?)?)?$/.exec(question.path);
    if (!named || named[2] !== mdm.enterprise) return notFound(question.path);
    const [, enterprise, , device, command, operation] = named;
    const { method } = question;
    if (device === undefined) return method === 'GET' ? listDevices(question.query) : notFound(question.path);
    const name = `${enterprise}/devices/${device}`;
    if (operation !== undefined) {
      const found = mdm.operation(`${name}/operations/${operation}`);
      return method === 'GET' && found ? { status: 200, body: operationShape(found) } : notFound(question.path);
    }
    if (question.path.endsWith('/operations')) return method === 'GET' ? page(mdm.operationsOf(name).map(operationShape), 'operations', question.query) : notFound(question.path);
    const record = mdm.find(name);
    if (!record) return notFound(name);
    if (command !== undefined) return method === 'POST' ? issueCommand(record, question.body) : notFound(question.path);
    if (method === 'GET') return { status: 200, body: deviceShape(mdm, record) };
    if (method === 'PATCH') return patchDevice(record, question);
    if (method !== 'DELETE') return notFound(question.path);
    mdm.remove(name);
    deps.onChange?.();
    return { status: 200, body: {} };
  }

  function answer(question: Question, authorization: string | undefined): Answer {
    deps.beforeEach?.();
    if (question.path === '/token' && question.method === 'POST') return issueToken(question);
    if (!isAuthorized(authorization)) {
      return failure(401, 'UNAUTHENTICATED', 'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential.');
    }
    if (mdm.takeMischief('throttled')) return { ...failure(429, 'RESOURCE_EXHAUSTED', 'Quota exceeded for quota metric of service androidmanagement.googleapis.com.'), retryAfterS };
    if (mdm.takeMischief('server-error')) return { ...failure(503, 'UNAVAILABLE', 'The service is currently unavailable.'), retryAfterS };
    return answerApi(question);
  }

  return (request, response) => {
    void readQuestion(request)
      .then((question) => (question ? answer(question, request.headers.authorization) : failure(400, 'INVALID_ARGUMENT', 'Invalid JSON payload received.')))
      .then((given) => {
        const text = JSON.stringify(given.body);
        response.writeHead(given.status, {
          'content-type': 'application/json; charset=UTF-8',
          'content-length': Buffer.byteLength(text),
          date: new Date(mdm.nowMs()).toUTCString(),
          ...(given.retryAfterS === undefined ? {} : { 'retry-after': String(given.retryAfterS) }),
        });
        response.end(text);
      })
      .catch(() => response.destroy());
  };
}

const isHarmless = (type: unknown): boolean => type === 'LOCK' || type === 'START_LOST_MODE' || type === 'STOP_LOST_MODE';
const failure = (code: number, status: string, message: string): Answer => ({ status: code, body: { error: { code, message, status } } });
const notFound = (what: string): Answer => failure(404, 'NOT_FOUND', `Requested entity was not found: ${what.slice(0, 200)}`);

async function readQuestion(request: IncomingMessage): Promise<Question | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT) return undefined;
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString('utf8');
  const url = new URL(request.url ?? '/', 'http://localhost');
  const isJson = request.headers['content-type']?.startsWith('application/json') ?? false;
  try {
    return { method: request.method ?? 'GET', path: decodeURIComponent(url.pathname), query: url.searchParams, body: isJson && text !== '' ? (JSON.parse(text) as unknown) : text };
  } catch {
    return undefined;
  }
}
