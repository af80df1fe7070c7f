import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createAmapi } from '../../../app/central/mdm/amapi/amapi.ts';
import { updateOnce } from '../../../app/central/os-updates.ts';
import { PRODUCTION_PACE, workOnce } from '../../../app/central/sanitization.ts';
import type { BundleDevice } from '../../../app/contract/policy-bundle.ts';
import { createAmapiDouble } from '../../../app/simulator/mdm/amapi-double.ts';
import { makeServiceAccount } from '../../../app/simulator/mdm/service-account.ts';
import type { Mdm } from '../../../app/simulator/world/mdm.ts';
import { collectLog, DIRECTORY_WITHOUT_PINS, startTestCentral, type TestCentral } from '../../central/demo-central.ts';
import { enrolStation, type TestStation } from '../../central/demo-station.ts';
import { startTestPostgres } from '../postgres.ts';
import type { CartIdentity } from './night-cart.ts';
import type { ServerSide, ToldStatement } from './night-world.ts';

/** The real server on a PostgreSQL of its own, with the Android Management API's double before the virtual tablets, over HTTP both ways. */
export interface WholeServer {
  readonly central: TestCentral;
  readonly station: TestStation;
  readonly identity: CartIdentity;
  /** Time of the server when it was started, Unix milliseconds: certificates know no other. */
  readonly startMs: number;
  side(mdm: Mdm, nowMs: () => number): Promise<ServerSide>;
  /** What became of the requests for this tablet, oldest first. */
  requests(serial: string): Promise<readonly { readonly request: string; readonly station: string; readonly state: string; readonly failure: string | null }[]>;
  close(): Promise<void>;
}

export async function wholeServer(devices: readonly BundleDevice[]): Promise<WholeServer> {
  const postgres = await startTestPostgres();
  const central = await startTestCentral(await postgres.createDatabase(), { directory: { ...DIRECTORY_WITHOUT_PINS, devices: [...devices] } });
  const startMs = central.clock.now();
  const station = await enrolStation(central);
  const account = makeServiceAccount('http://replaced/token');
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const here = { ...account, file: { ...account.file, token_uri: `${url}/token` } };
  return {
    central,
    station,
    identity: { tenant: central.keys.tenant, station: station.id, ledgerKey: station.ledgerKey },
    startMs,
    side: (mdm, nowMs) => {
      http.removeAllListeners('request');
      http.on('request', createAmapiDouble({ mdm, account: here, retryAfterS: 7 }));
      const adapter = createAmapi({ enterprise: mdm.enterprise, serviceAccount: here.file, baseUrl: url, ordersUpdates: true, now: nowMs, used: () => undefined });
      const deps = { database: central.database, keys: central.keys, adapter, pace: PRODUCTION_PACE, log: collectLog().log, now: nowMs };
      let dueMs: number | undefined;
      let held = 0;
      let grown = true;
      const told: ToldStatement[] = [];
      return Promise.resolve<ServerSide>({
        work: async (atMs) => {
          central.clock.ms = atMs;
          if (!grown && (dueMs === undefined || dueMs > atMs)) return;
          grown = false;
          while ((await workOnce(deps)) || (await updateOnce(deps)));
          for (const { cursor, claims } of await station.statements(told.at(-1)?.cursor)) told.push({ cursor, statement: { digest: 'd1'.repeat(32), claims } });
          const next = await central.database.query<{ at: number | null }>(`select min(next_at_ms) as at from sanitization_request r where state in ('requested', 'issuing', 'observing', 'complete') and not exists (select 1 from sanitization_request newer where newer.serial = r.serial and newer.arrival > r.arrival and newer.state <> 'superseded')`);
          const update = await central.database.query<{ at: number | null }>(`select min(next_at_ms) as at from update_request where state <> 'over'`);
          const dues = [next.rows[0]?.at, update.rows[0]?.at].flatMap((at) => at ?? []);
          dueMs = dues.length === 0 ? undefined : Math.min(...dues);
        },
        read: async (store) => {
          if (store.size() === held) return;
          const checkpoint = await store.checkpoint();
          if (!checkpoint.ok) throw new Error(`no checkpoint: ${checkpoint.reason}`);
          const entries = (await store.entries(held, checkpoint.value.size - held)).map(({ bytes }) => bytes.toString('base64'));
          const answer = await station.request('POST', '/v1/log/entries', { origin: station.origin, from: held, entries, checkpoint: checkpoint.value.note });
          if (answer.status !== 200) throw new Error(answer.text);
          held = checkpoint.value.size;
          grown = true;
        },
        statementsAfter: (after) => told.filter(({ cursor }) => cursor > after),
        nextDueMs: () => dueMs,
      });
    },
    requests: async (serial) => (await central.database.query<{ request: string; station: string; state: string; failure: string | null }>('select request, station, state, failure from sanitization_request where serial = $1 order by arrival', [serial])).rows,
    close: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await central.close();
      await postgres.stop();
    },
  };
}
