import { join } from 'node:path';
import type { Clock } from './clock.ts';
import { createDeviceHostRunner, deviceHostWish } from './device-host.ts';
import type { ElectronSurface } from './electron-surface.ts';
import type { Log } from './log.ts';
import type { StationLink, StationLinkEvents } from './station-link.ts';
import { superviseProcess } from './supervised-process.ts';

interface OwnStationDeps extends StationLinkEvents {
  readonly electron: Pick<ElectronSurface, 'utilityProcess' | 'MessageChannelMain'>;
  /** The folder of the built programs. */
  readonly dist: string;
  /** Where the station keeps its ledger. */
  readonly data: string;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Desktop: the station is a utility process of the shell, kept running, and the device host another that it asks for.
 * Over the station's own port pass the kiosk's messages, its wish for a device host, and `{ port: 'device-host' }` with the way to it.
 */
export function runOwnStation({ electron, dist, data, clock, log, onMessage, onGone }: OwnStationDeps): StationLink {
  const deviceHost = createDeviceHostRunner({ electron, program: join(dist, 'device-host', 'device-host-node.mjs'), log });
  const station = superviseProcess({
    name: 'station',
    fork: () => electron.utilityProcess.fork(join(dist, 'station', 'station-node.mjs'), ['--data', data], { serviceName: 'dockward-station' }),
    clock,
    log,
    onStart: (child) => {
      child.on('message', (message: unknown) => {
        const wish = deviceHostWish.safeParse(message);
        if (wish.success) child.postMessage({ port: 'device-host' }, [deviceHost.start(wish.data.env)]);
        else onMessage(message);
      });
    },
    onGone: () => {
      deviceHost.stop();
      onGone();
    },
  });

  return {
    send: (request) => {
      const child = station.running();
      if (child?.pid === undefined) return false;
      child.postMessage(request);
      return true;
    },
    stop: () => station.stop(),
  };
}
