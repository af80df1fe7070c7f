import { PLATFORM_OF, type MdmKind } from '../contract/mdm.ts';
import type { Database } from './database.ts';
import type { Log } from './http-reply.ts';
import type { TenantKeys } from './keys.ts';
import type { MdmSetup } from './central.ts';
import type { CredentialUsed } from './mdm/adapter.ts';
import { byPlatform, type Mdm } from './mdm/by-platform.ts';
import { openMdm, paceOf } from './mdm-open.ts';
import { MDMS, openStored, readStored, type StoredMdm } from './mdm-store.ts';
import { runUpdates } from './os-updates.ts';
import { runSanitization, type SanitizationDeps } from './sanitization.ts';
import type { Wakener } from './wakener.ts';

const LOOK_AGAIN_MS = 60_000;

export interface MdmInUse extends Mdm {
  readonly source: 'file' | 'page';
  /** As the page set it. */
  readonly stored?: StoredMdm;
}

/** The MDMs as they are at this moment: those of the file given at the start, and for other platforms those set on the fleet page. */
export interface MdmsInUse {
  all(): readonly MdmInUse[];
  /** Kinds set on the page whose secrets keys.json cannot open. */
  sealedShut(): readonly MdmKind[];
  /** Reads the settings anew and opens what has changed. What an MDM is being asked ends as it began; requests keep their ids, so nothing is wiped twice. */
  settle(): Promise<void>;
  /** Works the queues of wipes and OS updates while there is an MDM, and follows what other processes change. */
  run(wakener: Wakener): { close(): Promise<void> };
}

interface Deps {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly now: () => number;
  readonly log: Log;
  readonly used: CredentialUsed;
}

export async function useMdms(deps: Deps, given: MdmSetup | undefined): Promise<MdmsInUse> {
  const { database, keys, now, log, used } = deps;
  const ofFile = (given?.open({ database, used }) ?? []).map((mdm): MdmInUse => ({ ...mdm, source: 'file' }));
  let ofPage: readonly MdmInUse[] = [];
  let shut: readonly MdmKind[] = [];
  let adapter = byPlatform(database, ofFile);
  let queue: { close(): Promise<void> } | undefined;
  let startQueue: (() => typeof queue) | undefined;
  let settled = Promise.resolve();
  const all = (): readonly MdmInUse[] => [...ofFile, ...ofPage];

  async function look(): Promise<void> {
    const stored = await readStored(database);
    const next: MdmInUse[] = [];
    const closed: MdmKind[] = [];
    for (const each of stored) {
      if (ofFile.some(({ platform }) => platform === PLATFORM_OF[each.kind])) continue;
      // An adapter that did not change keeps what it knows: its token, and the last times of its commands.
      const before = ofPage.find((mdm) => mdm.stored?.kind === each.kind && mdm.stored.sealed === each.sealed && mdm.stored.set_at_ms === each.set_at_ms);
      const configured = before ? undefined : await openStored(keys, each);
      if (before) next.push(before);
      else if (configured) next.push({ ...openMdm(configured, now)({ database, used }), source: 'page', stored: each });
      else closed.push(each.kind);
    }
    for (const kind of closed) if (!shut.includes(kind)) log.error({ mdm: kind }, 'the credential of an MDM is sealed by a key that keys.json does not hold; it is not in use');
    if (ofFile.length + next.length === 0) {
      // Nobody is left to ask: requests wait in peace.
      const ending = queue;
      queue = undefined;
      await ending?.close();
    }
    ofPage = next;
    shut = closed;
    adapter = byPlatform(database, all());
    if (all().length > 0) queue ??= startQueue?.();
  }

  function settle(): Promise<void> {
    const done = settled.then(look);
    settled = done.catch(() => {});
    return done;
  }

  await settle();
  return {
    all,
    sealedShut: () => shut,
    settle,
    run(wakener) {
      const stopped = new AbortController();
      const queued: SanitizationDeps = {
        database,
        keys,
        now,
        log,
        get adapter() {
          return adapter;
        },
        get pace() {
          return given?.pace ?? paceOf(ofPage.flatMap(({ about }) => (about ? [about.settings] : [])));
        },
      };
      startQueue = () => {
        const queues = [runSanitization(queued, wakener), runUpdates(queued, wakener)];
        return { close: async () => void (await Promise.all(queues.map((each) => each.close()))) };
      };
      if (all().length > 0) queue = startQueue();
      const followed = (async () => {
        while (!stopped.signal.aborted) {
          await wakener.wait([MDMS], LOOK_AGAIN_MS, stopped.signal);
          if (!stopped.signal.aborted) await settle().catch((error: unknown) => log.error({ err: error }, 'the MDMs could not be read anew'));
        }
      })();
      return {
        async close() {
          stopped.abort();
          startQueue = undefined;
          await followed;
          await settled;
          await queue?.close();
        },
      };
    },
  };
}
