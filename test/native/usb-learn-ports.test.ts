import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { hostConfig } from '../../native/host-config.ts';
import { learnPorts, learnSentence, type Learning } from '../../native/usb/learn-ports.ts';
import { usbTree } from '../support/usb/usb-tree.ts';
import { heldClock } from './held-clock.ts';

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

function atTheCart(slots: readonly number[], docked: readonly string[] = []) {
  const root = mkdtempSync(join(tmpdir(), 'dockward-usb-'));
  cleanUps.push(() => rmSync(root, { recursive: true, force: true }));
  const tree = usbTree(root);
  tree.plug('1-1', { hub: true });
  tree.plug('1-2', { product: 'badge reader' });
  for (const port of docked) tree.plug(port);
  const clock = heldClock();
  const steps: Learning[] = [];
  const teaching = learnPorts({ clock, slots, onStep: (step) => steps.push(step), root: tree.devices, events: () => ({ found: false, detail: 'not in this test' }) });
  cleanUps.push(() => teaching.stop());
  return {
    ...teaching,
    clock,
    asked: () => steps.at(-1)?.step,
    sentence: () => learnSentence(steps.at(-1)?.step ?? { ask: 'nothing' }),
    plug: (port: string, hub = false) => {
      tree.plug(port, { hub });
      clock.advance(250);
    },
    pull: (port: string, ms = 1_500) => {
      tree.unplug(port);
      clock.advance(ms);
    },
  };
}

describe('learning which USB port is which slot', () => {
  it('takes one tablet through the slots and proposes what the configuration takes', async () => {
    const { plug, pull, done, asked } = atTheCart([1, 2, 7]);
    expect(asked()).toEqual({ ask: 'plug', slot: 1 });
    plug('1-1.3');
    expect(asked()).toEqual({ ask: 'pull', slot: 1, port: '1-1.3' });
    pull('1-1.3');
    expect(asked()).toEqual({ ask: 'plug', slot: 2 });
    plug('1-1.1');
    pull('1-1.1');
    plug('1-1.2');
    pull('1-1.2');
    expect(asked()).toEqual({ ask: 'nothing' });
    const ports = await done;
    expect(ports).toEqual({ 1: '1-1.3', 2: '1-1.1', 7: '1-1.2' });
    expect(hostConfig.safeParse({ readers: 'none', slots: 'usb', ports }).success).toBe(true);
  });

  it('does not take a tablet that changes its USB mode for one that was pulled', () => {
    const { plug, pull, asked } = atTheCart([1, 2]);
    plug('1-1.3');
    pull('1-1.3', 500);
    plug('1-1.3');
    expect(asked()).toEqual({ ask: 'pull', slot: 1, port: '1-1.3' });
  });

  it('refuses a port that is another slot already, and asks for the slot again', () => {
    const { plug, pull, asked, sentence } = atTheCart([1, 2]);
    plug('1-1.3');
    pull('1-1.3');
    plug('1-1.3');
    expect(asked()).toEqual({ ask: 'pull-all', slot: 2, problem: { cause: 'seen-before', slot: 1 } });
    expect(sentence()).toBe('That is slot 1, which is learned already. Pull the tablet out. Slot 2 comes next, once more.');
    pull('1-1.3');
    expect(asked()).toEqual({ ask: 'plug', slot: 2 });
  });

  it('refuses two tablets at once, also when the second comes after the first was learned', () => {
    const { plug, pull, asked } = atTheCart([1]);
    plug('1-1.3');
    plug('1-1.4');
    expect(asked()).toEqual({ ask: 'pull-all', slot: 1, problem: { cause: 'two-at-once' } });
    pull('1-1.3');
    expect(asked()).toMatchObject({ ask: 'pull-all' });
    pull('1-1.4');
    expect(asked()).toEqual({ ask: 'plug', slot: 1 });
  });

  it('takes a tablet that was docked at the start, once it is pulled', () => {
    const { plug, pull, asked } = atTheCart([1], ['1-1.3']);
    pull('1-1.3');
    plug('1-1.3');
    expect(asked()).toEqual({ ask: 'pull', slot: 1, port: '1-1.3' });
  });

  it('refuses a hub', () => {
    const { plug, pull, asked } = atTheCart([1]);
    plug('1-1.4', true);
    expect(asked()).toEqual({ ask: 'pull-all', slot: 1, problem: { cause: 'hub', port: '1-1.4' } });
    pull('1-1.4');
    plug('1-1.1');
    expect(asked()).toEqual({ ask: 'pull', slot: 1, port: '1-1.1' });
  });

  it('says so where there is no USB at all', async () => {
    const clock = heldClock();
    const teaching = learnPorts({ clock, slots: [1], onStep: () => {}, root: '/nonexistent', events: () => ({ found: false, detail: '' }) });
    cleanUps.push(() => teaching.stop());
    await expect(teaching.done).rejects.toThrow('the USB bus cannot be read');
  });
});
