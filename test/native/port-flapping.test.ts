import { afterEach, describe, expect, it } from 'vitest';
import { usbCart } from './usb-cart.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const PORTS = new Map([
  [1, '1-1.1'],
  [4, '1-1.4'],
]);

async function cartWithHub() {
  const cart = await usbCart(PORTS, (tree) => tree.plug('1-1', { hub: true }));
  cleanUps.push(() => cart.end());
  const pass = (ms: number) => {
    cart.news();
    cart.clock.advance(ms);
  };
  const flap = (times: number) => {
    for (let time = 0; time < times; time += 1) {
      cart.tree.plug('1-1.4');
      pass(200);
      cart.tree.unplug('1-1.4');
      pass(200);
    }
  };
  const standings = () => cart.events.filter(({ event }) => event === 'adapter');
  return { ...cart, pass, flap, standings };
}

describe('a port that flaps', () => {
  it('has every change told, and the slot and the remedy named from the fourth change on', async () => {
    const { flap, events, standings } = await cartWithHub();
    flap(1);
    expect(standings()).toEqual([]);
    flap(1);
    expect(standings()).toEqual([{ event: 'adapter', state: 'working', detail: expect.stringMatching(/^slot 4: .*Swap the cable/) as string }]);
    flap(50);
    const changes = events.filter(({ event }) => event === 'slot');
    expect(changes).toHaveLength(2 * 52);
    expect(changes.map((event) => 'present' in event && event.present)).toEqual(changes.map((_, index) => index % 2 === 0));
  });

  it('is named once however long it goes on, and no longer after ten quiet seconds', async () => {
    const { flap, clock, standings } = await cartWithHub();
    flap(20);
    expect(standings()).toHaveLength(1);
    clock.advance(9_000);
    expect(standings()).toHaveLength(1);
    clock.advance(4_000);
    expect(standings().at(-1)).toEqual({ event: 'adapter', state: 'working' });
  });

  it('is not what a busy change of shift looks like: four changes in more than ten seconds', async () => {
    const { tree, pass, standings } = await cartWithHub();
    for (let time = 0; time < 4; time += 1) {
      tree.plug('1-1.4');
      pass(4_000);
      tree.unplug('1-1.4');
      pass(4_000);
    }
    expect(standings()).toEqual([]);
  });
});
