/** The central server as a process: prints `central {json}` once it is ready. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { z } from 'zod';
import { startCentral, type Central } from '../central/central.ts';
import { NewerSchemaError } from '../central/database.ts';
import { directory } from '../central/directory.ts';
import { EmbeddedPostgresError, startEmbedded, type EmbeddedPostgres } from '../central/embedded.ts';
import { StartRefused } from '../central/first-start.ts';
import { KeysMissing } from '../central/keys.ts';
import { projectEntry } from '../domain/projection.ts';
import { mdmFile, openMdms } from './central-mdm.ts';

const portFlag = z.coerce.number('give a number').int().min(0).max(65_535);
const flagsShape = z.object({
  data: z.string('give --data DIR').min(1),
  port: portFlag,
  'station-port': portFlag,
  host: z.string(),
  'station-name': z.array(z.string()),
  seed: z.string().optional(),
  mdm: z.string().optional(),
  clock: z.string().optional(),
  'tls-cert': z.string().optional(),
  'tls-key': z.string().optional(),
});
const fromParent = z.strictObject({ want: z.literal('code'), ward: z.string(), cart: z.string() });

/** What an error says and where; never its other fields, which may hold a connection with its password. */
const plainError = (error: Error & { code?: unknown }): object => ({ type: error.name, message: error.message, ...(error.code === undefined ? {} : { code: error.code }), stack: error.stack });
const log = pino({ name: 'central', level: process.env['LOG_LEVEL'] ?? 'info', serializers: { err: plainError } }, pino.destination({ fd: 2, sync: true }));
const opened: (() => void | Promise<void>)[] = [];

async function start(flags: z.infer<typeof flagsShape>): Promise<void> {
  const dataFolder = path.resolve(flags.data);
  const now = await openClock(flags.clock);
  const databaseUrl = process.env['DATABASE_URL'] ?? (await ownDatabase(path.join(dataFolder, 'postgres')));
  const central = await startCentral({
    databaseUrl,
    dataFolder,
    directory: flags.seed === undefined ? undefined : parseFile(directory, await readNamed(flags.seed, '--seed'), flags.seed),
    host: flags.host,
    port: flags.port,
    stationPort: flags['station-port'],
    stationNames: flags['station-name'],
    tls: flags['tls-cert'] === undefined || flags['tls-key'] === undefined ? undefined : { certificatePem: await readNamed(flags['tls-cert'], '--tls-cert'), keyPem: await readNamed(flags['tls-key'], '--tls-key') },
    fleetFolder: fileURLToPath(new URL('../../dist/fleet', import.meta.url)),
    mdm: flags.mdm === undefined ? undefined : await openMdms(parseFile(mdmFile, await readNamed(flags.mdm, '--mdm'), flags.mdm), flags.mdm, now, { read: readNamed, parse: parseFile }),
    project: projectEntry,
    now,
    log,
  });
  opened.push(() => central.close());
  answerParent(central);
  process.stdout.write(`central ${JSON.stringify({ url: central.url, stationUrl: central.stationUrl, ...central.firstSecrets })}\n`);
}

async function openClock(url: string | undefined): Promise<() => number> {
  if (url === undefined) return Date.now;
  const { worldClock } = await import('../simulator/world-clock.ts');
  const clock = await worldClock(url);
  opened.push(() => clock.close());
  return () => Math.floor(clock.wallMs());
}

async function ownDatabase(folder: string): Promise<string> {
  const server: EmbeddedPostgres = await startEmbedded(folder);
  opened.push(() => server.stop());
  return server.url;
}

async function readNamed(file: string, flag: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new StartRefused(`The file given as ${flag} cannot be read: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

function parseFile<T>(shape: z.ZodType<T>, text: string, file: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new StartRefused(`${file} is not JSON. Mend it or give another file.`, { cause });
  }
  const parsed = shape.safeParse(value);
  if (!parsed.success) throw new StartRefused(`${file} is not as expected: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).slice(0, 5).join('; ')}.`);
  return parsed.data;
}

/** The program that started this one may ask for a one-time code for its own station; when it goes, so does this. */
function answerParent(central: Central): void {
  process.on('message', (message: unknown) => {
    const wanted = fromParent.safeParse(message);
    if (!wanted.success) return void log.warn('a message of the parent was not understood');
    central.makeCode(wanted.data).then(
      (made) => process.send?.(made.ok ? { code: made.value.code } : { reason: made.reason.reason, message: made.reason.message }),
      (error: unknown) => {
        log.error({ err: error }, 'no code could be made');
        process.send?.({ reason: 'unavailable', message: 'The server could not make a code.' });
      },
    );
  });
}

let stopping: Promise<void> | undefined;
function stop(code: number): Promise<void> {
  stopping ??= (async () => {
    for (const release of opened.splice(0).reverse()) await release();
    process.exit(code);
  })().catch((error: unknown) => {
    log.error({ err: error }, 'did not stop cleanly');
    process.exit(1);
  });
  return stopping;
}

function tellAndStop(error: unknown): Promise<void> {
  const forPeople = error instanceof StartRefused || error instanceof EmbeddedPostgresError || error instanceof KeysMissing || error instanceof NewerSchemaError;
  if (forPeople) process.stderr.write(`central: ${error.message}\n`);
  else log.fatal({ err: error }, 'central could not start');
  return stop(1);
}

const { values } = parseArgs({
  options: {
    data: { type: 'string' },
    port: { type: 'string', default: '8080' },
    'station-port': { type: 'string', default: '8443' },
    host: { type: 'string', default: '127.0.0.1' },
    'station-name': { type: 'string', multiple: true, default: [] },
    seed: { type: 'string' },
    mdm: { type: 'string' },
    clock: { type: 'string' },
    'tls-cert': { type: 'string' },
    'tls-key': { type: 'string' },
  },
});
process.on('SIGTERM', () => void stop(0));
process.on('SIGINT', () => void stop(0));
if (process.channel) process.on('disconnect', () => void stop(0));
const parsed = flagsShape.safeParse(values);
if (parsed.success) await start(parsed.data).catch(tellAndStop);
else await tellAndStop(new StartRefused(parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('; ')));
