import { describe, expect, it } from 'vitest';
import { heldClock } from './held-clock.ts';
import { systemClock } from '../../native/clock.ts';
import { appleWard, tablet, trust } from '../support/apple/ward.ts';
import { makeDeviceKey, pairWith } from '../support/apple/pairing.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const UDID = '00008101-000A1D2E3C04001E';
const SERIAL = '00008101000A1D2E3C04001E';

describe('an Apple tablet that was never paired', () => {
  it('is unauthorised, tells no fact, is not even connected to, and is never paired by us', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest } = ward;
    const stranger = tablet(UDID);
    const asked: unknown[] = [];
    usbmuxd.lie = (message) => {
      asked.push(message['MessageType']);
      return undefined;
    };
    usbmuxd.plug(stranger);
    await waitFor('its standing', () => latest(SERIAL));
    expect(latest(SERIAL)).toMatchObject({ standing: 'unauthorised', facts: {} });
    expect(stranger.asked).toEqual([]);
    expect(new Set(asked)).toEqual(new Set(['Listen', 'ReadPairRecord']));
  });

  it('is read as soon as a person trusts this computer', async () => {
    // Time stands still: nothing but the news of the pairing can make it ask again.
    await using ward = await appleWard(heldClock());
    const { usbmuxd, latest, told } = ward;
    const trusted = tablet(UDID);
    usbmuxd.plug(trusted);
    await waitFor('its standing', () => latest(SERIAL)?.standing === 'unauthorised');
    await trust(usbmuxd, trusted);
    usbmuxd.tell({ MessageType: 'Paired', DeviceID: 1 });
    await waitFor('its facts', () => latest(SERIAL)?.standing === 'read');
    expect(told()).toEqual([`${SERIAL} unauthorised`, `${SERIAL} read`]);
  });

  it('any more, because it was erased, is unauthorised although a pair record is kept', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest } = ward;
    const erased = tablet(UDID);
    await trust(usbmuxd, erased);
    erased.pairing = undefined;
    usbmuxd.plug(erased);
    await waitFor('its standing', () => latest(SERIAL));
    expect(latest(SERIAL)).toMatchObject({ standing: 'unauthorised', facts: {} });
    expect(erased.asked).toEqual(['QueryType', 'StartSession']);
  });

  it('with this computer but with another key is not taken for the paired one', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest } = ward;
    const impostor = tablet(UDID);
    await trust(usbmuxd, impostor);
    const otherKey = makeDeviceKey();
    const { pairing } = await pairWith(otherKey);
    if (impostor.pairing === undefined) throw new Error('it was trusted');
    // It knows who the computer is and lets it in, and shows a certificate for a key of its own.
    const pretending = { ...impostor, key: otherKey, pairing: { ...impostor.pairing, deviceCertificate: pairing.deviceCertificate } };
    usbmuxd.plug(pretending);
    await waitFor('its standing', () => latest(SERIAL));
    expect(latest(SERIAL)).toMatchObject({ standing: 'unreadable', facts: {} });
    expect(pretending.asked).toEqual(['QueryType', 'StartSession']);
  });

  it('properly, whose record is damaged, is unauthorised', async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest } = ward;
    const damaged = tablet(UDID);
    await trust(usbmuxd, damaged);
    const whole = usbmuxd.records.get(UDID) ?? Buffer.alloc(0);
    for (const record of [whole.subarray(0, whole.length / 2), Buffer.from('bplist00garbage'), Buffer.from(whole.toString().replace(/(<key>HostPrivateKey<\/key><data>).*?(<\/data>)/, '$1AAAA$2'))]) {
      usbmuxd.records.set(UDID, record);
      usbmuxd.plug(damaged);
      await waitFor('its standing', () => latest(SERIAL)?.standing === 'unauthorised');
      usbmuxd.unplug(UDID);
      await waitFor('its going', () => latest(SERIAL)?.standing === 'gone');
    }
    expect(damaged.asked).toEqual([]);
  });
});
