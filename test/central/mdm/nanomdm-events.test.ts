import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { uuidOf } from '../../../app/central/mdm/nanomdm/commands.ts';
import { readEvent } from '../../../app/central/mdm/nanomdm/events.ts';
import { isAtLeast } from '../../../app/central/mdm/nanomdm/lives.ts';
import { MalformedPlist, readPlist, writePlist } from '../../../app/central/mdm/nanomdm/plist.ts';
import { authenticate, plist, webhookEvent } from '../../../app/simulator/mdm/nanomdm-shapes.ts';

const AT = Date.parse('2026-11-21T21:00:00.123Z');
const UDID = '00008120-001C2D340A38401E';
const answer = (said: Parameters<typeof plist>[0]): string => webhookEvent('mdm.Connect', AT, { udid: UDID, raw: plist(said), status: 'Acknowledged', command: 'c-1', eventId: 'e' });
const enrolling = (): string => webhookEvent('mdm.Authenticate', AT, { udid: UDID, raw: authenticate(UDID, 'DMPX1'), eventId: 'e' });

describe('an event of NanoMDM', () => {
  it('is known by its content', () => {
    const text = enrolling();
    expect(readEvent(Buffer.from(text))).toEqual({ ok: true, value: { kind: 'authenticate', device: UDID, atMdmMs: AT, serial: 'DMPX1', digest: createHash('sha256').update(text).digest('hex') } });
  });

  it('may carry its time in any zone, as Go writes it', () => {
    const text = enrolling().replace(/"created_at":"[^"]+"/, '"created_at":"2026-11-21T22:00:00.123456789+01:00"');
    expect(readEvent(Buffer.from(text))).toMatchObject({ ok: true, value: { atMdmMs: AT } });
  });

  it('an application that is still being installed is not there', () => {
    const said = { InstalledApplicationList: [{ Identifier: 'org.example.a', Installing: false }, { Identifier: 'org.example.b', Installing: true }] };
    expect(readEvent(Buffer.from(answer(said)))).toMatchObject({ ok: true, value: { report: { applications: ['org.example.a'] } } });
  });

  it('a Lost Mode that is not told, a certificate without a key: the bad case', () => {
    expect(readEvent(Buffer.from(answer({ QueryResponses: { OSVersion: '26.1' } })))).toMatchObject({ ok: true, value: { report: { osVersion: '26.1', supervised: false, lostMode: true } } });
    const said = { CertificateList: [{ IsIdentity: false, Data: Buffer.from('root') }, { IsIdentity: true, Data: Buffer.from('own') }] };
    expect(readEvent(Buffer.from(answer(said)))).toMatchObject({ ok: true, value: { report: { identities: [createHash('sha256').update('own').digest('hex')] } } });
  });

  it('of a user’s channel is none of the tablet’s', () => {
    expect(readEvent(Buffer.from(enrolling().replace('"type":"Device"', '"type":"Shared iPad"')))).toEqual({ ok: true, value: undefined });
  });

  it('an idle tablet and a declarative status are no news', () => {
    expect(readEvent(Buffer.from(webhookEvent('mdm.Connect', AT, { udid: UDID, raw: plist({ Status: 'Idle' }), eventId: 'e' })))).toEqual({ ok: true, value: undefined });
    expect(readEvent(Buffer.from(enrolling().replace('mdm.Authenticate', 'mdm.DeclarativeManagement')))).toEqual({ ok: true, value: undefined });
  });

  it.each([
    ['not JSON', 'hello'],
    ['without a time', enrolling().replace(/"created_at":"[^"]+",/, '')],
    ['from before all time', enrolling().replace(/"created_at":"[^"]+"/, '"created_at":"0001-01-01T00:00:00Z"')],
    ['with a time that is none', enrolling().replace(/"created_at":"[^"]+"/, '"created_at":"yesterday"')],
    ['whose payload is not base64', enrolling().replace(/"raw_payload":"[^"]+"/, '"raw_payload":"<plist>"')],
    ['whose payload is no property list', enrolling().replace(/"raw_payload":"[^"]+"/, '"raw_payload":"aGVsbG8="')],
    ['an Authenticate without a serial', webhookEvent('mdm.Authenticate', AT, { udid: UDID, raw: plist({ MessageType: 'Authenticate' }), eventId: 'e' })],
  ])('%s: malformed', (_, text) => expect(readEvent(Buffer.from(text))).toMatchObject({ ok: false, reason: { reason: 'malformed' } }));
});

describe('property lists of strangers', () => {
  it('are read back as they were written', () => {
    const value = { text: 'a <b> & c', whole: 7, real: 1.5, yes: true, no: false, data: new Uint8Array([1, 2, 3]), list: ['x', { deep: '' }], none: [] };
    expect(readPlist(Buffer.from(writePlist(value)))).toEqual(value);
  });

  it.each([
    ['cut off', '<plist version="1.0"><dict><key>A</key><string>b</string>'],
    ['followed by more', '<plist version="1.0"><true/></plist><plist version="1.0"><true/></plist>'],
    ['a key twice', '<plist version="1.0"><dict><key>A</key><true/><key>A</key><false/></dict></plist>'],
    ['too deep', `<plist version="1.0">${'<array>'.repeat(30)}${'</array>'.repeat(30)}</plist>`],
    ['an entity of its own', '<!DOCTYPE plist [<!ENTITY a "b">]><plist version="1.0"><string>&a;</string></plist>'],
    ['an unknown entity', '<plist version="1.0"><string>&nbsp;</string></plist>'],
    ['another kind', '<html></html>'],
  ])('%s: refused', (_, text) => expect(() => readPlist(Buffer.from(text))).toThrow(MalformedPlist));

  it('a key named like a property of every object is a key', () => {
    expect(Object.keys(readPlist(Buffer.from('<plist version="1.0"><dict><key>__proto__</key><string>x</string></dict></plist>')) as object)).toEqual(['__proto__']);
  });
});

it.each([
  ['26.1', '26.1', true],
  ['26.10', '26.9', true],
  ['26.0.1', '26.0', true],
  ['26', '26.0.1', false],
  ['18.7', '26.1', false],
  ['26.1 beta', '26.1', false],
])('iPadOS %s against %s', (version, floor, reached) => expect(isAtLeast(version, floor)).toBe(reached));

it('the same request always has the same command, another another', () => {
  expect(uuidOf('erase', 'r-1')).toBe(uuidOf('erase', 'r-1'));
  expect(uuidOf('erase', 'r-1')).not.toBe(uuidOf('erase', 'r-2'));
  expect(uuidOf('erase', 'r-1')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});
