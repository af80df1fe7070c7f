import { describe, expect, it } from 'vitest';
import { startHidCart, whyNoHidTestbed, type HidCart } from '../support/hid/testbed.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const reason = whyNoHidTestbed();

const misfortunes: Readonly<Record<string, (cart: HidCart) => Promise<void>>> = {
  'one presentation is one tap and one removal, however often the reader is asked': async ({ order, cards, events }) => {
    await present({ order, events }, 0);
    await order('card 0 0403020100 40');
    await waitFor('the tap', () => cards().length === 1);
    // Another card is taken note of only by asking again.
    await order('card 0 0807060504 37');
    await waitFor('the other tap', () => cards().length === 3);
    await order('lift 0');
    await waitFor('the removal', () => cards().length === 4);
    await order('card 0 0807060504 37');
    await waitFor('the same card again', () => cards().length === 5);
    expect(cards()).toEqual(['tap 0001020304', 'card-removed', 'tap 0405060708', 'card-removed', 'tap 0405060708']);
    expect(events.filter((event) => event.event === 'tap').every((event) => event.assurance === 'uid' && event.reader === 'pcProx 0 /dev/hidraw0')).toBe(true);
  },

  'a reader that is pulled out is gone, and plugged in again it reads again': async ({ order, cards, events }) => {
    await present({ order, events }, 0);
    await order('unplug 0');
    await waitFor('its going', () => states(events, 'gone').length === 1);
    await waitFor('the lack of one to be told', () => standing(events)?.state === 'absent');
    // The kernel numbers it anew.
    await present({ order, events }, 3);
    await order('card 3 AA000001 32');
    await waitFor('the tap', () => cards().length === 1);
    expect(cards()).toEqual(['tap 010000AA']);
    await waitFor('the adapter to work', () => standing(events)?.state === 'working');
  },

  'three readers at once tell their own cards, and one that fails costs the others nothing': async ({ order, cards, events }) => {
    for (const number of [0, 1, 2]) await present({ order, events }, number);
    await order('fault 1 io');
    await waitFor('the failing one to be told', () => states(events, 'gone').length === 1);
    await order('card 0 00000001 32');
    await order('card 2 00000003 32');
    await waitFor('both taps', () => cards().length === 2);
    await order('fault 1 none');
    await order('card 1 00000002 32');
    await waitFor('the third', () => cards().length === 3);
    const taps = events.flatMap((event) => (event.event === 'tap' ? [[event.reader, event.uid]] : []));
    expect(Object.fromEntries(taps)).toEqual({ 'pcProx 0 /dev/hidraw0': '01000000', 'pcProx 1 /dev/hidraw1': '02000000', 'pcProx 2 /dev/hidraw2': '03000000' });
  },

  'a badge left lying is not tapped again when a reader that stopped answering is opened anew': async ({ order, cards, events }) => {
    await present({ order, events }, 0);
    await order('card 0 AABBCCDD 32');
    await waitFor('the tap', () => cards().length === 1);
    await order('fault 0 io');
    await waitFor('its going', () => states(events, 'gone').length === 1);
    await order('fault 0 none');
    await waitFor('its return', () => states(events, 'present').length === 2);
    // A whole look takes three questions of two calls each.
    const before = Number(await order('asked 0'));
    while (Number(await order('asked 0')) < before + 8);
    expect(cards()).toEqual(['tap DDCCBBAA']);
    await order('lift 0');
    await waitFor('the removal', () => cards().length === 2);
    expect(cards()).toEqual(['tap DDCCBBAA', 'card-removed']);
  },

  'garbage instead of a card is unreadable once, and the next card is read': async ({ order, cards, events }) => {
    await present({ order, events }, 0);
    await order('fault 0 garbage');
    await waitFor('the garbage to be told', () => cards().length === 1);
    await order('fault 0 none');
    await waitFor('its end', () => cards().length === 2);
    await order('card 0 11223344 32');
    await waitFor('the tap', () => cards().length === 3);
    expect(cards()).toEqual(['tap-unreadable protocol', 'card-removed', 'tap 44332211']);
  },

  'input reports that nobody asked for, two of them at once, are no tap': async ({ order, cards, events }) => {
    await present({ order, events }, 0);
    await order('report 0 F344110D0A0304000F344110D0A03041');
    await order('card 0 11223344 32');
    await waitFor('the tap', () => cards().length === 1);
    await order('lift 0');
    await waitFor('the removal', () => cards().length === 2);
    expect(cards()).toEqual(['tap 44332211', 'card-removed']);
  },

  'a short number is refused and said': async ({ order, cards, events }) => {
    await present({ order, events }, 0);
    await order('card 0 D204AB 24');
    await waitFor('the refusal', () => cards().length === 1);
    expect(cards()).toEqual(['tap-unreadable uid-length']);
  },

  'a reader that types like a keyboard is never asked, and the detail says what to switch': async ({ order, cards, events }) => {
    await order('plug 0 keyboard');
    await order('card 0 11223344 32');
    await waitFor('the detail', () => standing(events)?.detail?.includes('SDK mode'));
    expect(standing(events)?.state).toBe('absent');
    await present({ order, events }, 1);
    await order('card 1 55667788 32');
    await waitFor('the tap on the other', () => cards().length === 1);
    expect(standing(events)).toMatchObject({ state: 'working', detail: expect.stringContaining('SDK mode') as string });
    expect(cards()).toEqual(['tap 88776655']);
  },
};

type Told = Pick<HidCart, 'events' | 'order'>;
const standing = (events: HidCart['events']) => events.findLast((event) => event.event === 'adapter');
const states = (events: HidCart['events'], state: 'present' | 'gone') => events.filter((event) => event.event === 'reader' && event.state === state);

async function present({ order, events }: Told, number: number): Promise<void> {
  await order(`plug ${number} pcprox`);
  await waitFor(`reader ${number}`, () => events.some((event) => event.event === 'reader' && event.reader.includes(`hidraw${number}`)));
}

describe('USB badge readers through real node-hid and hidraw', () => {
  for (const [name, run] of Object.entries(misfortunes)) {
    if (reason !== undefined) {
      it.skip(`${name} (skipped: ${reason})`, () => {});
      continue;
    }
    it.concurrent(name, async () => {
      await using cart = startHidCart();
      await run(cart);
    });
  }
});
