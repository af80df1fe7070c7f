/**
 * `npm start`: the whole product on one machine. A world (virtual cart, MDM, network), the central server, one station
 * enrolled with it and the kiosk window, each its own process; this program starts them, watches them and ends them.
 */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { chooseWindow, openWindow } from './kiosk-window.ts';
import { runProgram, type RunningProgram } from './run-program.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const say = (line: string): void => void process.stderr.write(`${line}\n`);

const { values: flags } = parseArgs({
  options: {
    headless: { type: 'boolean', default: false },
    data: { type: 'string', default: here('../../.cache/demo') },
    port: { type: 'string', default: '8080' },
    'station-port': { type: 'string', default: '8443' },
    'kiosk-port': { type: 'string', default: '8090' },
    'simulator-port': { type: 'string', default: '8070' },
    cart: { type: 'string', default: 'simulated' },
    config: { type: 'string' },
    central: { type: 'string' },
    code: { type: 'string' },
    at: { type: 'string' },
  },
});

const simulatorLine = z.object({ url: z.string(), mdm: z.object({ baseUrl: z.string(), enterprise: z.string(), serviceAccountFile: z.string() }), network: z.object({ port: z.int() }) });
const centralLine = z.object({ url: z.string(), stationUrl: z.string(), admin: z.object({ user: z.string(), password: z.string() }).optional(), auditorToken: z.string().optional() });
const stationLine = z.object({ id: z.string(), data: z.string(), kiosk: z.object({ url: z.string() }) });
const codeAnswer = z.union([z.object({ code: z.string() }), z.object({ reason: z.string(), message: z.string() })]);

const ward = z.object({ wards: z.array(z.object({ id: z.string() })), cart: z.object({ ward: z.string(), name: z.string(), shelves: z.array(z.array(z.int())) }) });

const programs: RunningProgram[] = [];
const closing: (() => Promise<void>)[] = [];
let stopping: Promise<void> | undefined;

async function start(): Promise<void> {
  if (flags.cart !== 'simulated' && flags.cart !== 'real') throw new Error('--cart is simulated or real');
  const data = resolve(flags.data);
  await mkdir(data, { recursive: true, mode: 0o700 });
  const simulated = flags.cart === 'simulated';
  if (!simulated && flags.config === undefined) throw new Error('a real cart needs --config FILE: which readers it has and how its slots stand. The README shows one.');
  const demoFile = here('../../resources/demo/ward.json');
  const demo = ward.parse((await import('../../resources/demo/ward.json', { with: { type: 'json' } })).default);

  const world = simulated
    ? await run('simulator', (earlier) => ['--data', join(data, 'simulator'), '--port', portOf(earlier?.url, flags['simulator-port']), '--directory', demoFile, '--parent-ipc', ...startTime()], simulatorLine)
    : undefined;
  const clockAndMdm = world ? ['--clock', world.line.url, '--mdm', await mdmFile(data, world.line.mdm)] : [];
  const central =
    flags.central === undefined
      ? await run(
          'central',
          (earlier) => ['--data', join(data, 'central'), '--port', portOf(earlier?.url, flags.port), '--station-port', portOf(earlier?.stationUrl, flags['station-port']), '--seed', demoFile, ...clockAndMdm],
          centralLine,
        )
      : undefined;
  const stationUrl = flags.central ?? central?.line.stationUrl ?? '';
  const { hostname, port } = new URL(stationUrl);
  world?.program.send({ network: { host: hostname, port: Number(port) } });

  const stationData = join(data, 'station');
  const code = flags.code ?? (central && !(await isEnrolled(stationData)) ? await codeFrom(central.program, demo.cart) : undefined);
  const configFile = flags.config ?? (await stationConfigFile(data, demo.cart.shelves));
  const station = await run(
    'station',
    (earlier) => [
      '--data',
      stationData,
      '--config',
      configFile,
      '--central',
      world ? `https://127.0.0.1:${world.line.network.port}` : stationUrl,
      '--kiosk-port',
      portOf(earlier?.kiosk.url, flags['kiosk-port']),
      ...(code === undefined ? [] : ['--code', code]),
      ...(world ? ['--simulator', world.line.url] : []),
    ],
    stationLine,
    { told: (pid) => world?.program.send({ stationPid: pid }), environment: { DOCKWARD_KIOSK_TOKEN: randomBytes(16).toString('hex') } },
  );
  const ready = {
    ...(central ? { central: { url: central.line.url, stationUrl: central.line.stationUrl, admin: central.line.admin, auditorToken: central.line.auditorToken } } : { central: { stationUrl } }),
    kiosk: { url: station.line.kiosk.url },
    ...(world ? { simulator: { url: world.line.url } } : {}),
    station: { id: station.line.id, data: stationData },
  };
  process.stdout.write(`ready ${JSON.stringify(ready)}\n`);
  if (flags.headless) return;
  const window = await chooseWindow();
  if (!window) say(`No Electron and no Chromium was found. Open the kiosk in a browser: ${station.line.kiosk.url}`);
  else closing.push(await openWindow(window, join(data, 'window'), station.line.kiosk.url));
  if (world) say(`The cart and its badges: ${world.line.url}\nThe fleet page: ${central?.line.url ?? stationUrl}  (user ${central?.line.admin?.user}, password ${central?.line.admin?.password})`);
}

/** Starts one of our programs, waits for its line, and starts it again whenever it ends while we run. */
async function run<T>(
  name: string,
  args: (earlier: T | undefined) => readonly string[],
  shape: z.ZodType<T>,
  { told = () => undefined, environment = {} }: { told?: (pid: number | null) => void; environment?: Readonly<Record<string, string>> } = {},
): Promise<{ line: T; program: RunningProgram }> {
  const read = (line: string): T => shape.parse(JSON.parse(line));
  const program = await runProgram({
    name,
    file: here(`./${name}-node.ts`),
    args: (earlier) => args(earlier === undefined ? undefined : read(earlier)),
    environment,
    told,
    giveUp: (message) => void end(1, message),
  });
  programs.push(program);
  return { line: read(program.line), program };
}

/** A program that is started again listens where it did: the kiosk's page, the network and the clock lead there. */
const portOf = (url: string | undefined, wanted: string): string => (url === undefined ? wanted : new URL(url).port);

/** With a window the ward opens at ten to seven; a headless run keeps the machine's own time. */
function startTime(): readonly string[] {
  const at = flags.at ?? (flags.headless ? undefined : '06:50');
  return at === undefined ? [] : ['--at', at];
}

async function mdmFile(data: string, mdm: z.infer<typeof simulatorLine>['mdm']): Promise<string> {
  const file = join(data, 'mdm.json');
  await writeFile(file, JSON.stringify({ kind: 'amapi', enterprise: mdm.enterprise, serviceAccountFile: mdm.serviceAccountFile, baseUrl: mdm.baseUrl, ordersUpdates: true }), { mode: 0o600 });
  return file;
}

async function stationConfigFile(data: string, shelves: readonly (readonly number[])[]): Promise<string> {
  const file = join(data, 'station.json');
  const timeZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  await writeFile(file, JSON.stringify({ readers: 'simulated', slots: 'simulated', shelves, timeZone, language: 'en' }, null, 2));
  return file;
}

/** An enrolled station needs no code; one that was never started, or died before it was enrolled, does. */
async function isEnrolled(stationData: string): Promise<boolean> {
  const file = join(stationData, 'identity.json');
  return existsSync(file) && 'enrolment' in (JSON.parse(await readFile(file, 'utf8')) as object);
}

async function codeFrom(program: RunningProgram, cart: z.infer<typeof ward>['cart']): Promise<string> {
  const answer = codeAnswer.parse(await program.ask({ want: 'code', ward: cart.ward, cart: cart.name }));
  if ('code' in answer) return answer.code;
  throw new Error(`the central server made no enrolment code: ${answer.message}`);
}

function end(code: number, message?: string): Promise<void> {
  stopping ??= (async () => {
    if (message !== undefined) say(message);
    for (const close of closing) await close();
    for (const program of [...programs].reverse()) await program.stop();
    process.exit(code);
  })();
  return stopping;
}
process.on('SIGINT', () => void end(0));
process.on('SIGTERM', () => void end(0));

start().catch((error: unknown) => end(1, `start: ${error instanceof Error ? error.message : String(error)}`));
