import { afterEach, describe, expect, it } from 'vitest';
import { waitFor } from '../support/pcsc/wait-for.ts';
import { hubCart, UNIT } from './hub-cart.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
async function cart(options?: Parameters<typeof hubCart>[0]) {
  const made = await hubCart(options);
  cleanUps.push(() => made.end());
  return made;
}

describe('a Cambrionix hub', () => {
  it('tells what each mapped port measures, and nothing of the others', async () => {
    const { api, until, readings, events } = await cart();
    Object.assign(api.port(UNIT, 3), { attached: true, currentMilliamps: 1_084, energyWh: 3.4, battery: 78 });
    await until('working');
    await waitFor('the reading', () => readings(1).some(({ milliamps }) => milliamps === 1_084));
    expect(readings(1).at(-1)).toEqual({ milliamps: 1_084, milliwattHours: 3_400, celsius: 37, batteryPercent: 78, power: 'sync' });
    expect(readings(2)).toEqual([{ milliamps: 0, milliwattHours: 0, celsius: 37, power: 'sync' }]);
    expect(events.filter((event) => event.event === 'port' && event.slot > 2)).toEqual([]);
  });

  it('asks for every notification on each connection, and looks at once when one comes', async () => {
    const { api, until, readings } = await cart();
    await until('working');
    expect(api.calls.filter(({ method }) => method === 'cbrx_notifications').map(({ params }) => params)).toEqual([['discover-changed'], ['dead-hub-changed'], ['usb-changed'], ['over-temperature'], ['over-voltage'], ['under-voltage']]);
    Object.assign(api.unit(UNIT), { temperatureFlags: 'OT', celsius: 71 });
    expect(api.notify('over-temperature')).toBe(1);
    await waitFor('the fault', () => readings(1).some(({ fault }) => fault === 'hub: over-temperature'));
    expect(readings(1).at(-1)).toMatchObject({ celsius: 71, fault: 'hub: over-temperature' });
  });

  it('tells a broken port as broken, and a small change of current not at all', async () => {
    const { api, until, readings } = await cart();
    await until('working');
    await waitFor('the first reading', () => readings(1).length === 1);
    api.port(UNIT, 3).currentMilliamps = 60;
    api.port(UNIT, 4).flags = 'e';
    await waitFor('the fault', () => readings(2).some(({ fault }) => fault !== undefined));
    expect(readings(2).at(-1)).toMatchObject({ fault: 'the hub says that this port is broken' });
    expect(readings(1)).toHaveLength(1);
  });

  it('switches ports off and on again, and tells it', async () => {
    const { api, until, power, readings } = await cart();
    await until('working');
    expect(await power(1, false)).toEqual({ ok: true });
    expect(api.port(UNIT, 3).mode).toBe('o');
    await waitFor('off', () => readings(1).at(-1)?.power === 'off');
    expect(await power(1, true)).toEqual({ ok: true });
    expect(api.port(UNIT, 3).mode).toBe('s');
    await waitFor('on', () => readings(1).at(-1)?.power === 'sync');
  });

  it('of the kind without sync mode is switched on to charge', async () => {
    const { api, until, power } = await cart({ sync: false });
    await until('working');
    expect(await power(2, false)).toEqual({ ok: true });
    expect(await power(2, true)).toEqual({ ok: true });
    expect(api.port(UNIT, 4).mode).toBe('c');
  });

  it('shows lights in patterns that differ, and gets its lamps back at the end', async () => {
    const { api, until, light, hub } = await cart();
    await until('working');
    const shown: number[] = [];
    for (const name of ['take', 'put-back', 'attention', 'off'] as const) {
      expect(await light(1, name)).toEqual({ ok: true });
      shown.push(api.port(UNIT, 3).leds);
    }
    expect(shown).toEqual([0x0000ff, 0x00f000, 0xfc0000, 0]);
    expect(api.unit(UNIT).remoteControl).toBe(true);
    await hub.stop();
    expect(api.unit(UNIT).remoteControl).toBe(false);
  });

  it('without lamps refuses lights as that, and does not take remote control', async () => {
    const { api, until, light } = await cart({ lights: false });
    await until('working');
    expect(await light(1, 'take')).toEqual({ ok: false, reason: 'no-light' });
    expect(api.unit(UNIT).remoteControl).toBe(false);
  });

  it('refuses a slot that is not of it', async () => {
    const { until, power } = await cart();
    await until('working');
    expect(await power(9, false)).toEqual({ ok: false, reason: 'no-slot' });
  });

  it('is understood whether messages come with line ends, without, or byte by byte', async () => {
    const { api, until, readings, power } = await cart();
    await until('working');
    api.faults.separator = '\n';
    expect(await power(1, false)).toEqual({ ok: true });
    api.faults.torn = true;
    expect(await power(1, true)).toEqual({ ok: true });
    api.port(UNIT, 3).battery = 55;
    await waitFor('a torn reading', () => readings(1).at(-1)?.batteryPercent === 55);
    expect(api.connections()).toBe(1);
  });
});
