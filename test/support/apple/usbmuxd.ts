import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { LOCKDOWN_PORT } from '../../../native/tablets/apple-lockdown.ts';
import type { PlistDict, PlistValue } from '../../../native/tablets/plist.ts';
import { muxFrame, onMuxMessages, type MuxMessage } from './frames.ts';
import { serveLockdown, type TabletState } from './lockdownd.ts';
import { SYSTEM_BUID } from './pairing.ts';

/** Results as usbmuxd numbers them. */
const DONE = 0;
const BAD_COMMAND = 1;
const BAD_DEVICE = 2;
const REFUSED = 3;
const NO_SUCH_FILE = 2;

export interface EmulatedUsbmuxd {
  readonly path: string;
  /** Pair records by UDID, as the last client saved them. They survive `kill`. */
  readonly records: Map<string, Buffer>;
  /** Connections that are open now. */
  connections(): number;
  plug(tablet: TabletState): void;
  unplug(udid: string): void;
  /** To everyone who listens: whatever a test makes up. */
  tell(message: PlistDict | Buffer): void;
  /** In place of the honest answer to a message, where it gives one; an empty one is silence. */
  lie: ((message: PlistDict) => Buffer | undefined) | undefined;
  /** Like SIGKILL: every connection breaks and the socket file stays. */
  kill(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Plugged {
  readonly deviceId: number;
  readonly tablet: TabletState;
  readonly connections: Set<Socket>;
}

/** usbmuxd with virtual tablets on it, on a socket file of its own. What is plugged in stays so while it is dead. */
export async function startUsbmuxd(path: string): Promise<EmulatedUsbmuxd> {
  const plugged = new Map<string, Plugged>();
  const records = new Map<string, Buffer>();
  const open = new Set<Socket>();
  const listeners = new Set<Socket>();
  let server: Server | undefined;
  let lastDeviceId = 0;

  const usbmuxd: EmulatedUsbmuxd = {
    path,
    records,
    lie: undefined,
    connections: () => open.size,
    plug(tablet) {
      lastDeviceId += 1;
      const now = { deviceId: lastDeviceId, tablet, connections: new Set<Socket>() };
      plugged.set(tablet.udid, now);
      usbmuxd.tell(attached(now));
    },
    unplug(udid) {
      const gone = plugged.get(udid);
      if (gone === undefined) throw new Error(`${udid} is not plugged in`);
      plugged.delete(udid);
      usbmuxd.tell({ MessageType: 'Detached', DeviceID: gone.deviceId });
      for (const socket of gone.connections) socket.destroy();
    },
    tell(message) {
      for (const listener of listeners) listener.write(Buffer.isBuffer(message) ? message : muxFrame(0, message));
    },
    async kill() {
      const dead = server;
      server = undefined;
      if (dead === undefined) return;
      const closed = new Promise<void>((resolve) => dead.close(() => resolve()));
      for (const socket of open) socket.destroy();
      await closed;
    },
    start() {
      rmSync(path, { force: true });
      const fresh = createServer(serve);
      server = fresh;
      return new Promise((resolve, reject) => fresh.once('error', reject).listen(path, resolve));
    },
    async close() {
      await usbmuxd.kill();
      rmSync(path, { force: true });
    },
  };

  function serve(socket: Socket): void {
    open.add(socket);
    socket.on('close', () => {
      open.delete(socket);
      listeners.delete(socket);
    });
    // A client that breaks off is the client's affair.
    socket.on('error', () => socket.destroy());
    onMuxMessages(socket, (asked) => answer(socket, asked));
  }

  function answer(socket: Socket, { tag, message }: MuxMessage): 'more' | 'enough' {
    const reply = (answered: PlistDict): 'more' => {
      socket.write(muxFrame(tag, answered));
      return 'more';
    };
    const result = (number: number) => reply({ MessageType: 'Result', Number: number });
    const lied = usbmuxd.lie?.(message);
    if (lied !== undefined) {
      socket.write(lied);
      return 'more';
    }
    const udid = message['PairRecordID'];
    switch (message['MessageType']) {
      case 'ListDevices':
        return reply({ DeviceList: [...plugged.values()].map(attached) });
      case 'Listen':
        result(DONE);
        listeners.add(socket);
        for (const now of plugged.values()) reply(attached(now));
        return 'more';
      case 'ReadBUID':
        return reply({ BUID: SYSTEM_BUID });
      case 'ReadPairRecord': {
        const record = typeof udid === 'string' ? records.get(udid) : undefined;
        return record === undefined ? result(NO_SUCH_FILE) : reply({ PairRecordData: record });
      }
      case 'SavePairRecord':
        return save(udid, message['PairRecordData'], message['DeviceID']) ? result(DONE) : result(BAD_COMMAND);
      case 'DeletePairRecord':
        return result(typeof udid === 'string' && records.delete(udid) ? DONE : NO_SUCH_FILE);
      case 'Connect':
        return connect(message['DeviceID'], message['PortNumber']);
      default:
        return result(BAD_COMMAND);
    }

    function connect(deviceId: PlistValue | undefined, networkPort: PlistValue | undefined): 'more' | 'enough' {
      const to = [...plugged.values()].find((now) => now.deviceId === deviceId);
      if (to === undefined) return result(BAD_DEVICE);
      const port = typeof networkPort === 'number' ? ((networkPort & 0xff) << 8) | (networkPort >> 8) : 0;
      if (port !== LOCKDOWN_PORT || to.tablet.behaviour === 'refusing') return result(REFUSED);
      result(DONE);
      to.connections.add(socket);
      // The messages' listener lets go of the socket only after this turn.
      queueMicrotask(() => serveLockdown(to.tablet, socket));
      return 'enough';
    }
  }

  function save(udid: PlistValue | undefined, record: PlistValue | undefined, deviceId: PlistValue | undefined): boolean {
    if (typeof udid !== 'string' || !(record instanceof Uint8Array)) return false;
    records.set(udid, Buffer.from(record));
    if (typeof deviceId === 'number') usbmuxd.tell({ MessageType: 'Paired', DeviceID: deviceId });
    return true;
  }

  await usbmuxd.start();
  return usbmuxd;
}

function attached({ deviceId, tablet }: Plugged): PlistDict {
  return {
    MessageType: 'Attached',
    DeviceID: deviceId,
    Properties: { ConnectionSpeed: 480_000_000, ConnectionType: 'USB', DeviceID: deviceId, LocationID: 0x1_0000 + deviceId, ProductID: 0x12ab, SerialNumber: tablet.udid },
  };
}
