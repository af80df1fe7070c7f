import { EventEmitter } from 'node:events';
import { fakeEvent } from './session-double.ts';
import type { SessionDouble } from './session-double.ts';

interface WindowOptions {
  readonly kiosk?: boolean;
  readonly webPreferences?: { readonly session?: SessionDouble; readonly devTools?: boolean } & Readonly<Record<string, unknown>>;
  readonly [option: string]: unknown;
}

type OpenHandler = (details: { url: string }) => { action: 'deny' | 'allow' };

/** A page's contents, permissive as Electron's are until told otherwise. */
export class ContentsDouble extends EventEmitter {
  readonly sent: { channel: string; message: unknown }[] = [];
  readonly loaded: string[] = [];
  reloads = 0;
  crashes = 0;
  hangs = false;
  destroyed = false;
  devToolsOpen = false;
  readonly mainFrame = { executeJavaScript: (): Promise<unknown> => (this.hangs ? new Promise(() => undefined) : Promise.resolve(0)) };
  /** Where `send` also goes: the page, where there is one. */
  deliver: (channel: string, message: unknown) => void = () => undefined;
  #onOpen: OpenHandler = () => ({ action: 'allow' });

  setWindowOpenHandler(handler: OpenHandler): void {
    this.#onOpen = handler;
  }
  setVisualZoomLevelLimits(): Promise<void> {
    return Promise.resolve();
  }
  isDestroyed(): boolean {
    return this.destroyed;
  }
  send(channel: string, message: unknown): void {
    this.sent.push({ channel, message: structuredClone(message) });
    this.deliver(channel, message);
  }
  async loadURL(url: string): Promise<void> {
    this.loaded.push(url);
  }
  reload(): void {
    this.reloads += 1;
  }
  closeDevTools(): void {
    this.devToolsOpen = false;
  }
  openDevTools(): void {
    this.devToolsOpen = true;
    this.emit('devtools-opened');
  }
  forcefullyCrashRenderer(): void {
    this.crashes += 1;
    this.hangs = false;
    this.emit('render-process-gone', fakeEvent(), { reason: 'killed', exitCode: 9 });
  }

  /** True when the event's default would have happened. */
  tryEvent(name: string, ...rest: unknown[]): boolean {
    const event = fakeEvent();
    this.emit(name, event, ...rest);
    return !event.defaultPrevented;
  }
  tryOpen(url: string): boolean {
    return this.#onOpen({ url }).action === 'allow';
  }
}

export class WindowDouble extends EventEmitter {
  readonly options: WindowOptions;
  readonly webContents = new ContentsDouble();
  menu: unknown = 'default';
  shown = false;
  focused = 0;

  constructor(options: WindowOptions) {
    super();
    this.options = options;
  }
  setMenu(menu: unknown): void {
    this.menu = menu;
  }
  show(): void {
    this.shown = true;
  }
  focus(): void {
    this.focused += 1;
  }
  isKiosk(): boolean {
    return this.options.kiosk === true;
  }
  loadURL(url: string): Promise<void> {
    return this.webContents.loadURL(url);
  }
  /** Alt+F4 or the window manager: true when the window would have closed. */
  tryClose(): boolean {
    const event = fakeEvent();
    this.emit('close', event);
    return !event.defaultPrevented;
  }
}
