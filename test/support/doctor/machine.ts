import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { usbTree, type UsbTree } from '../usb/usb-tree.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const DOCTOR = join(ROOT, 'scripts/doctor.ts');
const NOBODY = '65534';
const AS_NOBODY = ['setpriv', '--reuid', NOBODY, '--regid', NOBODY, '--clear-groups', '--'];
/** /sys and /dev of our own; of the real /dev what every program needs. */
const MOUNTS = `
mount -t tmpfs -o mode=755 tmpfs /sys
mkdir /sys/our-dev
mount -t tmpfs -o mode=755 tmpfs /sys/our-dev
for name in null zero full random urandom tty; do touch "/sys/our-dev/$name"; mount --bind "/dev/$name" "/sys/our-dev/$name"; done
mount --rbind /sys/our-dev /dev
`;

/** A machine whose USB buses and device nodes are the test's. Made anew for each test. */
export interface Machine {
  readonly bus: UsbTree;
  /** The tablet on this port lets adb in; `node` is what an adb server would open. */
  letsAdbIn(port: string, enumeration: number): { readonly node: string };
}

/** Replaces /sys and /dev of this namespace; only inside a testbed with mounts of its own. */
export function ownMachine(): Machine {
  execFileSync('sh', ['-ec', MOUNTS]);
  onTestFinished(() => void execFileSync('umount', ['-l', '/dev', '/sys']));
  const bus = usbTree('/sys');
  return {
    bus,
    letsAdbIn(port, enumeration) {
      const folder = join(bus.devices, `${port}:1.0`);
      mkdirSync(folder, { recursive: true });
      for (const [file, value] of Object.entries({ bInterfaceClass: 'ff', bInterfaceSubClass: '42', bInterfaceProtocol: '01' })) writeFileSync(join(folder, file), `${value}\n`);
      const node = `/dev/bus/usb/001/${String(enumeration).padStart(3, '0')}`;
      mkdirSync(dirname(node), { recursive: true });
      writeFileSync(node, '', { mode: 0o600 });
      return { node };
    },
  };
}

/** A configuration file that anybody may read, until the end of the test. */
export function stationJson(config: unknown): string {
  const folder = mkdtempSync(join(tmpdir(), 'dockward-doctor-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  execFileSync('chmod', ['755', folder]);
  const file = join(folder, 'station.json');
  writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
  return file;
}

/** Why the doctor cannot be run as somebody without rights here; undefined where it can. */
export function whyNoNobody(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can become somebody else';
  const [program = '', ...args] = AS_NOBODY;
  const tried = spawnSync(program, [...args, process.execPath, '-e', `require('node:fs').readFileSync(${JSON.stringify(DOCTOR)})`]);
  return tried.status === 0 ? undefined : 'setpriv is not installed, or this checkout may be read by its owner only';
}

export interface Examined {
  readonly code: number;
  /** What it printed, paths and versions of this machine replaced. */
  readonly text: string;
  /** The lines of one group, as printed. */
  group(name: string): string;
}

/** Runs the unmodified doctor. It sees no screen, so that every machine says the same of its window. */
export function examine(args: readonly string[], { asNobody = false, home = '/' } = {}): Promise<Examined> {
  const [program = '', ...rest] = [...(asNobody ? AS_NOBODY : []), process.execPath, DOCTOR, ...args];
  const { DISPLAY: _display, WAYLAND_DISPLAY: _wayland, ...inherited } = process.env;
  // udev's library refuses a /sys that is no sysfs unless it is told.
  const env = { ...inherited, SYSTEMD_DEVICE_VERIFY_SYSFS: '0', HOME: home };
  return new Promise((resolve, reject) => {
    execFile(program, rest, { env, cwd: ROOT, timeout: 20_000, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      const code = error === null ? 0 : error.code;
      if (typeof code !== 'number' || stderr !== '') return reject(new Error(`the doctor ended with ${String(code)}:\n${stdout}${stderr}`));
      const text = withoutMachine(stdout, args);
      resolve({ code, text, group: (name) => groupOf(text, name) });
    });
  });
}

function withoutMachine(text: string, args: readonly string[]): string {
  const named = args.filter((arg) => arg.startsWith('/')).reduce((plain, path) => plain.replaceAll(path, path.split('/').at(-1) ?? ''), text.replaceAll(ROOT, ''));
  return named.replace(/Dockward [\d.]+, Node [\d.]+, SQLite [\d.]+, \w+ \w+/, 'Dockward V, Node V, SQLite V, a system').replace(/Electron [\d.]+/, 'Electron V');
}

function groupOf(text: string, name: string): string {
  return text.split('\n\n').find((part) => part.startsWith(`${name}\n`))?.trimEnd() ?? `no group ${name} in:\n${text}`;
}

/** The doctor's verdict on a cart that lacks nothing depends on whether this checkout was built. */
export const isKioskBuilt = (): boolean => existsSync(join(ROOT, 'dist/kiosk/index.html'));
