import { describe, expect, it } from 'vitest';
import { systemClock } from '../../native/clock.ts';
import { writeXmlPlist } from '../../native/tablets/plist-xml.ts';
import { lockdownFrame, muxFrame } from '../support/apple/frames.ts';
import { appleWard, BATTERY, tablet, trust } from '../support/apple/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { heldClock } from './held-clock.ts';

const [FIRST, SECOND] = ['000081010000000000000001', '000081010000000000000002'];
const attached = (properties: Record<string, string | number>) => ({ MessageType: 'Attached', DeviceID: 77, Properties: { ConnectionType: 'USB', DeviceID: 77, ...properties } });

/** The header of a message that is never sent whole. */
function headerOf(length: number, version = 1, kind = 8): Buffer {
  const header = Buffer.alloc(16);
  [length, version, kind, 0].forEach((word, index) => header.writeUInt32LE(word, index * 4));
  return header;
}

describe('usbmuxd lying', () => {
  it('about tablets that cannot be is not believed, is said, and costs the others nothing', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, told, latest, events } = ward;
    await waitFor('the start', () => events.length === 1);
    for (const udid of ['', '../../etc/passwd', 'x'.repeat(65), 'ÄÖÜÄÖÜÄÖÜ']) usbmuxd.tell(attached({ SerialNumber: udid }));
    usbmuxd.tell(attached({ SerialNumber: FIRST, DeviceID: -1 }));
    usbmuxd.tell({ MessageType: 'Attached', DeviceID: 5 });
    usbmuxd.tell({ MessageType: 'Detached', DeviceID: 4_000 });
    usbmuxd.tell({ MessageType: 'Paired', DeviceID: 4_000 });
    usbmuxd.tell({ MessageType: 'Gossip' });
    usbmuxd.tell(attached({ SerialNumber: FIRST, ConnectionType: 'Network' }));
    const honest = tablet(SECOND);
    await trust(usbmuxd, honest);
    usbmuxd.plug(honest);
    await waitFor('the honest one', () => latest(SECOND)?.standing === 'read');
    expect(told()).toEqual([`${SECOND} read`]);
    expect(events.filter((event) => event.event === 'adapter').at(-1)).toMatchObject({ state: 'working', detail: expect.stringContaining('ignored') as string });
  });

  it('about a hundred more tablets than a cart holds is believed up to 99', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, told, events } = ward;
    await waitFor('the start', () => events.length === 1);
    for (let number = 100; number < 300; number += 1) usbmuxd.tell(attached({ SerialNumber: `000081010000000000000${number}`, DeviceID: number }));
    await waitFor('all of them', () => told().length >= 99);
    usbmuxd.tell({ MessageType: 'Detached', DeviceID: 299 });
    usbmuxd.tell({ MessageType: 'Detached', DeviceID: 100 });
    await waitFor('the first one leaving', () => told().some((line) => line.endsWith('gone')));
    expect(new Set(told().map((line) => line.split(' ')[0])).size).toBe(99);
  });

  it.each([
    ['a length without end', headerOf(0xffff_ffff)],
    ['a length of less than nothing', headerOf(3)],
    ['another version of the protocol', headerOf(64, 0)],
    ['another kind of message', headerOf(64, 1, 3)],
    ['garbage in a right frame', Buffer.concat([headerOf(20), Buffer.from('oops')])],
    ['a list where a dictionary is due', Buffer.concat([headerOf(16 + writeXmlPlist([]).length), writeXmlPlist([])])],
  ])('by %s is cut off and asked anew', async (_, bytes) => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, states, events } = ward;
    await waitFor('the start', () => states().at(-1) === 'working');
    usbmuxd.tell(bytes);
    await waitFor('the new start', () => states().length === 3);
    expect(states()).toEqual(['working', 'failing', 'working']);
    expect(events[1]).toMatchObject({ detail: expect.stringContaining('something else, or broken') as string });
  });

  it('by passing on one tablet as another tells no fact of either under the wrong name', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest } = ward;
    const [shown, hidden] = [tablet(FIRST), tablet(SECOND)];
    await trust(usbmuxd, shown);
    await trust(usbmuxd, hidden);
    shown.values[''] = { ...shown.values[''], UniqueDeviceID: SECOND };
    usbmuxd.plug(shown);
    await waitFor('its standing', () => latest(FIRST));
    expect(latest(FIRST)).toMatchObject({ standing: 'unreadable', facts: {} });
  });

  it('or a tablet lying about a value: what cannot be is left out, the rest is told', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest } = ward;
    const odd = tablet(FIRST);
    await trust(usbmuxd, odd);
    odd.values[BATTERY] = { BatteryCurrentCapacity: 400, BatteryIsCharging: 'yes' };
    odd.values[''] = { ...odd.values[''], BuildVersion: 'x'.repeat(5_000) };
    usbmuxd.plug(odd);
    await waitFor('its facts', () => latest(FIRST));
    expect(latest(FIRST)).toMatchObject({ standing: 'read', facts: { manufacturer: 'Apple', model: 'iPad13,18', osVersion: '17.6.1', activation: 'Activated', provisioned: true } });
    expect(latest(FIRST)?.facts).not.toHaveProperty('build');
    expect(latest(FIRST)?.facts).not.toHaveProperty('batteryPercent');
    expect(latest(FIRST)?.facts).not.toHaveProperty('charging');
  });

  it.each([
    ['another question than was asked', 'GetValue', lockdownFrame({ Request: 'GetValue', Key: 'Elsewhere', Value: 'x' })],
    ['garbage', 'GetValue', Buffer.from([0, 0, 0, 4, 1, 2, 3, 4])],
    ['four gigabytes', 'QueryType', Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ['a service that it is not', 'QueryType', lockdownFrame({ Request: 'QueryType', Type: 'com.apple.afc' })],
    ['a session in the clear', 'StartSession', lockdownFrame({ Request: 'StartSession', SessionID: '1', EnableSessionSSL: false })],
    ['more than was asked before TLS', 'StartSession', Buffer.concat([lockdownFrame({ Request: 'StartSession', SessionID: '1', EnableSessionSSL: true }), muxFrame(0, {})])],
  ])('or a tablet that answers with %s is unreadable', async (_, request, answer) => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest } = ward;
    const liar = tablet(FIRST);
    await trust(usbmuxd, liar);
    liar.lie = (asked) => (asked['Request'] === request ? answer : undefined);
    usbmuxd.plug(liar);
    await waitFor('its standing', () => latest(FIRST));
    expect(latest(FIRST)).toMatchObject({ standing: 'unreadable', facts: {} });
    await waitFor('its connection to be let go', () => usbmuxd.connections() === 1);
  });

  it('or a tablet that says TLS and then nothing is given up after five seconds', async () => {
    const clock = heldClock();
    await using ward = await appleWard(clock);
    const { usbmuxd, latest } = ward;
    const liar = tablet(FIRST);
    await trust(usbmuxd, liar);
    liar.lie = (asked) => (asked['Request'] === 'StartSession' ? lockdownFrame({ Request: 'StartSession', SessionID: '1', EnableSessionSSL: true }) : undefined);
    usbmuxd.plug(liar);
    await waitFor('the lie', () => liar.asked.at(-1) === 'StartSession');
    clock.advance(5_000);
    await waitFor('its standing', () => latest(FIRST)?.standing === 'unreadable');
    await waitFor('its connection to be let go', () => usbmuxd.connections() === 1);
  });
});
