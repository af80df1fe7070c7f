import { EventEmitter } from 'node:events';
import type { ElectronSurface } from '../../../app/shell/electron-surface.ts';
import { fakeEvent, SessionDouble } from './session-double.ts';
import { WindowDouble } from './window-double.ts';

export interface PortDouble {
  readonly channel: number;
  /** Whether the end that was kept back was closed. */
  closed: boolean;
  close(): void;
}
const portDouble = (channel: number): PortDouble => ({
  channel,
  closed: false,
  close() {
    this.closed = true;
  },
});

/** A utility process: `spawned()` and `ended(code)` are what the operating system does to it. */
export class ProcessDouble extends EventEmitter {
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly received: { message: unknown; ports: readonly PortDouble[] }[] = [];
  pid: number | undefined;
  killed = false;

  constructor(program: string, args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
    super();
    this.program = program;
    this.args = args;
    this.env = env;
  }
  postMessage(message: unknown, ports: readonly PortDouble[] = []): void {
    this.received.push({ message: structuredClone(message), ports });
  }
  kill(): boolean {
    this.killed = true;
    return true;
  }
  spawned(pid: number): void {
    this.pid = pid;
    this.emit('spawn');
  }
  ended(code: number): void {
    this.pid = undefined;
    this.emit('exit', code);
  }
}

export interface ElectronDoubleSetting {
  readonly root: string;
  readonly packaged?: boolean;
  readonly switches?: readonly string[];
  readonly otherInstanceRuns?: boolean;
  /** Whether new sessions are announced, as Electron does. Default true. */
  readonly announcesSessions?: boolean;
}

/** Everything the shell asks of Electron, below the shell's own logic, and beside it what a test may look at or set off. */
export function electronDouble(setting: ElectronDoubleSetting) {
  const windows: WindowDouble[] = [];
  const processes: ProcessDouble[] = [];
  const sessions: SessionDouble[] = [];
  const seen = { quits: 0, relaunches: 0, exits: [] as number[], sandboxed: false, menu: 'default' as unknown, schemes: [] as unknown[], blockers: [] as string[] };
  let channels = 0;
  const channelEnds: PortDouble[] = [];

  const app = Object.assign(new EventEmitter(), {
    isPackaged: setting.packaged ?? true,
    commandLine: { hasSwitch: (name: string) => setting.switches?.includes(name) ?? false },
    requestSingleInstanceLock: () => setting.otherInstanceRuns !== true,
    whenReady: () => Promise.resolve(),
    getAppPath: () => setting.root,
    getPath: () => `${setting.root}/user-data`,
    enableSandbox: () => {
      seen.sandboxed = true;
    },
    quit: () => {
      seen.quits += 1;
      app.emit('before-quit', fakeEvent());
    },
    relaunch: () => {
      seen.relaunches += 1;
    },
    exit: (code: number) => void seen.exits.push(code),
  });

  class BrowserWindow extends WindowDouble {
    constructor(options: ConstructorParameters<typeof WindowDouble>[0]) {
      super(options);
      windows.push(this);
      app.emit('web-contents-created', fakeEvent(), this.webContents);
    }
  }
  class MessageChannelMain {
    readonly port1: PortDouble;
    readonly port2: PortDouble;
    constructor() {
      channels += 1;
      this.port1 = portDouble(channels);
      this.port2 = portDouble(channels);
      channelEnds.push(this.port2);
    }
  }

  const surface = {
    app,
    BrowserWindow,
    MessageChannelMain,
    ipcMain: new EventEmitter(),
    Menu: { setApplicationMenu: (menu: unknown) => void (seen.menu = menu) },
    powerSaveBlocker: { start: (kind: string) => seen.blockers.push(kind) },
    protocol: { registerSchemesAsPrivileged: (schemes: unknown[]) => void seen.schemes.push(...schemes) },
    session: {
      fromPartition: (partition: string) => {
        const session = new SessionDouble(partition);
        sessions.push(session);
        if (setting.announcesSessions !== false) app.emit('session-created', session);
        return session;
      },
    },
    utilityProcess: {
      fork: (program: string, args: readonly string[], options: { env?: Readonly<Record<string, string | undefined>> }) => {
        const child = new ProcessDouble(program, args, options.env ?? {});
        processes.push(child);
        return child;
      },
    },
  };
  // The double has the members the shell uses, not the hundreds that Electron's types list; this is the one place that says so.
  return { electron: surface as unknown as ElectronSurface, surface, app, windows, processes, sessions, channelEnds, seen };
}
export type ElectronDouble = ReturnType<typeof electronDouble>;
