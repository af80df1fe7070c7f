/** `npm run doctor`: what this cart has and lacks, and how to mend each. */
import { execFile } from 'node:child_process';
import { access, constants, readdir, readFile, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { systemClock } from '../native/clock.ts';
import { pcscReaders } from '../native/readers/pcsc.ts';
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
const run = promisify(execFile);
const PCSCD_SOCKET = '/run/pcscd/pcscd.comm';
const LOOK_MS = 3_000;

const findings: Finding[] = [versions(), ...(await readers()), ...(await usb()), ...(await hidraw()), ...(await tablets()), await pages(), await window()];
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
  if (names.length === 0) return [{ good: false, what: 'USB: no device on any port', mend: 'connect the hub; its ports appear here as 1-1.4 and the like' }];
  const text = (name: string, file: string): Promise<string> => readFile(join(folder, name, file), 'utf8').then((value) => value.trim(), () => '');
  return Promise.all(
    names.sort().map(async (name) => {
      const hub = (await text(name, 'bDeviceClass')) === '09';
      return { good: true, what: `USB ${name}: ${hub ? 'hub ' : ''}${await text(name, 'product')}${hub ? '' : `, serial ${(await text(name, 'serial')) || 'none'}`}` };
    }),
  );
}

async function hidraw(): Promise<readonly Finding[]> {
  const devices = (await readdir('/dev').catch(() => [])).filter((name) => name.startsWith('hidraw'));
  const closed: string[] = [];
  for (const name of devices) await access(join('/dev', name), constants.R_OK).catch(() => closed.push(name));
  if (closed.length === 0) return [];
  return [{ good: false, what: `HID devices this user may not read: ${closed.join(', ')}`, mend: 'a udev rule with TAG+="uaccess" or a group for the reader, then udevadm control --reload && udevadm trigger' }];
}

async function tablets(): Promise<readonly Finding[]> {
  const found = await run('adb', ['version']).then(
    ({ stdout }) => stdout.split('\n')[0],
    () => undefined,
  );
  return [found === undefined ? { good: true, what: 'adb: not installed (optional: the cart needs only the USB serial)' } : { good: true, what: found }];
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
