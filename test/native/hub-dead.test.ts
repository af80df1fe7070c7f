import { afterEach, describe, expect, it } from 'vitest';
import type { UsbTree } from '../support/usb/usb-tree.ts';
import { usbCart } from './usb-cart.ts';

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** Two hubs, the second one on a port of the first; a tablet in every slot. */
const CASCADE = new Map([
  [1, '1-1.1'],
  [2, '1-1.2'],
  [3, '1-1.4.1'],
  [4, '1-1.4.2'],
]);
const dockAll = (tree: UsbTree) => {
  for (const port of CASCADE.values()) tree.plug(port);
};

async function cascade() {
  const cart = await usbCart(CASCADE, dockAll);
  cleanUps.push(() => cart.end());
  return cart;
}
const gone = (slot: number) => ({ event: 'slot', slot, present: false });
const come = (slot: number) => ({ event: 'slot', slot, present: true });

describe('a hub that dies', () => {
  it('is told before the slots it takes, and only it and they are', async () => {
    const { tree, news, told, clock } = await cascade();
    tree.unplug('1-1.4');
    news();
    clock.advance(40);
    expect(told()).toEqual([{ event: 'hub', hub: '1-1.4', state: 'gone', slots: [3, 4] }, gone(3), gone(4)]);
  });

  it('that takes a second hub with it is told once, as the upper one, also when the kernel takes the lower away first', async () => {
    const { tree, news, told, clock } = await cascade();
    for (const port of ['1-1.1', '1-1.2', '1-1.4.1', '1-1.4.2', '1-1.4']) {
      tree.unplug(port);
      news();
    }
    expect(told()).toEqual([]);
    tree.unplug('1-1');
    news();
    clock.advance(100);
    expect(told()).toEqual([{ event: 'hub', hub: '1-1', state: 'gone', slots: [1, 2, 3, 4] }, gone(1), gone(2), gone(3), gone(4)]);
  });

  it('so slowly that its tablets leave one by one holds none of them back for more than a quarter of a second', async () => {
    const ports = new Map(Array.from({ length: 40 }, (_, index) => [index + 1, `1-1.${index + 1}`]));
    const { tree, news, told, clock, end } = await usbCart(ports, (bus) => {
      for (const port of ports.values()) bus.plug(port);
    });
    cleanUps.push(end);
    const leave = (slot: number) => {
      tree.unplug(`1-1.${slot}`);
      news();
      clock.advance(2);
    };
    for (let slot = 1; slot <= 34; slot += 1) leave(slot);
    expect(told()).toEqual([]);
    for (let slot = 35; slot <= 38; slot += 1) leave(slot);
    expect(told()).toContainEqual(gone(1));
  });

  it('and comes back is told present before its tablets, without a word of the lower hub', async () => {
    const { tree, news, told, clock } = await cascade();
    tree.unplug('1-1');
    news();
    clock.advance(40);
    told();
    tree.plug('1-1', { hub: true });
    news();
    expect(told()).toEqual([{ event: 'hub', hub: '1-1', state: 'present', slots: [1, 2, 3, 4] }]);
    for (const port of CASCADE.values()) tree.plug(port);
    news();
    expect(told()).toEqual([come(1), come(2), come(3), come(4)]);
    clock.advance(6_000);
    expect(told()).toEqual([]);
  });

  it('and comes back without the lower hub has that one told as gone after five seconds', async () => {
    const { tree, news, told, clock } = await cascade();
    tree.unplug('1-1');
    news();
    clock.advance(40);
    tree.plug('1-1', { hub: true });
    news();
    told();
    clock.advance(4_000);
    expect(told()).toEqual([]);
    clock.advance(4_000);
    expect(told()).toEqual([{ event: 'hub', hub: '1-1.4', state: 'gone', slots: [3, 4] }]);
  });

  it('and comes back between two looks is told as both, and so are its tablets', async () => {
    const { tree, news, told } = await cascade();
    tree.unplug('1-1');
    dockAll(tree);
    news();
    const [first, second, ...slots] = told();
    expect([first, second]).toEqual([
      { event: 'hub', hub: '1-1', state: 'gone', slots: [1, 2, 3, 4] },
      { event: 'hub', hub: '1-1', state: 'present', slots: [1, 2, 3, 4] },
    ]);
    expect(slots).toEqual([gone(1), come(1), gone(2), come(2), gone(3), come(3), gone(4), come(4)]);
  });

  it('with the whole controller is told as that, once', async () => {
    const { tree, news, told, clock } = await cascade();
    tree.unplug('usb1');
    news();
    clock.advance(40);
    expect(told()).toEqual([{ event: 'hub', hub: 'usb1', state: 'gone', slots: [1, 2, 3, 4] }, gone(1), gone(2), gone(3), gone(4)]);
  });
});

describe('a tablet taken out while its hub lives', () => {
  it('is told eight milliseconds after it was seen to go, and no hub with it', async () => {
    const { tree, news, told, clock } = await cascade();
    tree.unplug('1-1.1');
    news();
    clock.advance(7);
    expect(told()).toEqual([]);
    clock.advance(1);
    expect(told()).toEqual([gone(1)]);
  });

  it('and put back within those milliseconds is told as both', async () => {
    const { tree, news, told, clock } = await cascade();
    tree.unplug('1-1.1');
    news();
    tree.plug('1-1.1');
    news();
    clock.advance(8);
    expect(told()).toEqual([gone(1), come(1)]);
  });
});
