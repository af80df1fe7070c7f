import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect } from 'vitest';
import { hostEvent, type HostEvent } from '../../app/contract/device-host.ts';
import { insidePcscTestbed } from '../support/pcsc/inside-suite.ts';
import { pcscdPid } from '../support/pcsc/pcscd.ts';
import { slotOf } from '../support/pcsc/testbed.ts';
import { insertCard } from '../support/pcsc/virtual-card.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function startDeviceHost() {
  const child = fork(fileURLToPath(new URL('../../app/entrypoints/device-host.ts', import.meta.url)), {
    env: { ...process.env, DOCKWARD_HOST_CONFIG: JSON.stringify({ readers: 'pcsc', slots: 'none' }), NODE_OPTIONS: '' },
    execArgv: [],
  });
  cleanUps.push(async () => child.kill('SIGKILL'));
  const events: HostEvent[] = [];
  child.on('message', (message) => events.push(hostEvent.parse(message)));
  return { child, events };
}

insidePcscTestbed('the device host process on real pcscd', import.meta.filename, 2, {
  'a pcscd that hangs is named, and the device host stays alive and heals': async (testbed) => {
    const pid = pcscdPid(testbed);
    process.kill(pid, 'SIGSTOP');
    cleanUps.push(async () => process.kill(pid, 'SIGCONT'));
    const { events } = startDeviceHost();
    const named = await waitFor('the hang to be named', () => events.find((event) => event.event === 'adapter' && event.detail?.includes('does not answer') === true));
    await waitFor('a heartbeat after it', () => events.some((event) => event.event === 'heartbeat' && event.monoMs > named.monoMs));
    process.kill(pid, 'SIGCONT');
    await waitFor('every reader', () => events.filter((event) => event.event === 'reader').length === testbed.readers.length);
  },

  'the real device host taps over its IPC channel, and ends with its parent even while a mute card holds the reader': async (testbed) => {
    const { child, events } = startDeviceHost();
    const ended = once(child, 'exit');
    await waitFor('every reader', () => events.filter((event) => event.event === 'reader').length === testbed.readers.length);
    await insertCard(slotOf(testbed, 2).port, { uid: '04DE0001' });
    await waitFor('the tap', () => events.some((event) => event.event === 'tap' && event.uid === '04DE0001'));
    await (await insertCard(slotOf(testbed, 0).port, { mute: true })).asked;
    child.disconnect();
    await ended;
    expect(events[0]).toMatchObject({ event: 'hello', pid: child.pid });
    expect(events[1]).toMatchObject({ event: 'slots', slots: [] });
  },
});
