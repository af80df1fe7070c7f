import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { PolicyBundle } from '../contract/policy-bundle.ts';
import type { EnrolResponse } from '../contract/station-http.ts';
import type { EpochCause } from '../domain/terms.ts';
import type { Clock } from '../station/clock.ts';
import { openStore } from '../storage/open.ts';
import { setAside } from '../storage/set-aside.ts';
import type { OpenFailure, Project, Store } from '../storage/store.ts';
import { enrolStation } from '../sync/enrol.ts';
import type { CentralClient } from '../sync/central-client.ts';
import { askForEpoch, type Fork } from '../sync/epoch.ts';
import { openIdentity, type Enrolled, type Identity } from '../sync/identity.ts';
import { settleLedgerKey } from '../sync/ledger-key.ts';
import { readIfThere } from '../sync/sealed-file.ts';
import { verifyBundle, type ServerKeys } from '../sync/verify-signed.ts';

/** A start that a person can mend; the message says how. */
export class StartRefused extends Error {}

/** The station's own folder and the identity in it, made where there is none yet. A damaged identity is never replaced: its keys are this station. */
export async function openFolder(data: string): Promise<Identity> {
  try {
    await mkdir(data, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new StartRefused(`The data folder ${data} cannot be made: ${error instanceof Error ? error.message : String(error)}. Name another folder with --data, or mend this one.`, { cause: error });
  }
  try {
    return await openIdentity(data);
  } catch (error) {
    throw new StartRefused(`The station's identity ${join(data, 'identity.json')} cannot be read or is damaged. Nothing was changed. Put it back from a backup; or move the folder away and enrol this cart anew.`, { cause: error });
  }
}

/** The identity's enrolment; asks for one with the code where there is none yet. */
export async function ensureEnrolled(identity: Identity, central: string | undefined, code: string | undefined, shelves: readonly (readonly number[])[]): Promise<Enrolled> {
  if (central === undefined) throw new StartRefused('Where is the central server? Say it with --central https://host:port or "central" in the configuration.');
  const enrolled = identity.enrolled();
  if (enrolled) return enrolled;
  if (code === undefined) throw new StartRefused('This station is not enrolled. Make a one-time code on the fleet page (Stations, "Enrol a station") and start once with --code CODE.');
  const done = await enrolStation(identity, central, code, shelves);
  if (!done.ok) throw new StartRefused(`This station could not be enrolled at ${central}: ${done.reason.message}`);
  return identity.enrolledOrThrow();
}

/** A ledger that this station cannot go on with, but can go on without. */
type Unusable = 'unreadable' | 'other-epoch' | 'other-key';
const BEGUN_BECAUSE: Readonly<Record<Unusable, EpochCause>> = { unreadable: 'unreadable', 'other-epoch': 'behind-witness', 'other-key': 'key-lost' };
const isUnusable = (failure: OpenFailure): failure is Unusable => failure in BEGUN_BECAUSE;

const WORDS: Readonly<Record<Exclude<OpenFailure, Unusable>, string>> = {
  'newer-schema': 'was written by a newer version of Dockward. Nothing was changed. Install that version again, or a later one.',
  'old-sqlite': 'cannot be used safely with this SQLite. Nothing was changed. Run npm ci again, so that the pinned version is built.',
  'other-ledger': 'belongs to another station. Nothing was changed. Give this station its own --data folder.',
  'no-space': 'cannot be opened: the disk is full. Nothing was lost. Free some space and start again.',
  'no-permission': 'cannot be written: this user lacks the right. Nothing was changed. Give the folder to the user who runs the station.',
  locked: 'is in use by another station process. Stop that one first; two stations must never write one ledger.',
};

/** Where ledgers lie: files in production, memory in the simulation. */
export interface LedgerDisk {
  readonly open: typeof openStore;
  readonly setAside: typeof setAside;
}
const FILES: LedgerDisk = { open: openStore, setAside };

export interface OpenedLedger {
  readonly store: Store;
  readonly origin: string;
  /** Set while the server has not yet heard of this ledger's epoch. */
  readonly epoch: { readonly number: number; readonly registered: boolean };
}

/**
 * Opens the ledger of the identity's current epoch. A database that cannot be read is set aside, untouched, and a new
 * epoch with a new key begins, so that returns are recorded from the first minute; the server hears of it on contact. An epoch
 * that has begun and not been opened yet finds the ledger before it still there: the program ended in between. A ledger whose key
 * the identity no longer holds, or that is another epoch's, cannot be continued either: an older image of one of the two was put back.
 */
export async function openLedger(options: { data: string; identity: Identity; clock: Clock; project: Project; log: Logger; onFatal: (error: Error) => void }, disk = FILES): Promise<OpenedLedger> {
  const { data, identity, clock, project, log, onFatal } = options;
  for (let attempt = 0; attempt < 2; attempt += 1) {
    const { enrolment } = identity.enrolledOrThrow();
    const epoch = identity.epoch();
    const origin = `${enrolment.tenant}/station/${enrolment.station}/e${epoch.number}`;
    const path = join(data, 'ledger.db');
    const opened = await disk.open({ path, station: enrolment.station, epoch: epoch.number, origin, signingKey: identity.ledgerKey(), nextKey: identity.nextLedgerKey(), project, clock, onFatal });
    if (opened.ok) {
      await settleLedgerKey(identity, opened.value).catch((error: unknown) => {
        // The ledger can be written with both keys at hand; the old one is dropped another time.
        log.error({ err: error }, 'the ledger key that has been replaced could not be dropped');
      });
      const begun = opened.value.size() === 0 && epoch.cause !== undefined ? await opened.value.append([{ type: 'epoch-began', body: { cause: epoch.cause } }]) : undefined;
      if (begun?.ok === false) log.error({ reason: begun.reason }, 'why this epoch began could not be recorded');
      return { store: opened.value, origin, epoch };
    }
    if (!isUnusable(opened.reason)) throw new StartRefused(`The ledger ${path} ${WORDS[opened.reason]}`);
    // Of an epoch that the server does not know nothing was ever cosigned: its number and key are as good as new.
    if (epoch.registered) await identity.beginEpoch(BEGUN_BECAUSE[opened.reason]);
    const keptAs = await disk.setAside(path, undefined, opened.reason === 'other-epoch' ? 'forked' : 'unreadable');
    log.error({ keptAs, epoch: identity.epoch().number, reason: opened.reason }, 'the ledger could not be gone on with; it was set aside untouched and a new epoch begins. Returns are recorded; devices are sanitized anew before anybody takes one');
  }
  throw new StartRefused(`The ledger in ${data} cannot be read, and a new one cannot be made there. Check the disk.`);
}

/** The station ends with this after it gave its ledger up; whoever supervises it starts it again, into the new epoch. */
export const EXIT_NEW_EPOCH = 75;

/**
 * After the server showed that this ledger cannot be continued: it is set aside untouched, and the next start opens a fresh one
 * under a new key, in the epoch that the server allocates. The ledger must be closed. Killed at any point, the next start goes on.
 */
export async function giveUpLedger(data: string, identity: Identity, fork: Fork, client: CentralClient, log: Logger, disk = FILES): Promise<void> {
  const path = join(data, 'ledger.db');
  if (fork.allocated === undefined) await identity.beginEpoch(fork.cause);
  const keptAs = await disk.setAside(path, undefined, 'forked');
  log.error({ keptAs, cause: fork.cause, message: fork.message }, 'the ledger was set aside untouched; devices are sanitized anew before anybody takes one');
  const allocated = fork.allocated ?? (await askForEpoch(client, identity, identity.epoch().number).then((asked) => (asked.ok ? asked.value : undefined)));
  // Without an answer now the new ledger is told to the server before anything of it is sent.
  if (allocated !== undefined) await identity.keepEpochRegistered(allocated);
}

/** The bundle of an earlier life, verified again: the cart knows its people before the network answers. */
export async function knownBundle(data: string, enrolment: EnrolResponse, serverKeys: ServerKeys = enrolment.serverKeys): Promise<PolicyBundle | undefined> {
  const jws = await readIfThere(join(data, 'bundle.jws'));
  if (jws === undefined) return undefined;
  // An expired bundle still says whose badge it is: what its age allows is the ladder's to judge.
  const verified = await verifyBundle(jws, serverKeys, enrolment, 0, Number.NEGATIVE_INFINITY);
  return 'bundle' in verified ? verified.bundle : undefined;
}
