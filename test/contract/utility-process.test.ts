import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { superviseDeviceHost } from '../../app/transport/device-host-process.ts';
import type { PortLike } from '../../app/transport/message-port.ts';
import { shellAsParent, stationThroughShell, type ParentPort } from '../../app/transport/utility-process.ts';

/** A shell's port as Electron gives it to a utility process, driven from the shell's side. */
function parentPort(): { port: ParentPort; sent: unknown[]; deliver(data: unknown, ports?: readonly PortLike[]): void } {
  const sent: unknown[] = [];
  let listener: (event: { data: unknown; ports: readonly PortLike[] }) => void = () => undefined;
  return {
    port: { postMessage: (message) => void sent.push(message), on: (_event, next) => (listener = next) },
    sent,
    deliver: (data, ports = []) => listener({ data, ports }),
  };
}
const next = <T>(listen: (resolve: (value: T) => void) => unknown): Promise<T> => new Promise((resolve) => listen(resolve));
const asPort = (port: MessagePort): PortLike => port as unknown as PortLike;

it('the way to the device host is never taken for a word of the kiosk, nor the other way round', async () => {
  const shell = parentPort();
  const { kiosk, launchHost } = shellAsParent(shell.port, { DOCKWARD_HOST_CONFIG: '{}' });
  const kioskSaid = next<unknown>((resolve) => kiosk.onMessage(resolve));
  const { transport } = launchHost(() => undefined);
  transport.send({ before: 'the port came' });
  expect(shell.sent).toEqual([{ deviceHost: 'start', env: { DOCKWARD_HOST_CONFIG: '{}' } }]);
  const { port1, port2 } = new MessageChannel();
  shell.deliver({ port: 'device-host' }, [asPort(port1)]);
  expect(await next((resolve) => port2.on('message', resolve))).toEqual({ before: 'the port came' });
  const hostSaid = next<unknown>((resolve) => transport.onMessage(resolve));
  port2.postMessage({ event: 'heartbeat' });
  shell.deliver({ id: 1, request: { command: 'dismiss' } });
  expect(await hostSaid).toEqual({ event: 'heartbeat' });
  expect(await kioskSaid).toEqual({ id: 1, request: { command: 'dismiss' } });
  port2.close();
});

it('a device host that dies behind the shell is asked for again', async () => {
  const shell = parentPort();
  const { launchHost } = shellAsParent(shell.port, {});
  const supervised = superviseDeviceHost({ launch: launchHost, attach: () => undefined, told: () => undefined });
  const first = new MessageChannel();
  shell.deliver({ port: 'device-host' }, [asPort(first.port1)]);
  first.port2.close();
  await expect.poll(() => shell.sent.length).toBe(2);
  await supervised.stop();
});

it('a device host started by the shell speaks through the port of the first message, also what it said before', async () => {
  const shell = parentPort();
  const station = stationThroughShell(shell.port);
  station.send({ event: 'hello' });
  const { port1, port2 } = new MessageChannel();
  shell.deliver({ port: 'station' }, [asPort(port1)]);
  expect(await next((resolve) => port2.on('message', resolve))).toEqual({ event: 'hello' });
  const closed = next<string>((resolve) => station.onClose(resolve));
  port2.close();
  expect(await closed).toBe('closed');
});
