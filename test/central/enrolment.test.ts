import { X509Certificate } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createAuthority, issueStationCertificate } from '../../app/central/authority.ts';
import { CODE_LIFE_MS, denyStation } from '../../app/central/enrolment.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { startTestCentral, type TestCentral } from './demo-central.ts';
import { certificateRequest, enrolmentParts, enrolStation, forgedCertificate, stationRequest, type EnrolmentParts } from './demo-station.ts';

let postgres: TestPostgres;
let central: TestCentral;
let parts: EnrolmentParts;

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  parts = await enrolmentParts();
});
afterAll(async () => {
  await central.close();
  await postgres.stop();
});
afterEach(() => {
  central.clock.ms = Date.now();
});

const newCode = async (): Promise<string> => {
  const made = await central.makeCode({ ward: '7e', cart: 'Cart A' });
  if (!made.ok) throw new Error(made.reason.message);
  return made.value.code;
};
const enrol = (code: string): ReturnType<typeof stationRequest> => stationRequest(central, undefined, 'POST', '/v1/enrol', { code, ...parts.request });

describe('a one-time code', () => {
  it('enrols one station and tells it its place, ledger, certificate and the tenant secrets', async () => {
    const station = await enrolStation(central, 'Cart B');
    expect(station.enrolled.place).toEqual({ wardId: '7e', ward: 'Ward 7 East', cart: 'Cart B' });
    expect(station.origin).toBe(`demo/station/${station.id}/e1`);
    expect(station.secrets.badgeKeys[0]?.key).toMatch(/^[\w-]{43}$/);
    expect((await station.request('GET', '/v1/downlink?bundle=999')).status).toBe(200);
  });

  it('is typed in lower case, without dashes and with an O for a zero, and still works', async () => {
    const code = await newCode();
    expect((await enrol(code.replaceAll('-', '').replaceAll('0', 'o').toLowerCase())).status).toBe(200);
  });

  it('names the authority that the station has to meet', async () => {
    const [, fingerprint] = (await newCode()).split('~');
    expect(fingerprint).toBe(new X509Certificate(central.keys.authority.certificatePem).fingerprint256.replaceAll(':', '').toLowerCase());
  });

  it('is refused the second time', async () => {
    const code = await newCode();
    expect((await enrol(code)).status).toBe(200);
    expect((await enrol(code)).body['reason']).toBe('code-used');
  });

  it('enrols one station when two present it at the same moment', async () => {
    const code = await newCode();
    const answers = await Promise.all([enrol(code), enrol(code), enrol(code)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403]);
  });

  it('is refused after 15 minutes', async () => {
    const code = await newCode();
    central.clock.ms += CODE_LIFE_MS + 1;
    expect((await enrol(code)).body['reason']).toBe('code-expired');
  });

  it('is locked after five wrong tries, even for the right code', async () => {
    const code = await newCode();
    const wrong = `${code.slice(0, 5)}0000-0000-0000`;
    for (let tries = 0; tries < 5; tries += 1) expect((await enrol(wrong)).body['reason']).toBe('code-unknown');
    expect((await enrol(code)).body['reason']).toBe('code-locked');
  });

  it('is not stored in the clear', async () => {
    const code = await newCode();
    const stored = await central.database.query<{ all: string }>('select string_agg(c::text, chr(10)) as all from enrolment_code c');
    expect(stored.rows[0]?.all).toContain(code.slice(0, 4));
    expect(stored.rows[0]?.all).not.toContain(code.slice(5, 19).replaceAll('-', ''));
  });

  it('is not spent by a broken certificate request', async () => {
    const code = await newCode();
    const broken = await stationRequest(central, undefined, 'POST', '/v1/enrol', { code, ...parts.request, csrPem: '-----BEGIN NONSENSE-----' });
    expect(broken.body['reason']).toBe('malformed');
    expect((await enrol(code)).status).toBe(200);
  });
});

describe('who is not a station of ours', () => {
  it('is refused everywhere but at enrolment without a certificate', async () => {
    for (const [method, path] of [['GET', '/v1/downlink'], ['POST', '/v1/log/entries'], ['POST', '/v1/renew'], ['GET', '/v1/enrol'], ['GET', '/anything']] as const) {
      const answer = await stationRequest(central, undefined, method, path, method === 'POST' ? {} : undefined);
      expect([path, answer.status, answer.body['reason']]).toEqual([path, 401, 'not-authenticated']);
    }
  });

  it('is refused with a certificate of another authority that names one of our stations', async () => {
    const station = await enrolStation(central);
    const other = await createAuthority('demo');
    const { keyPem, csrPem } = await certificateRequest();
    const forged = await issueStationCertificate(other, 'demo', station.id, csrPem, central.clock.ms);
    if (!forged.ok) throw new Error(forged.reason);
    const answer = await stationRequest(central, { keyPem, certificatePem: forged.value.certificatePem }, 'GET', '/v1/downlink');
    expect([answer.status, answer.body['reason']]).toEqual([401, 'not-authenticated']);
    const inOurName = await stationRequest(central, await forgedCertificate(central.keys.authority.certificatePem, 'demo', station.id), 'GET', '/v1/downlink');
    expect([inOurName.status, inOurName.body['reason']]).toEqual([401, 'not-authenticated']);
  });

  it('is refused once its certificate is a week old, and goes on with a renewed one', async () => {
    const station = await enrolStation(central);
    const { keyPem, csrPem } = await certificateRequest();
    const renewed = await station.request('POST', '/v1/renew', { csrPem });
    central.clock.ms += 6.5 * 86_400_000;
    const later = await certificateRequest();
    const again = await stationRequest(central, { keyPem, certificatePem: String(renewed.body['certificatePem']) }, 'POST', '/v1/renew', { csrPem: later.csrPem });
    expect(again.status).toBe(200);
    central.clock.ms += 86_400_000;
    expect((await station.request('GET', '/v1/downlink?bundle=999')).body['reason']).toBe('not-authenticated');
    const fresh = { keyPem: later.keyPem, certificatePem: String(again.body['certificatePem']) };
    expect((await stationRequest(central, fresh, 'GET', '/v1/downlink?bundle=999')).status).toBe(200);
  });

  it('is refused from the next request on when it is put on the deny-list', async () => {
    const station = await enrolStation(central);
    expect((await station.request('GET', '/v1/downlink?bundle=999')).status).toBe(200);
    await denyStation({ database: central.database, keys: central.keys, now: central.options.now }, station.id);
    const { csrPem } = await certificateRequest();
    expect((await station.request('GET', '/v1/downlink?bundle=999')).body['reason']).toBe('denied');
    expect((await station.request('POST', '/v1/renew', { csrPem })).body['reason']).toBe('denied');
  });
});
