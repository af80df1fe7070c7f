/**
 * `npm run doctor`: what this cart has and lacks, and how to mend each. `--learn 1-16`: makes the cart map instead: one tablet is plugged
 * through the slots, and `ports` of the configuration are printed for a person to look at.
 */
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../native/clock.ts';
import { hidReaders } from '../native/readers/hid/hid.ts';
import { pcscReaders } from '../native/readers/pcsc.ts';
import { adbTablets } from '../native/tablets/adb.ts';
import { appleTablets } from '../native/tablets/apple.ts';
import { loadUsbEvents } from '../native/usb/hotplug.ts';
import { learnPorts, learnSentence } from '../native/usb/learn-ports.ts';
import { SQLITE_VERSION } from '../app/storage/sqlite.ts';
import { chooseWindow } from '../app/entrypoints/kiosk-window.ts';
import packageJson from '../package.json' with { type: 'json' };
import { root } from './checks.ts';

interface Finding {
  readonly good: boolean;
  readonly what: string;
  /** What to do; only where something is missing. */
  readonly mend?: string;
}
const PCSCD_SOCKET = '/run/pcscd/pcscd.comm';
const LOOK_MS = 3_000;

/** The events of all adapters, as far as they are looked at here. */
interface Told {
  readonly event: string;
  readonly state?: string;
  readonly detail?: string | undefined;
  readonly reader?: string;
  readonly serial?: string;
  readonly standing?: string;
}

const { values: flags } = parseArgs({ options: { learn: { type: 'string' } } });
if (flags.learn !== undefined) await learnCart(flags.learn);

const [pcsc, hid, usbDevices, powered, android, apple] = await Promise.all([readers(), hidReader(), usb(), portPower(), androidTablets(), appleOnes()]);
const findings: Finding[] = [versions(), ...pcsc, ...hid, ...(await hidraw()), ...usbDevices, ...powered, ...android, ...apple, await pages(), await window()];
for (const { good, what, mend } of findings) process.stdout.write(`${good ? 'ok     ' : 'missing'}  ${what}${mend === undefined ? '' : `\n         → ${mend}`}\n`);
const missing = findings.filter(({ good }) => !good).length;
process.stdout.write(missing === 0 ? 'Everything a cart needs is here.\n' : `${missing} thing(s) missing. A cart works without what it does not use: see its configuration.\n`);

function versions(): Finding {
  return { good: true, what: `Dockward ${packageJson.version}, Node ${process.versions.node}, SQLite ${SQLITE_VERSION}, ${process.platform} ${process.arch}` };
}

async function readers(): Promise<readonly Finding[]> {
  if (process.platform === 'linux' && !(await answers(PCSCD_SOCKET))) {
    return [{ good: false, what: 'PC/SC service: pcscd does not answer', mend: 'apt-get install pcscd && systemctl enable --now pcscd.socket' }];
  }
  const seen = new Set<string>();
  let trouble: string | undefined;
  await new Promise<void>((resolve) => {
    const adapter = pcscReaders({ clock: systemClock }).start((event) => {
      if (event.event === 'reader' && event.state === 'present') seen.add(event.reader);
      if (event.event === 'adapter' && event.state !== 'working') trouble = event.detail ?? event.state;
    });
    setTimeout(() => void adapter.stop().then(resolve), LOOK_MS);
  });
  if (trouble !== undefined) return [{ good: false, what: `PC/SC readers: ${trouble}`, mend: 'apt-get install libpcsclite-dev g++ make python3, then run this command again: it builds the reader module' }];
  if (seen.size === 0) return [{ good: false, what: 'PC/SC readers: the service answers, no reader is attached', mend: 'plug a reader in; lsusb must show it, and libccid must know it (apt-get install libccid)' }];
  return [...seen].map((name) => ({ good: true, what: `PC/SC reader: ${name}` }));
}

/** Port paths as the configuration names them, with what sits in each. */
async function usb(): Promise<readonly Finding[]> {
  const folder = '/sys/bus/usb/devices';
  const names = (await readdir(folder).catch(() => [])).filter((name) => /^\d+-[\d.]+$/.test(name));
  const news = loadUsbEvents();
  const silent: readonly Finding[] = news.found ? [] : [{ good: false, what: `USB: changes are looked for four times a second, not told by the kernel: ${news.detail}`, mend: 'npm ci, with a network that reaches the package' }];
  if (names.length === 0) return [...silent, { good: false, what: 'USB: no device on any port', mend: 'connect the hub; its ports appear here as 1-1.4 and the like' }];
  const text = (name: string, file: string): Promise<string> => readFile(join(folder, name, file), 'utf8').then((value) => value.trim(), () => '');
  const seen = names.sort().map(async (name) => {
    const hub = (await text(name, 'bDeviceClass')) === '09';
    return { good: true, what: `USB ${name}: ${hub ? 'hub ' : ''}${await text(name, 'product')}${hub ? '' : `, serial ${(await text(name, 'serial')) || 'none'}`}` };
  });
  return [...silent, ...(await Promise.all(seen))];
}

async function hidraw(): Promise<readonly Finding[]> {
  const devices = (await readdir('/dev').catch(() => [])).filter((name) => name.startsWith('hidraw'));
  const closed: string[] = [];
  for (const name of devices) await access(join('/dev', name), constants.R_OK).catch(() => closed.push(name));
  if (closed.length === 0) return [];
  return [{ good: false, what: `HID devices this user may not read: ${closed.join(', ')}`, mend: 'cp resources/linux/70-dockward.rules /etc/udev/rules.d/ && udevadm control --reload && udevadm trigger, and this user into the group dockward' }];
}

/** What an adapter tells within a moment: where it stands, and whom it has found. */
async function look(start: (sink: (event: Told) => void) => { stop(): Promise<void> }): Promise<{ readonly standing: Told | undefined; readonly found: ReadonlyMap<string, string> }> {
  const found = new Map<string, string>();
  let standing: Told | undefined;
  const running = start((event) => {
    if (event.event === 'adapter') standing = event;
    if (event.event === 'reader' && event.reader !== undefined) found.set(event.reader, String(event.state));
    if (event.event === 'tablet' && event.serial !== undefined) found.set(event.serial, event.standing ?? '');
  });
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  await running.stop();
  return { standing, found };
}

async function hidReader(): Promise<readonly Finding[]> {
  const { standing, found } = await look(hidReaders({ clock: systemClock }).start);
  const seen = [...found].filter(([, state]) => state === 'present').map(([name]): Finding => ({ good: true, what: `HID badge reader: ${name} (set "hidReaders": true in station.json)` }));
  return standing?.detail === undefined ? seen : [...seen, { good: true, what: `HID badge readers: ${standing.detail}` }];
}

/** Optional: a hardened tablet tells nothing, and the cart needs only its USB serial. */
async function androidTablets(): Promise<readonly Finding[]> {
  const { standing, found } = await look(adbTablets({ clock: systemClock }).start);
  const tablets = [...found].map(([serial, how]): Finding => ({ good: how === 'read', what: `Android tablet ${serial}: ${how}`, ...(how === 'unauthorised' ? { mend: 'allow this cart on its screen, or set "tablets": {} in station.json: the cart works without' } : {}) }));
  return [...tablets, ...(standing?.detail === undefined ? [] : [{ good: true, what: `Android tablets (optional): ${standing.detail}` }])];
}

async function appleOnes(): Promise<readonly Finding[]> {
  const { standing, found } = await look(appleTablets({ clock: systemClock }).start);
  const tablets = [...found].map(([serial, how]): Finding => ({ good: how === 'read', what: `Apple tablet ${serial}: ${how}`, ...(how === 'unauthorised' ? { mend: 'idevicepair pair, and trust this cart on its screen; the cart works without' } : {}) }));
  return [...tablets, ...(standing?.detail === undefined ? [] : [{ good: true, what: `Apple tablets (optional): ${standing.detail}` }])];
}

/** Ports whose power the kernel can switch, and whether this user may. */
async function portPower(): Promise<readonly Finding[]> {
  const folder = '/sys/bus/usb/devices';
  const interfaces = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith(':1.0'));
  const files = (await Promise.all(interfaces.map(async (name) => (await readdir(join(folder, name)).catch(() => [])).filter((port) => /-port\d+$/.test(port)).map((port) => join(folder, name, port, 'disable'))))).flat();
  const there = (await Promise.all(files.map(async (file) => ((await stat(file).then(() => true, () => false)) ? [file] : [])))).flat();
  if (there.length === 0) return [{ good: true, what: 'USB port power: no hub here that the kernel can switch ("hub": {"kind": "none"}: the screen asks people to unplug)' }];
  const closed = (await Promise.all(there.map((file) => access(file, constants.W_OK).then(() => false, () => true)))).filter(Boolean).length;
  if (closed === 0) return [{ good: true, what: `USB port power: ${there.length} ports can be switched ("hub": {"kind": "kernel"})` }];
  return [{ good: false, what: `USB port power: ${closed} of ${there.length} ports may not be switched by this user`, mend: 'cp resources/linux/70-dockward.rules /etc/udev/rules.d/ && udevadm control --reload && udevadm trigger, then plug the hub in again' }];
}

async function learnCart(range: string): Promise<never> {
  const [first = Number.NaN, last = first] = range.split('-').map(Number);
  const slots = Array.from({ length: Math.max(0, last - first + 1) }, (_, n) => first + n);
  if (!slots.every((slot) => Number.isInteger(slot) && slot >= 1 && slot <= 99) || slots.length === 0) {
    process.stderr.write('Say which slots: npm run doctor -- --learn 1-16\n');
    process.exit(64);
  }
  const learning = learnPorts({ clock: systemClock, slots, onStep: ({ step }) => process.stdout.write(`${learnSentence(step)}\n`) });
  const ports = await learning.done;
  await learning.stop();
  process.stdout.write(`If this is how the cart stands, put it into station.json:\n"ports": ${JSON.stringify(ports)}\n`);
  process.exit(0);
}

async function pages(): Promise<Finding> {
  const built = await stat(join(root, 'dist/kiosk/index.html')).then(
    () => true,
    () => false,
  );
  return built ? { good: true, what: 'kiosk page: built' } : { good: false, what: 'kiosk page: not built', mend: 'npm run build' };
}

async function window(): Promise<Finding> {
  const electron = createRequire(import.meta.url)('electron/package.json') as { version: string };
  const chosen = await chooseWindow();
  if (chosen) return { good: true, what: `kiosk window: ${chosen.kind} (${chosen.program})` };
  return { good: false, what: `kiosk window: neither Electron ${electron.version}'s binary nor a Chromium with a display`, mend: 'npx electron --version fetches the binary; or apt-get install chromium, and start from a graphical session' };
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.setTimeout(1_000, () => resolve(false));
    socket.once('close', () => socket.destroy());
  }).then((good) => good as boolean);
}
