import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certificatesAnswer, certificateView, type CertificatesAnswer } from '../../app/contract/certificates.ts';
import type { EntryBodies, EntryDraft } from '../../app/domain/entries.ts';
import { openCertificate, type Certificate } from '../../app/ledger/certificate.ts';
import { readPdf } from '../support/pdf-reading.ts';
import { startTestPostgres, type TestPostgres } from '../support/postgres.ts';
import { recordWipe } from '../support/sanitized-ledger.ts';
import { SERIAL, signInAsAdmin, startTestCentral, type TestCentral } from './demo-central.ts';
import { admissionOf, enrolStation, testLedger, type TestLedger, type TestStation } from './demo-station.ts';

const OTHER = 'R52TXYYK596';
let postgres: TestPostgres;
let central: TestCentral;
let station: TestStation;
let ledger: TestLedger;
let cookie: string;

const record = (draft: EntryDraft): string => (ledger.add(draft), ledger.leaves.at(-1) ?? '');
/** One more wipe of a tablet, whose certificate's leaf this is. */
function wiped(serial: string, turn: number, claim: Partial<EntryBodies['sanitized']> = {}): string {
  const exposure = record({ type: 'exposed', device: serial, slot: 4, body: { cause: 'unobserved' } });
  recordWipe(record, { serial, slot: 4, turn, exposure, size: ledger.entries.length, claim });
  return ledger.leaves.at(-1) ?? '';
}
let uploaded = 0;
async function upload(): Promise<void> {
  expect((await station.request('POST', '/v1/log/entries', ledger.upload(uploaded))).status).toBe(200);
  uploaded = ledger.entries.length;
}

beforeAll(async () => {
  postgres = await startTestPostgres();
  central = await startTestCentral(await postgres.createDatabase());
  station = await enrolStation(central);
  ledger = testLedger(station);
  ledger.add({ type: 'station-started', body: { program: '0.1.0' } }, { type: 'bundle-accepted', body: { version: 3, issuedAtMs: 1, expiresAtMs: 2, digest: 'd'.repeat(64) } }, ...admissionOf(SERIAL, 4), ...admissionOf(OTHER, 4));
  cookie = await signInAsAdmin(central);
}, 60_000);
afterAll(async () => {
  await central.close();
  await postgres.stop();
});

const get = (path: string, headers: Record<string, string> = { cookie }): Promise<Response> => fetch(`${central.url}${path}`, { headers });
const listed = async (query = ''): Promise<CertificatesAnswer> => certificatesAnswer.parse(await (await get(`/api/certificates${query}`)).json());
async function fileOf(leaf: string): Promise<Certificate> {
  const opened = openCertificate(Buffer.from(await (await get(`/api/certificates/${leaf}/file`)).arrayBuffer()));
  return opened.ok ? opened.value : expect.fail(opened.reason.message);
}

describe('a certificate from the server', () => {
  let leaf: string;
  beforeAll(async () => {
    leaf = wiped(SERIAL, 1);
    await upload();
  });

  it('is a file that holds without the server, in words for the page, and a sheet of one page with both', async () => {
    const response = await get(`/api/certificates/${leaf}/file`);
    expect([response.status, response.headers.get('cache-control'), response.headers.get('content-disposition')]).toEqual([200, 'no-store', `attachment; filename="${SERIAL}-${leaf.slice(0, 12)}.certificate"`]);
    const text = await response.text();
    const certificate = await fileOf(leaf);
    expect(certificate).toMatchObject({ facts: { media: { serial: SERIAL, asset: 'T-101' }, sanitization: { method: 'clear', tool: '0.1.0' }, verification: { grade: 'E2', policy: { version: 3 } }, ledger: { origin: station.origin, leaf } }, witnessed: [{ key: { name: 'demo/witness' } }] });

    const view = certificateView.parse(await (await get(`/api/certificates/${leaf}`)).json());
    const publicUrl = `${central.url}/certificate/${leaf}?index=${certificate.facts.ledger.index}`;
    expect(view).toMatchObject({ leaf, serial: SERIAL, standing: 'cosigned', publicUrl });
    expect(view.sections.map(({ title }) => title)).toEqual(['Media', 'Sanitization', 'Verification', 'Who, when, where', 'Signature']);

    const pdf = readPdf(Buffer.from(await (await get(`/api/certificates/${leaf}/pdf`)).arrayBuffer()));
    expect(pdf).toMatchObject({ pages: 1, qr: { data: publicUrl }, attached: [text] });
    expect(pdf.qr?.mm).toBeGreaterThanOrEqual(25);
    for (const words of ['Certificate of sanitization', SERIAL, 'T-101', 'Samsung SM-X306B', 'demo/witness had these records by', leaf]) expect(pdf.text).toContain(words);
    expect(pdf.text).not.toContain('PROVISIONAL');
  });

  it('is for nobody who has not signed in, and of nothing that is not one', async () => {
    for (const ending of ['', '/file', '/pdf']) expect([ending, (await get(`/api/certificates/${leaf}${ending}`, {})).status]).toEqual([ending, 401]);
    expect((await get('/api/certificates', {})).status).toBe(401);
    expect((await get(`/api/certificates/${ledger.leaves[0] ?? ''}/file`)).status).toBe(404);
    expect((await get(`/api/certificates/${'0'.repeat(64)}/pdf`)).status).toBe(404);
    expect((await get('/api/certificates/nonsense')).status).toBe(400);
  });

  it('given out before the ledger grew, and before its key was changed, still holds beside the new one', async () => {
    const before = await fileOf(leaf);
    ledger.rotate(generateKeyPairSync('ed25519').privateKey);
    record({ type: 'host-lost', body: { cause: 'cable' } });
    await upload();
    const after = await fileOf(leaf);
    expect([before.size < after.size, before.ledgerKey.keyId === after.ledgerKey.keyId, after.facts]).toEqual([true, false, before.facts]);
  });

  it('over an entry that claims more than is proven is not given out, and says why', async () => {
    const forged = wiped(SERIAL, 2, { proven: ['no-exposure', 'wipe-confirmed', 'attestation'] });
    const unasked = wiped(SERIAL, 3, { asked: 'f'.repeat(64) });
    await upload();
    for (const [bad, words] of [[forged, 'attestation'], [unasked, 'the request for this wipe, is missing']] as const) {
      const response = await get(`/api/certificates/${bad}/pdf`);
      expect([response.status, ((await response.json()) as { message: string }).message]).toEqual([422, expect.stringContaining(words)]);
      const page = await get(`/certificate/${bad}`, {});
      expect([page.status, await page.text()]).toEqual([422, expect.stringContaining('Not sound')]);
    }
  });
});

describe('the list of certificates', () => {
  it('finds them by serial, by asset number and by span, newest first, page by page', async () => {
    for (let turn = 1; turn <= 5; turn += 1) wiped(OTHER, turn);
    await upload();
    const all = (await listed()).certificates;
    expect(all.map(({ completedAt }) => completedAt)).toEqual(all.map(({ completedAt }) => completedAt).sort().reverse());
    expect((await listed('?q=t-102')).certificates).toHaveLength(5);
    expect((await listed(`?q=${OTHER.slice(3).toLowerCase()}`)).certificates).toMatchObject([{ serial: OTHER, asset: 'T-102', cart: 'Cart A', slot: 4, grade: 'E2', cosignedAt: new Date(central.clock.ms).toISOString() }, ...Array.from({ length: 4 }, () => ({}))]);
    expect((await listed('?q=nobody')).certificates).toEqual([]);
    const [newest] = all;
    expect((await listed(`?from=${newest?.completedAt ?? ''}`)).certificates).toHaveLength(1);
    expect((await listed(`?to=${newest?.completedAt ?? ''}`)).certificates).toHaveLength(all.length);
    expect((await listed('?to=2020-01-01T00:00:00Z')).certificates).toEqual([]);

    const first = await listed('?q=t-102&limit=3');
    const second = await listed(`?q=t-102&limit=3&after=${first.certificates.at(-1)?.leaf ?? ''}`);
    expect([first.more, second.more, [...first.certificates, ...second.certificates]]).toEqual([true, false, (await listed('?q=t-102')).certificates]);
    expect((await get('/api/certificates?limit=1000')).status).toBe(400);
  });

  it('is found without reading the ledger', async () => {
    const client = await central.database.query<{ 'QUERY PLAN': string }>(`explain select seq from entry where type = 'sanitized' order by at_ms desc, origin desc, seq desc limit 51`);
    expect(client.rows.map((row) => row['QUERY PLAN']).join('\n')).toContain('entry_sanitized');
  });
});

describe('the page behind the QR code', () => {
  it('says to whoever holds the sheet that it is in the ledger, since when, and what it says: no person, no script', async () => {
    const leaf = (await listed('?q=t-102')).certificates[0]?.leaf ?? '';
    const { facts } = await fileOf(leaf);
    const page = await get(`/certificate/${leaf}?index=${facts.ledger.index}`, {});
    const text = await page.text();
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    for (const words of ['In the ledger, cosigned', OTHER, 'It was first cosigned', leaf, 'Clear: set back']) expect(text).toContain(words);
    expect(text).not.toMatch(/<script|style=|Maria|Ewa/);
    expect((await get('/certificate.css', {})).headers.get('content-type')).toContain('text/css');
  });

  it('denies what no ledger holds, and a code whose index was changed', async () => {
    const leaf = (await listed('?q=t-102')).certificates[0]?.leaf ?? '';
    for (const [path, status, words] of [[`${'0'.repeat(64)}?index=1`, 404, 'Not in the ledgers'], ['%3Cscript%3E', 404, 'Not in the ledgers'], [ledger.leaves[0] ?? '', 404, 'Not in the ledgers'], [`${leaf}?index=1`, 404, 'Not this record'], [`${leaf}?index=x`, 404, 'Not this record']] as const) {
      const page = await get(`/certificate/${path}`, {});
      expect([path, page.status, await page.text()]).toEqual([path, status, expect.stringContaining(words)]);
    }
  });

  it('is not for whoever tries one leaf after the other', async () => {
    central.clock.ms += 60_000;
    const tries = await Promise.all(Array.from({ length: 61 }, () => get(`/certificate/${'0'.repeat(64)}`, {})));
    expect(tries.map(({ status }) => status).sort((a, b) => b - a).slice(0, 2)).toEqual([429, 404]);
    central.clock.ms += 60_000;
    expect((await get(`/certificate/${'0'.repeat(64)}`, {})).status).toBe(404);
  });
});
