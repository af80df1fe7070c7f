import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { usbSerial } from '../../app/contract/device-host.ts';
import { parseDevices } from '../../native/tablets/adb-devices.ts';
import { shellOutput } from '../../native/tablets/adb-shell.ts';
import { serviceRequest, takeCounted, takeStatus } from '../../native/tablets/adb-wire.ts';
import { shellPacket } from '../support/adb/packets.ts';

const bytes = fc.uint8Array({ maxLength: 600 }).map((array) => Buffer.from(array));
const serial = fc.stringMatching(/^[A-Za-z0-9]{1,20}$/);

describe('the list of tablets', () => {
  it('is read as adb 29 prints it', () => {
    const printed = [
      'R52T100ABCD            device usb:1-1.4 product:gtactive5wifi model:SM_X300 device:gtactive5 transport_id:1',
      'R52T100EFGH            unauthorized usb:1-1.3.2 transport_id:2',
      'R52T100NOPE            no permissions (user root is not in the plugdev group); see [http://developer.android.com/tools/device.html] usb:1-1.6 transport_id:4',
      'R52T100BOOT            recovery usb:2-1 product:x model:y device:z transport_id:5',
      'R52T100MACS            device usb:337641472X transport_id:6',
      'R52T100BUSA            sideload usb:003:007 transport_id:7',
      '',
    ].join('\n');
    expect(parseDevices(printed)).toEqual([
      { serial: 'R52T100ABCD', state: 'device', port: '1-1.4' },
      { serial: 'R52T100EFGH', state: 'unauthorised', port: '1-1.3.2' },
      { serial: 'R52T100NOPE', state: 'no-permission', port: '1-1.6' },
      { serial: 'R52T100BOOT', state: 'offline', port: '2-1' },
      { serial: 'R52T100MACS', state: 'device' },
      { serial: 'R52T100BUSA', state: 'offline' },
    ]);
  });

  it('leaves out tablets that are on no cable', () => {
    const lines = ['192.168.1.7:5555 device product:x', 'emulator-5554 device', 'adb-R52T100ABCD-x9Yz._adb-tls-connect._tcp device', '(no serial number) device usb:1-1.4'];
    expect(parseDevices(lines.join('\n'))).toEqual([]);
  });

  it('of any bytes gives only serials that the contract takes, at most one a line', () => {
    fc.assert(
      fc.property(fc.oneof(bytes.map((raw) => raw.toString('utf8')), fc.string({ unit: 'grapheme', maxLength: 300 })), (list) => {
        const devices = parseDevices(list);
        expect(devices.length).toBeLessThanOrEqual(list.split('\n').length);
        for (const device of devices) expect(usbSerial.safeParse(device.serial).success).toBe(true);
      }),
    );
  });

  it('keeps every honest line among garbage', () => {
    const garbage = fc.string({ maxLength: 40 }).map((text) => `\u0000${text.replaceAll('\n', '')}`);
    fc.assert(
      fc.property(fc.uniqueArray(serial, { maxLength: 10 }), garbage, (serials, noise) => {
        const list = serials.flatMap((name) => [noise, `${name} device usb:1-1 transport_id:9`]).join('\n');
        expect(parseDevices(list).map((device) => device.serial)).toEqual(serials);
      }),
    );
  });
});

describe('the framing of the server', () => {
  it('counts what is asked in bytes', () => {
    expect(serviceRequest('host:transport:é').toString('latin1')).toBe(`0011${Buffer.from('host:transport:é').toString('latin1')}`);
  });

  it('takes back what was framed, however it is cut, and never more', () => {
    fc.assert(
      fc.property(bytes, bytes, fc.nat(), (body, next, cut) => {
        const framed = Buffer.concat([Buffer.from(body.length.toString(16).padStart(4, '0')), body]);
        expect(takeCounted(Buffer.concat([framed, next]))).toEqual({ found: 'part', part: body, rest: next });
        expect(takeCounted(framed.subarray(0, cut % framed.length))).toEqual({ found: 'more' });
      }),
    );
  });

  it('of any bytes takes a part, waits, or says that they are none of adb\'s', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const taken = takeCounted(raw);
        if (taken.found === 'part') expect(4 + taken.part.length + taken.rest.length).toBe(raw.length);
        expect(taken.found === 'malformed').toBe(!/^[0-9a-f]*$/i.test(raw.toString('latin1', 0, 4)));
        expect(takeStatus(raw).found === 'malformed').toBe(!['OKAY', 'FAIL'].some((status) => status.startsWith(raw.toString('latin1', 0, 4))));
      }),
    );
  });
});

describe('the second shell protocol', () => {
  it('joins what was printed, leaves out what went to standard error, and gives the exit code', () => {
    const part = fc.record({ id: fc.constantFrom('stdout' as const, 'stderr' as const), data: bytes });
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), fc.integer({ min: 0, max: 255 }), (parts, exit) => {
        const whole = Buffer.concat([...parts.map(({ id, data }) => shellPacket(id, data)), shellPacket('exit', Buffer.from([exit]))]);
        const output = Buffer.concat(parts.filter(({ id }) => id === 'stdout').map(({ data }) => data));
        expect(shellOutput(whole)).toEqual({ ok: true, value: { output, exit } });
      }),
    );
  });

  it('is malformed wherever it is cut off, and with anything behind it', () => {
    const whole = Buffer.concat([shellPacket('stdout', Buffer.from('one')), shellPacket('stderr', Buffer.from('two')), shellPacket('exit', Buffer.from([0]))]);
    for (let cut = 0; cut < whole.length; cut += 1) expect(shellOutput(whole.subarray(0, cut))).toEqual({ ok: false, reason: 'malformed' });
    expect(shellOutput(Buffer.concat([whole, Buffer.from([0])]))).toEqual({ ok: false, reason: 'malformed' });
  });

  it('of any bytes never gives more than there were', () => {
    fc.assert(
      fc.property(bytes, (raw) => {
        const answer = shellOutput(raw);
        if (answer.ok) expect(answer.value.output.length).toBeLessThan(raw.length);
      }),
    );
  });
});
