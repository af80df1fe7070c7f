import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { udevMessage } from './udev-message.ts';
import { usbTree, type UsbDevice, type UsbTree } from './usb-tree.ts';

export const PYTHON = '/usr/bin/python3';
const MOUTH = fileURLToPath(new URL('netlink-mouth.py', import.meta.url));

export interface AnnouncedBus extends UsbTree {
  /** From now on changes are not announced, as on a machine without udev. */
  silence(): void;
  /** Resolves when every change so far has been handed to the kernel. */
  announced(): Promise<void>;
  end(): Promise<void>;
}

/** /sys of the testbed's namespace, with genuine udev messages to everybody in it who listens. Only inside the testbed. */
export async function announcedBus(): Promise<AnnouncedBus> {
  const mouth = spawn(PYTHON, [MOUTH], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: mouth.stdout });
  let [sent, confirmed, sequence] = [0, 0, 1000];
  let silent = false;
  let waiting: (() => void)[] = [];
  answers.on('line', () => {
    confirmed += 1;
    if (confirmed === sent) for (const resolve of waiting.splice(0)) resolve();
  });
  const announce = (action: 'add' | 'remove', device: UsbDevice): void => {
    if (silent) return;
    sent += 1;
    sequence += 1;
    mouth.stdin.write(`${udevMessage(action, device, sequence).toString('hex')}\n`);
  };
  const tree = usbTree('/sys', announce);

  function announced(): Promise<void> {
    return confirmed === sent ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve));
  }

  async function end(): Promise<void> {
    waiting = [];
    const gone = once(mouth, 'exit');
    mouth.stdin.end();
    await gone;
  }

  return { ...tree, announced, end, silence: () => void (silent = true) };
}
