import type { MessagePortMain, UtilityProcess } from 'electron';
import { z } from 'zod';
import type { ElectronSurface } from './electron-surface.ts';
import type { Log } from './log.ts';

/**
 * The station's wish for a device host, with the environment it is to run in. A utility process cannot start a child itself
 * (the runAsNode fuse is off), so the shell does; who restarts it, when and with what is the station's matter in both arrangements.
 */
export const deviceHostWish = z.strictObject({ deviceHost: z.literal('start'), env: z.record(z.string().regex(/^DOCKWARD_[A-Z_]+$/), z.string()) });

export interface DeviceHostRunner {
  /** Starts a device host, ending the one before, and returns the station's end of the way to it; that closes when the host ends. */
  start(env: Readonly<Record<string, string>>): MessagePortMain;
  stop(): void;
}

interface DeviceHostDeps {
  readonly electron: Pick<ElectronSurface, 'utilityProcess' | 'MessageChannelMain'>;
  readonly program: string;
  readonly log: Log;
}

export function createDeviceHostRunner({ electron, program, log }: DeviceHostDeps): DeviceHostRunner {
  let current: UtilityProcess | undefined;

  const stop = (): void => {
    const ending = current;
    current = undefined;
    ending?.kill();
  };

  return {
    start: (env) => {
      stop();
      const host = electron.utilityProcess.fork(program, [], { serviceName: 'dockward-device-host', env: { ...process.env, ...env } });
      const { port1, port2 } = new electron.MessageChannelMain();
      current = host;
      let spawned = false;
      host.once('spawn', () => {
        spawned = true;
        log('info', 'process-started', { name: 'device-host', pid: host.pid });
        host.postMessage({ port: 'station' }, [port2]);
      });
      host.once('exit', (code) => {
        if (!spawned) port2.close();
        const asked = current !== host;
        if (!asked) current = undefined;
        if (asked || code === 0) log('info', 'process-exited', { name: 'device-host', code });
        else log('error', 'process-crashed', { name: 'device-host', code });
      });
      return port1;
    },
    stop,
  };
}
