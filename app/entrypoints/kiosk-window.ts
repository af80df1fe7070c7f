import { spawn } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** What can show the kiosk on this machine: Electron where its binary is present, else a Chromium in kiosk mode. */
export type KioskWindow = { readonly kind: 'electron'; readonly program: string; readonly app: string } | { readonly kind: 'chromium'; readonly program: string };

const CHROMIUMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome'];

/** Nothing where there is no screen to open a window on, or nothing to open it with. */
export async function chooseWindow(): Promise<KioskWindow | undefined> {
  if (process.platform === 'linux' && !process.env['DISPLAY'] && !process.env['WAYLAND_DISPLAY']) return undefined;
  const app = join(import.meta.dirname, '../..');
  const electron = electronBinary();
  if (electron !== undefined && (await isProgram(electron)) && (await isProgram(join(app, 'dist/shell/main.cjs'), constants.R_OK))) return { kind: 'electron', program: electron, app };
  for (const program of CHROMIUMS) if (await isProgram(program)) return { kind: 'chromium', program };
  return undefined;
}

/** Opens it; resolves with the way to close it. */
export async function openWindow(window: KioskWindow, profile: string, url: string): Promise<() => Promise<void>> {
  await mkdir(profile, { recursive: true });
  const root = process.getuid?.() === 0;
  const shown =
    window.kind === 'electron'
      ? spawn(window.program, [window.app, ...(root ? ['--no-sandbox'] : [])], { stdio: 'ignore', env: { ...process.env, DOCKWARD_KIOSK_URL: webSocketOf(url), DOCKWARD_WINDOWED: '1' } })
      : spawn(
          window.program,
          [
            '--kiosk',
            `--app=${url}`,
            `--user-data-dir=${profile}`,
            '--no-first-run',
            '--disable-background-networking',
            '--disable-component-update',
            '--disable-sync',
            '--disable-quic',
            '--noerrdialogs',
            ...(root ? ['--no-sandbox', '--test-type'] : []),
          ],
          { stdio: 'ignore' },
        );
  const gone = new Promise<void>((resolve) => {
    shown.once('exit', () => resolve());
    shown.once('error', () => resolve());
  });
  return async () => {
    shown.kill('SIGTERM');
    await gone;
  };
}

/** Where the package would keep the binary, without asking it to download one. */
function electronBinary(): string | undefined {
  try {
    const folder = dirname(createRequire(import.meta.url).resolve('electron/package.json'));
    return join(folder, 'dist', process.platform === 'win32' ? 'electron.exe' : 'electron');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') return undefined;
    throw error;
  }
}

const webSocketOf = (url: string): string => {
  const { host, hash } = new URL(url);
  return `ws://${host}/kiosk?${hash.slice(1)}`;
};

const isProgram = (path: string, mode = constants.X_OK): Promise<boolean> =>
  access(path, mode).then(
    () => true,
    () => false,
  );
