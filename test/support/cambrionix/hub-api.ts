import { createServer, type AddressInfo, type Socket } from 'node:net';

/** Error codes of the vendor's manual. */
const ID_NOT_FOUND = -10_001;
const KEY_NOT_FOUND = -10_003;
const CANNOT_SET = -10_004;
const INVALID_HANDLE = -10_005;
const METHOD_NOT_FOUND = -32_601;
const NO_ERROR_FLAG = '';

export interface EmulatedPort {
  currentMilliamps: number;
  energyWh: number;
  attached: boolean;
  mode: 's' | 'c' | 'o';
  battery: number | undefined;
  /** Flags besides those of mode and attachment, such as `E` or `e`. */
  flags: string;
  leds: number;
}
export interface EmulatedUnit {
  readonly serial: string;
  readonly ports: ReadonlyMap<number, EmulatedPort>;
  readonly lights: boolean;
  readonly sync: boolean;
  plugged: boolean;
  celsius: number;
  temperatureFlags: string;
  remoteControl: boolean;
}
export interface Faults {
  /** Bytes after each message: none, as the vendor sends them, or a line end. */
  separator: '' | '\n';
  /** Send each message byte by byte. */
  torn: boolean;
  /** Take calls and never answer. */
  mute: boolean;
  /** Answer calls with another call's number. */
  wrongIds: boolean;
  /** Result of PortsInfo, whatever it may be. */
  portsInfo: unknown;
}

export interface EmulatedHubApi {
  readonly tcpPort: number;
  readonly faults: Faults;
  /** Every call since the start, in order. */
  readonly calls: { readonly method: string; readonly params: readonly unknown[] }[];
  unit(serial: string): EmulatedUnit;
  port(serial: string, port: number): EmulatedPort;
  /** To connections that asked for it; returns how many did. */
  notify(method: string): number;
  /** Bytes to every client, as they are. */
  say(bytes: string): void;
  expireHandles(): void;
  connections(): number;
  listening(): boolean;
  /** Cuts every connection; the service stays. */
  hangUp(): void;
  /** The service ends; `resume` starts it on the same TCP port. */
  halt(): Promise<void>;
  resume(): Promise<void>;
}

/**
 * The Cambrionix Hub API as its manual (3.9) describes it: JSON-RPC 2.0 over TCP on loopback, on a port of its own. The service
 * is not to be had without a hub, so it is checked against the manual's examples only.
 */
export async function emulatedHubApi(units: readonly { serial: string; ports: number; lights?: boolean; sync?: boolean }[]): Promise<EmulatedHubApi> {
  const emulated = new Map(units.map((unit) => [unit.serial, emulatedUnit(unit)]));
  const faults: Faults = { separator: '', torn: false, mute: false, wrongIds: false, portsInfo: undefined };
  const calls: EmulatedHubApi['calls'] = [];
  const clients = new Map<Socket, Set<string>>();
  const handles = new Map<number, string>();
  let lastHandle = 7_000;

  const server = createServer((socket) => {
    clients.set(socket, new Set());
    let pending = '';
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      pending += text;
      // Requests of our adapter are one per line; the service itself would not need the line end.
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) receive(socket, line);
    });
    socket.on('error', () => socket.destroy());
    socket.on('close', () => clients.delete(socket));
  });
  const listen = (port: number) => new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  await listen(0);
  const tcpPort = (server.address() as AddressInfo).port;

  function send(socket: Socket, message: object): void {
    const text = `${JSON.stringify(message)}${faults.separator}`;
    if (faults.torn) for (const byte of Buffer.from(text)) socket.write(Buffer.from([byte]));
    else socket.write(text);
  }

  function receive(socket: Socket, line: string): void {
    const { id, method, params } = JSON.parse(line) as { id: number; method: string; params: readonly unknown[] };
    calls.push({ method, params });
    if (faults.mute) return;
    const answer = answerTo(socket, method, params);
    send(socket, { jsonrpc: '2.0', id: faults.wrongIds ? id + 1_000 : id, ...(typeof answer === 'number' ? { error: { code: answer, message: 'refused' } } : answer) });
  }

  function answerTo(socket: Socket, method: string, params: readonly unknown[]): { readonly result: unknown } | number {
    const plugged = [...emulated.values()].filter((unit) => unit.plugged);
    if (method === 'cbrx_discover') return { result: plugged.length === 0 ? false : plugged.map(({ serial }) => serial) };
    if (method === 'cbrx_notifications') {
      for (const name of params) if (typeof name === 'string') clients.get(socket)?.add(name);
      return { result: true };
    }
    if (method === 'cbrx_connection_open') {
      const unit = emulated.get(String(params[0]));
      if (unit?.plugged !== true) return ID_NOT_FOUND;
      lastHandle += 1;
      handles.set(lastHandle, unit.serial);
      return { result: lastHandle };
    }
    const unit = emulated.get(handles.get(Number(params[0])) ?? '');
    if (unit?.plugged !== true) return INVALID_HANDLE;
    switch (method) {
      case 'cbrx_connection_close':
        return { result: handles.delete(Number(params[0])) };
      case 'cbrx_connection_get':
        return get(unit, String(params[1]));
      case 'cbrx_connection_set':
        return set(unit, String(params[1]), params[2]);
      case 'cbrx_connection_setdictionary':
        return { result: ['RemoteControl', ...[...unit.ports.keys()].flatMap((number) => [`Port.${number}.mode`, ...(unit.lights ? [`Port.${number}.led1`, `Port.${number}.leds`] : [])])] };
      default:
        return METHOD_NOT_FOUND;
    }
  }

  function get(unit: EmulatedUnit, key: string): { readonly result: unknown } | number {
    if (key === 'HardwareFlags') return { result: unit.sync ? 'SLET' : 'LT' };
    if (key === 'Health') return { result: { Uptime_sec: 528_422, FiveVoltRail_flags: NO_ERROR_FLAG, Temperature_C: unit.celsius, Temperature_flags: unit.temperatureFlags, Rebooted: true } };
    if (key === 'PortsInfo') return { result: faults.portsInfo ?? Object.fromEntries([...unit.ports].map(([number, told]) => [`Port.${number}`, portInfo(number, told)])) };
    return KEY_NOT_FOUND;
  }

  function set(unit: EmulatedUnit, key: string, value: unknown): { readonly result: true } | number {
    if (key === 'RemoteControl') {
      unit.remoteControl = value === true;
      return { result: true };
    }
    const [, number = '', what = ''] = /^Port\.(\d+)\.(\w+)$/.exec(key) ?? [];
    const told = unit.ports.get(Number(number));
    if (told === undefined) return KEY_NOT_FOUND;
    if (what === 'mode' && (value === 'c' || value === 'o' || (value === 's' && unit.sync))) {
      told.mode = value;
      return { result: true };
    }
    if (what === 'leds' && unit.lights && typeof value === 'number') {
      // Without remote control the hub overwrites it at once.
      if (unit.remoteControl) told.leds = value;
      return { result: true };
    }
    return what === 'mode' ? CANNOT_SET : KEY_NOT_FOUND;
  }

  function unitOf(serial: string): EmulatedUnit {
    const unit = emulated.get(serial);
    if (unit === undefined) throw new Error(`no unit ${serial}`);
    return unit;
  }

  function hangUp(): void {
    for (const socket of clients.keys()) socket.destroy();
  }

  return {
    tcpPort,
    faults,
    calls,
    unit: unitOf,
    port(serial, number) {
      const told = unitOf(serial).ports.get(number);
      if (told === undefined) throw new Error(`no port ${number}`);
      return told;
    },
    notify(method) {
      const asked = [...clients].filter(([, names]) => names.has(method) || names.has('all'));
      for (const [socket] of asked) send(socket, { jsonrpc: '2.0', method });
      return asked.length;
    },
    say(bytes) {
      for (const socket of clients.keys()) socket.write(bytes);
    },
    expireHandles: () => handles.clear(),
    connections: () => clients.size,
    listening: () => server.listening,
    hangUp,
    async halt() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      hangUp();
      await closed;
    },
    resume: () => listen(tcpPort),
  };
}

function emulatedUnit({ serial, ports, lights = true, sync = true }: { serial: string; ports: number; lights?: boolean; sync?: boolean }): EmulatedUnit {
  const port = (): EmulatedPort => ({ currentMilliamps: 0, energyWh: 0, attached: false, mode: sync ? 's' : 'c', battery: undefined, flags: '', leds: 0 });
  return { serial, lights, sync, ports: new Map(Array.from({ length: ports }, (_, index) => [index + 1, port()])), plugged: true, celsius: 37.3, temperatureFlags: '', remoteControl: false };
}

function portInfo(number: number, { currentMilliamps, energyWh, attached, mode, battery, flags }: EmulatedPort): object {
  const status = { s: 'S', c: attached ? 'C' : 'I', o: 'O' }[mode];
  return {
    Port: number, Current_mA: mode === 'o' ? 0 : currentMilliamps, Flags: ['R', flags, attached ? 'A' : 'D', status].filter((flag) => flag !== '').join(' '),
    ProfileID: 0, TimeCharging_sec: 0, TimeCharged_sec: 0, Energy_Wh: energyWh, VID: attached ? 1256 : 0, PID: attached ? 26_720 : 0,
    Manufacturer: attached ? 'SAMSUNG' : '', Description: '', SerialNumber: '',
    ...(battery === undefined ? {} : { Battery: { DataSource: 'adb', TrustLevel: 'paired', PairingSupported: true, HealthPercent: 95, CurrentLevel: battery, ChargingStatus: 'charging' } }),
  };
}
