/** The virtual cart and its world, as a process: prints `simulator {json}` once it is ready. */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { directory } from '../simulator/directory.ts';
import { createSimulator } from '../simulator/simulator.ts';

const log = (line: string): void => void process.stderr.write(`${line}\n`);
const projectFile = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '0' },
    directory: { type: 'string', default: projectFile('resources/demo/ward.json') },
    at: { type: 'string' },
    'parent-ipc': { type: 'boolean', default: false },
  },
});
const flags = z
  .object({ data: z.string().min(1, 'give --data DIR'), port: z.coerce.number().int().min(0).max(65_535), directory: z.string(), at: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'give --at HH:MM').optional() })
  .safeParse(values);
if (!flags.success) {
  log(`simulator: ${flags.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('; ')}`);
  process.exit(1);
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

/** What the start program tells: where the network leads, and which process is the station. */
const fromParent = z.union([
  z.strictObject({ network: z.strictObject({ host: z.string(), port: z.int().min(1).max(65_535) }) }),
  z.strictObject({ stationPid: z.int().min(1).nullable() }),
]);

async function start(given: typeof flags.data & object): Promise<void> {
  const simulator = await createSimulator({
    directory: directory.parse(JSON.parse(await readFile(given.directory, 'utf8'))),
    dataDir: given.data,
    port: given.port,
    ...(given.at === undefined ? {} : { at: given.at }),
    panelDir: projectFile('dist/panel'),
    random: Math.random,
    log,
    kill,
  });
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    simulator.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        log(`simulator: did not stop cleanly: ${String(error)}`);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', stop);
  // Ctrl-C reaches the whole process group; with a parent, the parent decides what it means.
  process.on('SIGINT', () => void (values['parent-ipc'] || stop()));
  if (values['parent-ipc']) {
    process.on('message', (message: unknown) => {
      const told = fromParent.safeParse(message);
      if (!told.success) log(`simulator: a message of the parent was not understood: ${JSON.stringify(message)}`);
      else if ('network' in told.data) simulator.leadNetwork(told.data.network);
      else simulator.setStationPid(told.data.stationPid ?? undefined);
    });
    process.on('disconnect', stop);
  }
  process.stdout.write(`simulator ${JSON.stringify(simulator.info)}\n`);
}

start(flags.data).catch((error: unknown) => {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') log(`simulator: port ${flags.data.port} is in use by another program. Give another with --port N, or 0 for any free one.`);
  else log(`simulator: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});
