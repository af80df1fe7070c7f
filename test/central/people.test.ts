import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fleetHistory, fleetView, me } from '../../app/contract/fleet.ts';
import { errorBody } from '../../app/contract/station-http.ts';
import { openCheckpoint, openCosignature } from '../../app/ledger/checkpoint.ts';
import { append, EMPTY_FRONTIER, leafHash, rootOf } from '../../app/ledger/merkle.ts';
import { parseVkey, type VerifierKey } from '../../app/ledger/note.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { SERIAL, startTestCentral, type TestCentral } from './demo-central.ts';
import { admissionOf, enrolStation, stationRequest, testLedger, type TestStation } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let cookie: string;

const get = (path: string, headers: Record<string, string> = {}): Promise<Response> => fetch(`${central.url}${path}`, { headers });
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${central.url}${path}`, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body) });
const admin = (): { user: string; password: string } => {
  if (!central.firstSecrets) throw new Error('no first secrets');
  return central.firstSecrets.admin;
};
const signIn = (password = admin().password, user = admin().user): Promise<Response> => post('/api/sign-in', { user, password });

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
beforeEach(async () => {
  await central.database.query('update administrator set failures = 0, locked_until_ms = 0');
  cookie = (await signIn()).headers.getSetCookie()[0]?.split(';')[0] ?? '';
});

describe('signing in', () => {
  it('opens a session in a cookie that scripts and other sites never see', async () => {
    const answer = await signIn();
    expect(me.parse(await answer.json())).toEqual({ user: 'admin', roles: ['administrator'] });
    expect(answer.headers.getSetCookie()[0]).toMatch(/HttpOnly.*SameSite=Strict|SameSite=Strict.*HttpOnly/);
    expect((await get('/api/me', { cookie })).status).toBe(200);
  });

  it('is slowed down by wrong passwords, also for the right one, and works again later', async () => {
    for (let tries = 0; tries < 5; tries += 1) expect((await signIn('wrong')).status).toBe(401);
    expect((await signIn()).status).toBe(429);
    central.clock.ms += 1_001;
    expect((await signIn('wrong')).status).toBe(401);
    central.clock.ms += 1_001;
    expect((await signIn()).status).toBe(429);
    central.clock.ms += 1_001;
    expect((await signIn()).status).toBe(200);
    expect((await signIn('wrong')).status).toBe(401);
  });

  it('does not tell an unknown name from a wrong password', async () => {
    expect(await (await signIn('wrong', 'nobody')).text()).toBe(await (await signIn('wrong')).text());
  });

  it('ends with signing out and after twelve hours', async () => {
    await post('/api/sign-out', {}, { cookie });
    expect((await get('/api/me', { cookie })).status).toBe(401);
    const later = (await signIn()).headers.getSetCookie()[0]?.split(';')[0] ?? '';
    central.clock.ms += 12 * 3_600_000 + 1;
    expect((await get('/api/me', { cookie: later })).status).toBe(401);
  });

  it('keeps no password and no session token in the clear', async () => {
    const stored = await central.database.query<{ all: string }>(`select concat((select string_agg(a::text, ';') from administrator a), (select string_agg(s::text, ';') from session s), (select string_agg(t::text, ';') from auditor_token t)) as all`);
    for (const secret of [admin().password, cookie.split('=')[1] ?? 'none', central.firstSecrets?.auditorToken ?? 'none']) {
      expect(stored.rows[0]?.all).not.toContain(secret);
      expect(stored.rows[0]?.all).not.toContain(Buffer.from(secret).toString('hex'));
    }
  });
});

describe('who asks', () => {
  it('without a session gets nothing but a refusal', async () => {
    for (const path of ['/api/me', '/api/fleet', '/api/history', '/api/history?device=x']) expect([path, (await get(path)).status]).toEqual([path, 401]);
    expect((await post('/api/stations/codes', { ward: '7e', cart: 'A' })).status).toBe(401);
  });

  it('from a page of another site is refused even with the cookie', async () => {
    const answer = await post('/api/stations/codes', { ward: '7e', cart: 'A' }, { cookie, origin: 'http://elsewhere.example' });
    expect([answer.status, errorBody.parse(await answer.json()).reason]).toEqual([403, 'denied']);
    expect((await post('/api/stations/codes', { ward: '7e', cart: 'A' }, { cookie, origin: central.url })).status).toBe(200);
  });

  it('under a name that is not this machine is refused on plain HTTP', async () => {
    const answer = await rawExchange(central.url, 'GET /health HTTP/1.1\r\nHost: rebound.example\r\nConnection: close\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1.1 403 /);
  });

  it('gets strict headers with every answer, errors too', async () => {
    for (const path of ['/', '/nothing', '/api/me', '/health']) {
      const { headers } = await get(path);
      expect(headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self';/);
      expect([headers.get('x-content-type-options'), headers.get('x-frame-options')]).toEqual(['nosniff', 'DENY']);
    }
  });
});

describe('malformed requests', () => {
  const expectPlain = (text: string, status: number, least = 400): void => {
    expect(status).toBeGreaterThanOrEqual(least);
    expect(status).toBeLessThan(500);
    const body = errorBody.parse(JSON.parse(text));
    expect(body.message).toMatch(/[.!]$/);
    expect(text).not.toMatch(/node_modules|\.ts:|\\n\s+at /);
  };

  it('to the people’s listener are answered with a reason and a sentence, never a stack', async () => {
    const attempts: Promise<Response>[] = [
      post('/api/sign-in', '{'),
      post('/api/sign-in', '[]'),
      post('/api/sign-in', 'null'),
      post('/api/sign-in', { user: 'x', password: 'y', extra: 1 }),
      post('/api/sign-in', { user: 1, password: {} }),
      post('/api/sign-in', '<xml/>', { 'content-type': 'text/xml' }),
      post('/api/sign-in', { user: 'x', password: 'y'.repeat(100_000) }),
      post('/api/stations/codes', { ward: 'nowhere', cart: 'A' }, { cookie }),
      post('/api/stations/codes', { ward: '7e', cart: ' ' }, { cookie }),
      post('/api/stations/deny', { station: 'nobody' }, { cookie }),
      get('/api/history?limit=-1', { cookie }),
      get('/api/history?limit=1;drop', { cookie }),
      get('/api/history?device=%00', { cookie }),
      get('/%zz'),
      get('/api/../../etc/passwd'),
      fetch(`${central.url}/api/me`, { method: 'DELETE' }),
    ];
    for (const answer of await Promise.all(attempts)) expectPlain(await answer.text(), answer.status);
  });

  it('to the stations’ listener are answered the same way', async () => {
    const station = await enrolStation(central);
    const upload = testLedger(station).upload();
    const attempts = [
      stationRequest(central, undefined, 'POST', '/v1/enrol', '{'),
      stationRequest(central, undefined, 'POST', '/v1/enrol', {}),
      station.request('POST', '/v1/log/entries', 'nonsense'),
      station.request('POST', '/v1/log/entries', { ...upload, from: -1 }),
      station.request('POST', '/v1/log/entries', { ...upload, entries: ['***'] }),
      station.request('POST', '/v1/log/entries', { ...upload, checkpoint: 'x' }),
      station.request('POST', '/v1/log/entries', { ...upload, entries: ['A'.repeat(2_000_000)] }),
      station.request('POST', '/v1/renew', { csrPem: 'x' }),
      station.request('GET', '/v1/downlink?after=x'),
      station.request('GET', '/v1/downlink?waitMs=999999'),
      station.request('GET', '/v1/nothing'),
      station.request('PUT', '/v1/downlink'),
    ];
    for (const answer of await Promise.all(attempts)) expectPlain(answer.text, answer.status);
  });

  it('that are not even HTTP are answered and hung up on', async () => {
    expect(await rawExchange(central.url, 'GARBAGE\r\n\r\n')).toMatch(/^HTTP\/1.1 400 [\s\S]*"reason":"malformed"/);
  });
});

describe('the fleet', () => {
  let station: TestStation;
  beforeAll(async () => {
    station = await enrolStation(central, 'Cart F');
    const maria = await central.database.query<{ actor: string }>(`select actor from staff where id = 's1001'`);
    const actor = maria.rows[0]?.actor ?? '';
    const ledger = testLedger(station);
    ledger.add(
      ...admissionOf(SERIAL, 2),
      { type: 'offered', device: SERIAL, slot: 2, actor, body: { offer: 'o-1', release: 'rel-1', assurance: 'uid', stale: false, request: 'r', chargePercent: 90, untilMs: 1 } },
      { type: 'released', device: SERIAL, slot: 2, actor, body: { release: 'rel-1', offer: 'o-1', how: 'offered', offeredSlot: 2 } },
      ...admissionOf('R52TXYYK596', 3),
    );
    expect((await station.request('POST', '/v1/log/entries', ledger.upload())).status).toBe(200);
  });

  it('shows who holds what and which cart holds the rest', async () => {
    const view = fleetView.parse(await (await get('/api/fleet', { cookie })).json());
    const [taken, docked] = view.devices;
    expect(taken).toMatchObject({ serial: SERIAL, state: 'out', where: { kind: 'person', name: 'Maria Kovac' } });
    expect(docked).toMatchObject({ state: 'waiting', grade: 'E0', reason: 'wipe-not-requested', where: { kind: 'cart', station: station.id, cart: 'Cart F', slot: 3 } });
    expect(view.wards).toEqual([{ id: '7e', name: 'Ward 7 East', proven: 0, preparing: 0, waiting: 1, out: 1, quarantined: 0 }]);
    expect(view.stations.find(({ id }) => id === station.id)).toMatchObject({ cart: 'Cart F', shelves: [[1, 2, 3, 4]], size: 6, denied: false });
  });

  it('tells a tablet’s history, newest first, with names', async () => {
    const { events } = fleetHistory.parse(await (await get(`/api/history?device=${SERIAL}`, { cookie })).json());
    expect(events.map(({ type, person }) => [type, person])).toEqual([['released', 'Maria Kovac'], ['offered', 'Maria Kovac'], ['returned', undefined], ['device-admitted', undefined]]);
  });

  it('is described by OpenAPI', async () => {
    const described = (await (await get('/openapi.json')).json()) as { openapi: string; paths: Record<string, unknown> };
    expect(described.openapi).toMatch(/^3\.1/);
    expect(Object.keys(described.paths)).toEqual(expect.arrayContaining(['/api/sign-in', '/api/me', '/api/fleet', '/api/history', '/api/stations/codes', '/api/sign-out', '/health', '/log']));
  });
});

describe('the published ledger', () => {
  let station: TestStation;
  let key: VerifierKey;
  const bearer = (): Record<string, string> => ({ authorization: `Bearer ${central.firstSecrets?.auditorToken ?? ''}` });
  const tile = async (path: string): Promise<Buffer> => Buffer.from(await (await get(`/log/${station.origin}/${path}`, bearer())).arrayBuffer());

  beforeAll(async () => {
    station = await enrolStation(central, 'Cart L');
    const ledger = testLedger(station);
    for (let count = 0; count < 300; count += 1) ledger.add({ type: 'host-lost', body: { cause: `cable ${count}` } });
    expect((await station.request('POST', '/v1/log/entries', ledger.upload())).status).toBe(200);
  });

  it('is closed to anybody without the auditor token', async () => {
    for (const headers of [{}, { cookie }, { authorization: 'Bearer wrong' }]) {
      expect((await get('/log', headers)).status).toBe(401);
      expect((await get(`/log/${station.origin}/checkpoint`, headers)).status).toBe(401);
    }
  });

  it('gives tiles from which an auditor recomputes the cosigned root', async () => {
    const logs = (await (await get('/log', bearer())).json()) as { origin: string; size: number; keys: { vkey: string; from: number; to: number }[] }[];
    const log = logs.find(({ origin }) => origin === station.origin);
    expect(log).toMatchObject({ size: 300, keys: [{ from: 0, to: 300 }] });
    const parsed = parseVkey(log?.keys[0]?.vkey ?? '');
    if (!parsed.ok) throw new Error('the log key cannot be read');
    key = parsed.value;
    const note = await (await get(`/log/${station.origin}/checkpoint`, bearer())).text();
    const checkpoint = openCheckpoint(note, key);
    const witness = parseVkey(station.enrolled.witness);
    if (!checkpoint.ok || !witness.ok) throw new Error('the checkpoint cannot be opened');
    expect(openCosignature(note, witness.value)).toMatchObject({ ok: true });

    const leaves: Buffer[] = [];
    for (const bundle of [await tile('tile/entries/000'), await tile('tile/entries/001.p/44')]) {
      for (let at = 0; at < bundle.length; ) {
        const length = bundle.readUInt16BE(at);
        leaves.push(leafHash(bundle.subarray(at + 2, at + 2 + length)));
        at += 2 + length;
      }
    }
    expect(leaves).toHaveLength(300);
    expect(rootOf(leaves.reduce(append, EMPTY_FRONTIER))).toEqual(checkpoint.value.root);
    expect(await tile('tile/0/000')).toEqual(Buffer.concat(leaves.slice(0, 256)));
    expect(await tile('tile/0/001.p/44')).toEqual(Buffer.concat(leaves.slice(256)));
    expect(await tile('tile/1/000.p/1')).toEqual(rootOf(leaves.slice(0, 256).reduce(append, EMPTY_FRONTIER)));
  });

  it('has no tile beyond its size and no other resource', async () => {
    for (const path of ['tile/0/001', 'tile/0/001.p/45', 'tile/0/002.p/1', 'tile/1/000', 'tile/1/000.p/2', 'tile/0/000.p/256', 'tile/64/000', 'tile/0/0', 'secrets']) {
      expect([path, (await get(`/log/${station.origin}/${path}`, bearer())).status]).toEqual([path, 404]);
    }
    expect((await get('/log/demo/station/nobody/e1/checkpoint', bearer())).status).toBe(404);
  });
});

function rawExchange(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(text));
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('utf8')));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
  });
}
