import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../native/clock.ts';
import { appleWard, tablet } from '../support/apple/ward.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const UDID = '00008101-000A1D2E3C04001E';
const SERIAL = '00008101000A1D2E3C04001E';
const OLD_UDID = 'a1b2c3d4e5f60718293a4b5c6d7e8f9001122334';
const run = promisify(execFile);

const reason = ['idevice_id', 'ideviceinfo', 'idevicepair'].some((program) => spawnSync(program, ['--version']).error !== undefined) ? 'libimobiledevice-utils is not installed' : undefined;
const name = 'the real libimobiledevice tools and our adapter see the same tablets, pair them, and read the same facts';

describe('Apple tablets', () => {
  it.skipIf(reason !== undefined)(reason === undefined ? name : `${name} (skipped: ${reason})`, async () => {
    await using ward = await appleWard(systemClock);
    const { usbmuxd, latest, told } = ward;
    const tool = async (program: string, ...given: string[]): Promise<string> => {
      const ran = await run(program, given, { env: { ...process.env, USBMUXD_SOCKET_ADDRESS: `UNIX:${usbmuxd.path}` }, timeout: 10_000 });
      return ran.stdout.trim();
    };
    const [ours, other] = [tablet(UDID), tablet(OLD_UDID)];
    usbmuxd.plug(ours);
    usbmuxd.plug(other);
    await waitFor('both to be told', () => latest(SERIAL) !== undefined && latest(OLD_UDID) !== undefined);
    expect((await tool('idevice_id', '-l')).split('\n').map((line) => line.split(' ')[0]).sort()).toEqual([UDID, OLD_UDID].sort());
    expect(told().sort()).toEqual([`${SERIAL} unauthorised`, `${OLD_UDID} unauthorised`].sort());

    expect(await tool('idevicepair', '-u', UDID, 'pair')).toContain('SUCCESS');
    expect(await tool('idevicepair', '-u', UDID, 'validate')).toContain('SUCCESS');
    const info = async (...given: string[]) => tool('ideviceinfo', '-u', UDID, ...given);
    const theirs = {
      model: await info('-k', 'ProductType'),
      osVersion: await info('-k', 'ProductVersion'),
      build: await info('-k', 'BuildVersion'),
      activation: await info('-k', 'ActivationState'),
      batteryPercent: Number(await info('-q', 'com.apple.mobile.battery', '-k', 'BatteryCurrentCapacity')),
      charging: (await info('-q', 'com.apple.mobile.battery', '-k', 'BatteryIsCharging')) === 'true',
      provisioned: (await info('-q', 'com.apple.purplebuddy', '-k', 'SetupDone')) === 'true',
    };
    // Pairing is what made it ask again.
    await waitFor('the facts', () => latest(SERIAL)?.standing === 'read');
    expect(latest(SERIAL)).toEqual({ event: 'tablet', serial: SERIAL, source: 'lockdown', standing: 'read', readMonoMs: expect.any(Number) as number, facts: { manufacturer: 'Apple', ...theirs } });
    expect(theirs).toEqual({ model: 'iPad13,18', osVersion: '17.6.1', build: '21G93', activation: 'Activated', batteryPercent: 78, charging: true, provisioned: true });
    expect(latest(OLD_UDID)?.standing).toBe('unauthorised');

    usbmuxd.unplug(UDID);
    await waitFor('its leaving', () => latest(SERIAL)?.standing === 'gone');
    expect((await tool('idevice_id', '-l')).split(' ')[0]).toBe(OLD_UDID);
    expect(JSON.stringify(ward.events)).not.toContain('Maria');
  });
});
