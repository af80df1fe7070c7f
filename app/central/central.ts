import { mkdir } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Server as TlsServer } from 'node:https';
import type { FastifyInstance } from 'fastify';
import type { RecordedEntry } from '../domain/entries.ts';
import type { CartView, Change } from '../domain/tables.ts';
import { issueServerCertificate, type PemPair } from './authority.ts';
import { createBundleStore } from './bundle.ts';
import { openDatabase, type Database } from './database.ts';
import { countCredentialUses } from './credential-use.ts';
import { importDirectory, type Directory } from './directory.ts';
import { makeCode, type Place } from './enrolment.ts';
import { openFirstSecrets, openTenant, StartRefused, type FirstSecrets } from './first-start.ts';
import type { Log, Refusal } from './http-reply.ts';
import { createIngest } from './ingest.ts';
import type { TenantKeys } from './keys.ts';
import type { CredentialUsed } from './mdm/adapter.ts';
import type { Mdm } from './mdm/by-platform.ts';
import { useMdms } from './mdms-in-use.ts';
import { createPeopleHttp } from './people-http.ts';
import { refuseUnreachable, unreachableIn } from './reachable.ts';
import type { SanitizationPace } from './sanitization.ts';
import { addCustodyStatement } from './statements.ts';
import { followServerKeys } from './server-keys.ts';
import { createStationHttp } from './station-http.ts';
import { createWakener } from './wakener.ts';
import { witnessOnPostgres } from './witness-postgres.ts';
import type { Result } from '../domain/result.ts';

export interface CentralOptions {
  readonly databaseUrl: string;
  /** Holds the keys and the first secrets; 0700. */
  readonly dataFolder: string;
  /** Imported at the start, if given; names the tenant of a new database. */
  readonly directory: Directory | undefined;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly stationPort: number;
  /** Names or addresses under which stations reach this server, beside localhost and 127.0.0.1. */
  readonly stationNames: readonly string[];
  /** Certificate of the people's listener; without it only a loopback address is allowed. */
  readonly tls: PemPair | undefined;
  readonly fleetFolder: string;
  readonly mdm: MdmSetup | undefined;
  readonly project: (view: CartView, entry: RecordedEntry) => readonly Change[];
  /** Unix milliseconds. */
  readonly now: () => number;
  readonly log: Log;
}

/** The MDMs that a file names, made once there is a database. Others are set on the fleet page. */
export interface MdmSetup {
  readonly open: (base: { readonly database: Database; readonly used: CredentialUsed }) => readonly Mdm[];
  readonly pace: SanitizationPace;
}

export interface Central {
  readonly url: string;
  readonly stationUrl: string;
  readonly firstSecrets: FirstSecrets | undefined;
  readonly database: Database;
  readonly keys: TenantKeys;
  makeCode(place: Place): Promise<Result<{ code: string; expiresAtMs: number }, Refusal>>;
  /** Answers what is under way, then lets go of ports and database. */
  close(): Promise<void>;
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost']);
const CLOSE_PATIENCE_MS = 3_000;
const SERVER_CERTIFICATE_EVERY_MS = 86_400_000;

/** Starts one process of the central server. Several may run on one database, if they share the data folder's keys. */
export async function startCentral(options: CentralOptions): Promise<Central> {
  const { log, now } = options;
  if (!options.tls && !LOOPBACK.has(options.host)) {
    throw new StartRefused(`People would sign in to ${options.host} without encryption. Give a certificate (--tls-cert FILE --tls-key FILE) or keep --host 127.0.0.1.`);
  }
  await mkdir(options.dataFolder, { recursive: true, mode: 0o700 });
  const database = await openDatabase(options.databaseUrl, (error) => log.error({ err: error }, 'the database connection failed'));
  const opened: (() => Promise<unknown>)[] = [() => database.close()];
  const close = async (): Promise<void> => {
    for (const release of opened.splice(0).reverse()) await release();
  };
  try {
    const keys = await openTenant(database, options.dataFolder, options.directory?.tenant ?? 'dockward', now());
    const uses = countCredentialUses({ database, now, log });
    opened.push(() => uses.close());
    const mdms = await useMdms({ database, keys, now, log, used: uses.used }, options.mdm);
    if (options.directory) {
      refuseUnreachable(unreachableIn(options.directory, mdms.all()));
      await importDirectory(database, keys, options.directory);
    }
    const firstSecrets = await openFirstSecrets({ database, now }, options.dataFolder);
    const bundles = createBundleStore(database, keys, now);
    const wakener = await createWakener(database);
    opened.push(() => wakener.close());
    const base = { database, keys, now, log };

    const following = new AbortController();
    const followed = followServerKeys(database, keys, wakener, following.signal, (error) => log.error({ err: error }, 'the server keys could not be read anew'));
    opened.push(() => (following.abort(), followed));
    const queue = mdms.run(wakener);
    opened.push(() => queue.close());
    const serverCertificate = (): Promise<PemPair> => issueServerCertificate(keys.authority, keys.tenant, [options.host, ...options.stationNames].filter((name) => name !== '0.0.0.0' && name !== '::'));
    const stations = createStationHttp({ ...base, ingest: createIngest({ ...base, store: witnessOnPostgres(database, (client, claims) => addCustodyStatement(client, keys, { ...claims, tenant: keys.tenant, issuedAtMs: now() })), project: options.project }), bundles, wakener, server: await serverCertificate() });
    const stationUrl = await listen(stations, options.host, options.stationPort, '--station-port');
    opened.push(() => closeListener(stations));
    const renewal = setInterval(() => {
      serverCertificate().then(
        (fresh) => (stations.server as unknown as TlsServer).setSecureContext({ key: fresh.keyPem, cert: `${fresh.certificatePem}\n${keys.authority.certificatePem}`, ca: keys.authority.certificatePem }),
        (error: unknown) => log.error({ err: error }, 'the server certificate could not be renewed'),
      );
    }, SERVER_CERTIFICATE_EVERY_MS);
    opened.push(async () => clearInterval(renewal));
    const people = await createPeopleHttp({ ...base, project: options.project, tls: options.tls, fleetFolder: options.fleetFolder, mdms, uses });
    const url = await listen(people, options.host, options.port, '--port');
    opened.push(() => closeListener(people));
    return { url, stationUrl, firstSecrets, database, keys, makeCode: (place) => makeCode(base, place), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Lets what is under way finish, but for no longer than a moment. */
async function closeListener(app: FastifyInstance): Promise<void> {
  const cut = setTimeout(() => app.server.closeAllConnections(), CLOSE_PATIENCE_MS);
  try {
    await app.close();
  } finally {
    clearTimeout(cut);
  }
}

async function listen(app: FastifyInstance, host: string, port: number, flag: string): Promise<string> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') throw new StartRefused(`Port ${port} on ${host} is already in use. End the program that holds it, or choose another with ${flag} N (0: any free port).`);
    if (code === 'EACCES') throw new StartRefused(`This user may not listen on port ${port}. Choose one above 1023 with ${flag} N.`);
    if (code === 'EADDRNOTAVAIL') throw new StartRefused(`This machine has no address ${host}. Give one of its own with --host.`);
    throw error;
  }
  const address = app.server.address() as AddressInfo;
  const name = host.includes(':') ? `[${host}]` : host;
  return `${app.initialConfig.https ? 'https' : 'http'}://${name}:${address.port}`;
}
