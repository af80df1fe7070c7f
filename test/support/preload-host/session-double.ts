import { EventEmitter } from 'node:events';

export interface FakeEvent {
  preventDefault(): void;
  readonly defaultPrevented: boolean;
}

export function fakeEvent(): FakeEvent {
  let prevented = false;
  return {
    preventDefault: () => {
      prevented = true;
    },
    get defaultPrevented() {
      return prevented;
    },
  };
}

type Answer<T> = (answer: T) => void;

/** A session as Electron makes it: whatever nobody forbids is granted. The `try…` methods do what a page would and say whether it worked. */
export class SessionDouble extends EventEmitter {
  readonly partition: string;
  readonly schemes = new Map<string, (request: { method: string; url: string }) => Promise<Response>>();
  readonly protocol = { handle: (scheme: string, handler: (request: { method: string; url: string }) => Promise<Response>) => void this.schemes.set(scheme, handler) };
  readonly webRequest = {
    onBeforeRequest: (listener: (request: { url: string }, answer: Answer<{ cancel?: boolean }>) => void) => {
      this.#beforeRequest = listener;
    },
  };
  spellChecker = true;
  #beforeRequest: (request: { url: string }, answer: Answer<{ cancel?: boolean }>) => void = (_request, answer) => answer({});
  #onRequest: (contents: unknown, permission: string, answer: Answer<boolean>) => void = (_contents, _permission, answer) => answer(true);
  #onCheck: (contents: unknown, permission: string) => boolean = () => true;
  #onDevice: (details: unknown) => boolean = () => true;
  #onDisplay: (request: unknown, answer: Answer<unknown>) => void = (_request, answer) => answer({ video: {} });
  #onPairing: (details: unknown, answer: Answer<{ confirmed: boolean }>) => void = (_details, answer) => answer({ confirmed: true });

  constructor(partition: string) {
    super();
    this.partition = partition;
  }

  setPermissionRequestHandler(handler: (contents: unknown, permission: string, answer: Answer<boolean>) => void): void {
    this.#onRequest = handler;
  }
  setPermissionCheckHandler(handler: (contents: unknown, permission: string) => boolean): void {
    this.#onCheck = handler;
  }
  setDevicePermissionHandler(handler: (details: unknown) => boolean): void {
    this.#onDevice = handler;
  }
  setDisplayMediaRequestHandler(handler: (request: unknown, answer: Answer<unknown>) => void): void {
    this.#onDisplay = handler;
  }
  setBluetoothPairingHandler(handler: (details: unknown, answer: Answer<{ confirmed: boolean }>) => void): void {
    this.#onPairing = handler;
  }
  setSpellCheckerEnabled(enabled: boolean): void {
    this.spellChecker = enabled;
  }

  tryPermission(permission: string): boolean {
    let granted = false;
    this.#onRequest(undefined, permission, (answer) => {
      granted = answer;
    });
    return granted || this.#onCheck(undefined, permission);
  }
  tryDevice(): boolean {
    return this.#onDevice({ deviceType: 'hid' });
  }
  tryScreenCapture(): boolean {
    let streams: unknown = null;
    this.#onDisplay({}, (answer) => {
      streams = answer;
    });
    return streams !== null;
  }
  tryPairing(): boolean {
    let confirmed = false;
    this.#onPairing({}, (answer) => {
      confirmed = answer.confirmed;
    });
    return confirmed;
  }
  tryDownload(): boolean {
    const event = fakeEvent();
    this.emit('will-download', event, {}, undefined);
    return !event.defaultPrevented;
  }
  tryRequest(url: string): boolean {
    let cancelled = false;
    this.#beforeRequest({ url }, (answer) => {
      cancelled = answer.cancel === true;
    });
    return !cancelled;
  }
}
