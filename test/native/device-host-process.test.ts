import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { hostMessage } from '../../app/contract/device-host.ts';
import { childProcessTransport } from '../../app/transport/child-process.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const ENTRYPOINT = fileURLToPath(new URL('../../app/entrypoints/device-host.ts', import.meta.url));
const children: ChildProcess[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function start(config: unknown): ChildProcess {
  const env = { ...process.env, NODE_OPTIONS: '', ...(config === undefined ? {} : { DOCKWARD_HOST_CONFIG: typeof config === 'string' ? config : JSON.stringify(config) }) };
  const child = fork(ENTRYPOINT, { env, execArgv: [], stdio: ['ignore', 'inherit', 'pipe', 'ipc'] });
  children.push(child);
  return child;
}

describe('the device host process', () => {
  it('greets, answers, and ends when its parent lets go', async () => {
    const child = start({ readers: 'none', slots: 'usb', ports: { 1: '9-9.9' } });
    const ended = once(child, 'exit');
    const station = childProcessTransport(child);
    const said: unknown[] = [];
    station.onMessage((message) => said.push(hostMessage.parse(message)));
    station.send({ id: 1, request: { command: 'light', slot: 1, light: 'take' } });
    station.send({ id: 'malformed' });
    station.send({ id: 2, request: { command: 'light', slot: 2, light: 'take' } });
    await waitFor('both answers', () => said.filter((message) => typeof message === 'object' && message !== null && 'ok' in message).length === 2);
    expect(said[0]).toMatchObject({ event: 'hello', pid: child.pid, adapters: [{ name: 'usb' }] });
    expect(said).toContainEqual({ id: 1, ok: false, reason: 'no-light' });
    expect(said).toContainEqual({ id: 2, ok: false, reason: 'no-slot' });
    station.close();
    expect(await ended).toEqual([0, null]);
  });

  it.each([
    ['no configuration', undefined, 'DOCKWARD_HOST_CONFIG is not set'],
    ['a configuration that is not JSON', '{', 'is not JSON'],
    ['a wrong port path', { readers: 'none', slots: 'usb', ports: { 1: '/dev/bus' } }, 'ports.1: a USB port path looks like 1-1.4.2'],
    ['one port for two slots', { readers: 'none', slots: 'usb', ports: { 1: '1-1', 2: '1-1' } }, 'one USB port is mapped to two slots'],
    ['simulated hardware that is nowhere', { readers: 'simulated', slots: 'none' }, 'simulatorUrl: is needed'],
  ])('with %s ends by saying so', async (_, config, words) => {
    const child = start(config);
    if (child.stderr === null) throw new Error('the child was forked without a pipe for its standard error');
    const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'exit') as Promise<[number]>]);
    expect(code).toBe(78);
    expect(said).toContain(words);
  });
});
