import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startCentral, type Central, type CentralOptions } from '../../app/central/central.ts';
import type { Directory } from '../../app/central/directory.ts';
import { projectEntry } from '../../app/domain/projection.ts';

export const BADGE = '04A4C123B1612D';
export const PIN = '538485';
export const SERIAL = 'R52TGNPY77Z';

/** One ward, one nurse, two tablets. */
export const DIRECTORY: Directory = {
  tenant: 'demo',
  wards: [{ id: '7e', name: 'Ward 7 East' }],
  staff: [
    { id: 's1001', name: 'Maria Kovac', short: 'Maria K.', roles: ['clinician'], wards: ['7e'], badgeUid: BADGE, pin: PIN },
    { id: 's1008', name: 'Ewa Nowak', short: 'Ewa N.', roles: ['supervisor'], wards: ['7e'], badgeUid: '04947ccf25ec84' },
  ],
  devices: [
    { serial: SERIAL, asset: 'T-101', ward: '7e', model: 'Samsung SM-X306B', platform: 'android', profile: 'ward-7-east', standing: 'admitted' },
    { serial: 'R52TXYYK596', asset: 'T-102', ward: '7e', model: 'Samsung SM-X306B', platform: 'android', profile: 'ward-7-east', standing: 'admitted' },
  ],
  rules: {
    mandatoryLeaves: ['standing', 'serial-in-slot', 'no-exposure', 'wipe-confirmed', 'enrolment-new', 'credentials-revoked', 'queue-clear', 'profile-present', 'posture', 'battery', 'bundle'],
    batteryFloorPercent: 30,
    batteryDriftPercentPerHour: 2,
    evidenceMaxAgeMs: 604_800_000,
    offerMs: 30_000,
    claimMs: 60_000,
    graceMs: 43_200_000,
    devicesPerPerson: 1,
    pinLockoutMs: 900_000,
    gapMaxMs: 10_000,
    rebootMaxMs: 900_000,
    sanitizationOverdueMs: 2_700_000,
    rolesThatMayTake: ['clinician', 'supervisor'],
    nightFrom: '21:00',
    nightTo: '06:30',
    ledgerKeyLifeMs: 7_776_000_000,
    cardPin: false,
  },
};

/** The directory without its PIN, whose verifier takes a third of a second to make. */
export const DIRECTORY_WITHOUT_PINS: Directory = { ...DIRECTORY, staff: DIRECTORY.staff.map(({ pin: _unused, ...member }) => member) };

export interface TestClock {
  ms: number;
  now(): number;
}

export function testClock(ms = Date.now()): TestClock {
  return {
    ms,
    now() {
      return this.ms;
    },
  };
}

export interface Logged {
  readonly lines: unknown[][];
  readonly log: CentralOptions['log'];
}

export function collectLog(): Logged {
  const lines: unknown[][] = [];
  const keep = (...line: unknown[]): void => void lines.push(line);
  return { lines, log: { info: keep, warn: keep, error: keep } };
}

export interface TestCentral extends Central {
  readonly clock: TestClock;
  readonly logged: Logged;
  readonly options: CentralOptions;
}

/** A whole central server on its own database, loopback and free ports; closed and swept up by `close`. */
export async function startTestCentral(databaseUrl: string, changes: Partial<CentralOptions> = {}): Promise<TestCentral> {
  const folder = changes.dataFolder ?? (await mkdtemp(path.join(tmpdir(), 'dockward-central-')));
  const clock = testClock();
  const logged = collectLog();
  const options: CentralOptions = {
    databaseUrl,
    dataFolder: folder,
    directory: DIRECTORY_WITHOUT_PINS,
    host: '127.0.0.1',
    port: 0,
    stationPort: 0,
    stationNames: [],
    tls: undefined,
    fleetFolder: path.join(folder, 'no-fleet-page'),
    mdm: undefined,
    project: projectEntry,
    now: () => clock.now(),
    log: logged.log,
    ...changes,
  };
  const sweep = async (): Promise<void> => (changes.dataFolder ? undefined : rm(folder, { recursive: true, force: true }));
  const central = await startCentral(options).catch(async (error: unknown) => {
    await sweep();
    throw error;
  });
  return {
    ...central,
    clock,
    logged,
    options,
    async close() {
      await central.close();
      await sweep();
    },
  };
}

/** The cookie of a new session of the first administrator. */
export async function signInAsAdmin({ url, firstSecrets }: Pick<Central, 'url' | 'firstSecrets'>): Promise<string> {
  const answer = await fetch(`${url}/api/sign-in`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(firstSecrets?.admin) });
  const [cookie = ''] = answer.headers.getSetCookie()[0]?.split(';') ?? [];
  if (cookie === '') throw new Error(`the administrator cannot sign in: ${answer.status}`);
  return cookie;
}
