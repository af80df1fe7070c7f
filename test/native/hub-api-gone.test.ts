import { createServer, type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import type { HubEvent } from '../../native/adapters.ts';
import { cambrionixHub } from '../../native/hub/cambrionix.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { hubCart, hurriedClock, SLOTS, UNIT } from './hub-cart.ts';

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
async function cart() {
  const made = await hubCart();
  cleanUps.push(() => made.end());
  await made.until('working');
  return made;
}

describe('the Hub API', () => {
  it('that was never there is absent, with what to install', async () => {
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as AddressInfo;
    await new Promise((resolve) => free.close(resolve));
    const events: HubEvent[] = [];
    const hub = cambrionixHub({ clock: hurriedClock, slots: SLOTS, port }).start((event) => events.push(event));
    cleanUps.push(() => hub.stop());
    await waitFor('the first word', () => events.length > 0);
    expect(events).toEqual([{ event: 'adapter', state: 'absent', detail: expect.stringContaining('install the Cambrionix Hub API') as string }]);
    expect(await hub.command({ command: 'port-power', slot: 1, on: false })).toEqual({ ok: false, reason: 'adapter-failing' });
  });

  it('that goes is told, refuses commands at once, and is used again when it is back, notifications and lights included', async () => {
    const { api, until, power, light } = await cart();
    await light(1, 'take');
    await api.halt();
    await until('failing', 'is lost');
    expect(await power(1, false)).toEqual({ ok: false, reason: 'adapter-failing' });
    Object.assign(api.unit(UNIT), { remoteControl: false });
    api.port(UNIT, 3).leds = 0;
    await api.resume();
    await until('working');
    expect(await power(1, false)).toEqual({ ok: true });
    expect(api.port(UNIT, 3).leds).toBe(0xff);
    expect(api.notify('discover-changed')).toBe(1);
  });

  it('that falls silent has its commands refused, and is used again when it speaks', async () => {
    const { api, until, power } = await cart();
    api.faults.mute = true;
    expect(await power(1, false)).toEqual({ ok: false, reason: 'adapter-failing' });
    await until('failing', 'did not answer');
    api.faults.mute = false;
    await until('working');
    expect(await power(1, false)).toEqual({ ok: true });
  });

  it.each([
    ['that talks no JSON', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'it sent something that is no JSON object'],
    ['that breaks its JSON', '{"jsonrpc":"2.0","id":nonsense}', 'it sent broken JSON'],
    ['that speaks JSON of another kind', '{"hello":"world"}', 'it says what is no JSON-RPC'],
    ['that sends a message without end', `{"padding":"${'x'.repeat(1_100_000)}`, 'it sent a message of more than 1000000 bytes'],
  ])('%s is dropped and asked anew', async (_, bytes, why) => {
    const { api, until } = await cart();
    api.say(bytes);
    await until('failing', why);
    await until('working');
  });

  it('that answers calls nobody made is as good as silent', async () => {
    const { api, until, power } = await cart();
    api.faults.wrongIds = true;
    expect(await power(1, false)).toEqual({ ok: false, reason: 'adapter-failing' });
    await until('failing');
    api.faults.wrongIds = false;
    await until('working');
  });

  it.each([['text', 'no ports today'], ['ports of nonsense', { 'Port.3': { Port: 'three' }, 'Port.4': 7 }], ['numbers beyond reason', { 'Port.3': { Port: 3, Current_mA: -5, Energy_Wh: 'much', Flags: 9, Battery: { CurrentLevel: 400 } } }]])(
    'that tells %s of its ports never has it passed on',
    async (_, nonsense) => {
      const { api, until, events, readings } = await cart();
      api.unit(UNIT).temperatureFlags = 'OT';
      api.faults.portsInfo = nonsense;
      const looks = () => api.calls.filter(({ params }) => params[1] === 'PortsInfo').length;
      const before = looks();
      await waitFor('two more looks', () => looks() >= before + 2);
      expect(readings(1).every((reading) => (reading.milliamps ?? 0) >= 0 && (reading.batteryPercent ?? 0) <= 100)).toBe(true);
      api.faults.portsInfo = undefined;
      await until('working');
      await waitFor('readings again', () => readings(1).some(({ fault }) => fault === 'hub: over-temperature'));
      expect(events.filter(({ event }) => event === 'adapter').length).toBeLessThanOrEqual(4);
    },
  );
});

describe('a hub of the Hub API', () => {
  it('that is unplugged is named as missing, and found again', async () => {
    const { api, until, power } = await cart();
    api.unit(UNIT).plugged = false;
    api.notify('discover-changed');
    await until('failing', `hub ${UNIT} is not seen`);
    expect(await power(1, false)).toEqual({ ok: false, reason: 'adapter-failing' });
    api.unit(UNIT).plugged = true;
    await until('working');
    expect(await power(1, false)).toEqual({ ok: true });
  });

  it('whose handle has expired carries out the next command all the same', async () => {
    const { api, power, events } = await cart();
    api.expireHandles();
    expect(await power(1, false)).toEqual({ ok: true });
    expect(api.port(UNIT, 3).mode).toBe('o');
    expect(events.filter(({ event }) => event === 'adapter')).toHaveLength(1);
  });
});
