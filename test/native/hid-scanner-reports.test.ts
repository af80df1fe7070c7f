import { EventEmitter } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assetLabel, hostMessage } from '../../app/contract/device-host.ts';
import { inMemoryPair } from '../../app/transport/in-memory.ts';
import type { ReaderEvent } from '../../native/adapters.ts';
import { createDeviceHost } from '../../native/host.ts';
import { labelReader } from '../../native/readers/hid/hid-pos-report.ts';
import { hidScanners } from '../../native/readers/hid/hid-scanners.ts';
import type { HidDevice } from '../../native/readers/hid/node-hid-module.ts';
import { scanReport, scanReports } from '../support/hid/scan-report.ts';
import { heldClock } from './held-clock.ts';

/** Bytes that were printed by others: manual of Access-IS LSR118, B.1.1 (first report), and a Honeywell Voyager 1602g that was asked for its name. */
const ACCESS_IS = Buffer.from([2, 56, 0x5d, 0x51, 0x30, ...Buffer.from('M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  '), 0x31, 0x73, 0, 1]);
const HONEYWELL_LAST = Buffer.concat([Buffer.from([2, 9, 93, 88, 48, 117, 109, 58, 32, 78, 47, 65, 13, 10]), Buffer.alloc(47), Buffer.from([63, 0, 0])]);

describe('the reports of a label scanner', () => {
  it('as its makers send them: a whole code, the last part of one, and the first', () => {
    expect(labelReader()(HONEYWELL_LAST)).toEqual([{ ok: true, label: 'um: N/A' }]);
    expect(ACCESS_IS.length).toBe(64);
    const read = labelReader();
    expect(read(ACCESS_IS)).toEqual([]);
    expect(read(scanReport('0'))).toEqual([{ ok: true, label: 'M1GATHERGOOD/MICHAEL YABCDEF LHRDURAK 3542 052Y003D23  10' }]);
  });

  it('tell a label, one spread over two reports, and two that came in one read', () => {
    const read = labelReader();
    expect(read(scanReport('CART-4-TAB-17\r'))).toEqual([{ ok: true, label: 'CART-4-TAB-17' }]);
    const [first, second, ...none] = scanReports(`${'A'.repeat(56)}END`);
    expect(none).toEqual([]);
    expect(read(first ?? Buffer.alloc(0))).toEqual([]);
    expect(read(second ?? Buffer.alloc(0))).toEqual([{ ok: true, label: `${'A'.repeat(56)}END` }]);
    expect(read(Buffer.concat([scanReport('ONE'), scanReport('TWO')]))).toEqual([{ ok: true, label: 'ONE' }, { ok: true, label: 'TWO' }]);
  });

  it.each([
    ['another report', Buffer.concat([Buffer.from([4]), scanReport('X').subarray(1)]), 'protocol'],
    ['half a report', scanReport('X').subarray(0, 20), 'protocol'],
    ['a length of more than it holds', Buffer.concat([Buffer.from([2, 57]), scanReport('X').subarray(2)]), 'protocol'],
    ['no identifier of a bar code', scanReport('X', { aim: 'd1]' }), 'protocol'],
    ['control characters', scanReport('A\x1bB'), 'not-text'],
  ])('that are %s are not believed, and the next label is whole', (_, report, cause) => {
    const read = labelReader();
    read(scanReport('BEGUN', { continued: true }));
    expect(read(report)).toEqual([{ ok: false, cause }]);
    expect(read(scanReport('NEXT'))).toEqual([{ ok: true, label: 'NEXT' }]);
  });

  it('hold a label of 64 characters, and none of 65, 0, or spaces alone', () => {
    const read = labelReader();
    const scans = [64, 65].map((length) => scanReports('L'.repeat(length)).flatMap((report) => read(report)));
    expect(scans).toEqual([[{ ok: true, label: 'L'.repeat(64) }], [{ ok: false, cause: 'too-long' }]]);
    expect([read(scanReport('')), read(scanReport('  \r\n')), read(scanReport('  A 1 \r\n'))]).toEqual([[{ ok: false, cause: 'not-text' }], [{ ok: false, cause: 'not-text' }], [{ ok: true, label: 'A 1' }]]);
  });

  it('that never come to an end are bounded, and the next label is whole', () => {
    const read = labelReader();
    for (let report = 0; report < 1_000; report += 1) expect(read(scanReport('B'.repeat(56), { continued: true }))).toEqual([]);
    expect(read(scanReport('B'))).toEqual([{ ok: false, cause: 'too-long' }]);
    expect(read(scanReport('NEXT'))).toEqual([{ ok: true, label: 'NEXT' }]);
  });

  it('give nothing that the station would not take, whatever they are', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 56 }), fc.boolean()), { maxLength: 4 }), fc.uint8Array({ maxLength: 130 }), (codes, noise) => {
        const read = labelReader();
        const reports = codes.map(([data, continued]) => scanReport(Buffer.from(data).toString('latin1'), { continued }));
        for (const scan of [...reports, noise].flatMap((bytes) => read(bytes))) if (scan.ok) expect(assetLabel.safeParse(scan.label).success).toBe(true);
      }),
    );
  });
});

/** The adapter on one scanner that sends what the test says. */
function scanner() {
  const clock = heldClock();
  const device: HidDevice = Object.assign(new EventEmitter(), { sendFeatureReport: async () => 0, getFeatureReport: async () => Buffer.alloc(0), close: async () => {} });
  const hid = { devicesAsync: async () => [{ vendorId: 0x0c2e, path: 'p', product: 'Voyager', usagePage: 0x8c, usage: 2 }], HIDAsync: { open: async () => device } };
  return { clock, device, adapter: hidScanners({ clock, load: () => ({ found: true, hid }) }) };
}

describe('a scanner', () => {
  it('on the device host tells the station its labels, with the time, and is no badge reader', async () => {
    const { clock, device, adapter } = scanner();
    const [near, far] = inMemoryPair();
    const sent: unknown[] = [];
    far.onMessage((message) => sent.push(hostMessage.parse(message)));
    const host = createDeviceHost({ transport: near, readers: [adapter], clock, version: '0' });
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(7);
    device.emit('data', scanReport('TAB-17'));
    await new Promise((resolve) => setImmediate(resolve));
    await host.stop();
    expect(sent.slice(2)).toEqual([
      { event: 'adapter', monoMs: 0, name: 'scanner', state: 'working' },
      { event: 'label', monoMs: 7, scanner: 'Voyager p', label: 'TAB-17' },
    ]);
  });

  it('that stops in the middle of a code has its half dropped and said after half a second, and the next label is whole', async () => {
    const { clock, device, adapter } = scanner();
    const events: ReaderEvent[] = [];
    const running = adapter.start((event) => events.push(event));
    await new Promise((resolve) => setImmediate(resolve));
    device.emit('data', scanReport('PATIENT-', { continued: true }));
    clock.advance(499);
    expect(events).toEqual([{ event: 'adapter', state: 'working' }]);
    clock.advance(1);
    expect(events.at(-1)).toEqual({ event: 'adapter', state: 'working', detail: expect.stringContaining('did not send its end') as string });
    device.emit('data', scanReport('TAB-17'));
    await running.stop();
    expect(events.slice(2)).toEqual([{ event: 'adapter', state: 'working' }, { event: 'label', scanner: 'Voyager p', label: 'TAB-17' }]);
  });
});
