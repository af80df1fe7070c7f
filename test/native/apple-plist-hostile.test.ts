import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isBinaryPlist, readBinaryPlist } from '../../native/tablets/plist-binary.ts';
import { readXmlPlist, writeXmlPlist } from '../../native/tablets/plist-xml.ts';
import { MalformedPlist, type PlistValue } from '../../native/tablets/plist.ts';

const inXml = (body: string): Uint8Array => Buffer.from(`<?xml version="1.0"?><plist version="1.0">${body}</plist>`);

const value: fc.Arbitrary<PlistValue> = fc.letrec<{ value: PlistValue }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 6 },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: false }),
  ),
})).value;

describe('a property list', () => {
  it('is read as it was written', () => {
    fc.assert(
      fc.property(value, (written) => {
        expect(readXmlPlist(writeXmlPlist(written))).toEqual(written);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['<dict><key>a</key><integer>-7</integer></dict>', { a: -7 }],
    ['<dict/>', {}],
    ['<array><true/><false></false><string/></array>', [true, false, '']],
    ['<string>&lt;&#65;&#x42;&amp;amp;</string>', '<AB&amp;'],
    ['<!-- a note --><data>\n\tAQID\n</data>', new Uint8Array([1, 2, 3])],
    ['<date>2026-11-22T09:24:05Z</date>', '2026-11-22T09:24:05Z'],
    ['<real>0.5</real>', 0.5],
    ['<dict><key>__proto__</key><string>x</string></dict>', Object.fromEntries([['__proto__', 'x']])],
  ])('%s is understood', (body, expected) => {
    const read = readXmlPlist(inXml(body));
    expect(JSON.stringify(read)).toEqual(JSON.stringify(expected));
  });

  it.each([
    ['<dict><key>a</key></dict>', 'a key without its value'],
    ['<dict><string>a</string></dict>', 'a value without its key'],
    ['<dict><key>a</key><true/><key>a</key><false/></dict>', 'a key twice'],
    ['<integer>99999999999999999</integer>', 'too large an integer'],
    ['<integer>0x10</integer>', 'a hexadecimal integer'],
    ['<data>A</data>', 'half a byte'],
    ['<string>&nbsp;</string>', 'an unknown entity'],
    ['<string>&</string>', 'a bare ampersand'],
    ['<string>&#0;</string>', 'a forbidden character'],
    ['<string><![CDATA[x]]></string>', 'a section of another kind'],
    ['<array><true/>', 'no end'],
    [`${'<array>'.repeat(40)}${'</array>'.repeat(40)}`, 'a pit'],
    ['<true/><true/>', 'two roots'],
    ['<script/>', 'an element of another kind'],
  ])('%s is refused: %s', (body) => {
    expect(() => readXmlPlist(inXml(body))).toThrow(MalformedPlist);
  });

  it('with a document type that defines entities is refused', () => {
    const bomb = '<!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><plist><string>&b;</string></plist>';
    expect(() => readXmlPlist(Buffer.from(bomb))).toThrow(MalformedPlist);
  });

  it('that is cut, changed or garbage is read or refused, never anything else', () => {
    const whole = writeXmlPlist({ MessageType: 'Attached', DeviceID: 7, Properties: { SerialNumber: 'A', Data: new Uint8Array(9), Deep: [[[true]]] } });
    fc.assert(
      fc.property(fc.nat(whole.length), fc.nat(whole.length), fc.uint8Array({ maxLength: 12 }), (from, to, put) => {
        readOrRefused(readXmlPlist, Buffer.concat([whole.subarray(0, from), put, whole.subarray(to)]));
      }),
      { numRuns: 1_000 },
    );
  });
});

/** Written by Python's plistlib, which is not ours. */
const PAIR_RECORD = 'YnBsaXN0MDDVAQIDBAUGBwgRElRDZXJ0Vkhvc3RJRFRMaXN0WlN5c3RlbUJVSURUV2hlbk8QKHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHhUNEYyQagJCgsMDQ4PEBABE//////////+EgABAAATAAABAAAAAAAJCCM/4AAAAAAAAF8QFGFhYWFhYWFhYWFhYWFhYWFhYWFhaADEAHIAegB0AGUAINg+3nozQchZdhqAAAAIExgfJC80X2Rtb3h9hoeIkai5AAAAAAAAAQEAAAAAAAAAEwAAAAAAAAAAAAAAAAAAAMI=';
const SMALL = 'YnBsaXN0MDDSAQIDC1FhUWSjBAUGEAEQAtIHCAkKUWJRY0N4eXphAMRUdGV4dAgNDxEVFxkeICImKQAAAAAAAAEBAAAAAAAAAAwAAAAAAAAAAAAAAAAAAAAu';

describe('a binary property list', () => {
  it('is understood as another program wrote it', () => {
    const bytes = Buffer.from(PAIR_RECORD, 'base64');
    expect(isBinaryPlist(bytes)).toBe(true);
    const read = readBinaryPlist(bytes);
    expect(read).toEqual({ HostID: '4F2A', SystemBUID: 'Ärzte 🩺', Cert: new Uint8Array(40).fill(0x78), List: [1, -2, 65_536, 2 ** 40, true, false, 0.5, 'a'.repeat(20)], When: '2026-11-22T09:24:05.000Z' });
  });

  it('that refers to itself, or doubles itself again and again, is refused', () => {
    // One array of two references to itself.
    const body = Buffer.from([0xa2, 0, 0]);
    const trailer = Buffer.alloc(32);
    trailer.writeUInt8(1, 6);
    trailer.writeUInt8(1, 7);
    trailer.writeBigUInt64BE(1n, 8);
    trailer.writeBigUInt64BE(11n, 24);
    expect(() => readBinaryPlist(Buffer.concat([Buffer.from('bplist00'), body, Buffer.from([8]), trailer]))).toThrow(MalformedPlist);
  });

  it('that is cut, changed or garbage is read or refused, never anything else', () => {
    const whole = Buffer.from(SMALL, 'base64');
    fc.assert(
      fc.property(fc.nat(whole.length), fc.uint8Array({ minLength: 1, maxLength: 6 }), fc.boolean(), (at, put, cut) => {
        readOrRefused(readBinaryPlist, cut ? whole.subarray(0, at) : Buffer.concat([whole.subarray(0, at), put, whole.subarray(at + put.length)]));
      }),
      { numRuns: 1_000 },
    );
  });
});

function readOrRefused(read: (bytes: Uint8Array) => PlistValue, bytes: Uint8Array): void {
  try {
    read(bytes);
  } catch (error) {
    if (!(error instanceof MalformedPlist)) throw error;
  }
}
