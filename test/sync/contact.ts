import { join } from 'node:path';
import { pino } from 'pino';
import type { NetworkEvent } from '../../app/contract/network-event.ts';
import type { EntryDraft } from '../../app/domain/entries.ts';
import { projectEntry } from '../../app/domain/projection.ts';
import { giveUpLedger, openLedger } from '../../app/entrypoints/station-start.ts';
import { systemClock } from '../../app/entrypoints/system-clock.ts';
import { parseVkey } from '../../app/ledger/note.ts';
import type { Store } from '../../app/storage/store.ts';
import { createDownlink } from '../../app/sync/downlink.ts';
import { enrolStation } from '../../app/sync/enrol.ts';
import type { Fork } from '../../app/sync/epoch.ts';
import { openIdentity, type Identity } from '../../app/sync/identity.ts';
import { createNewerSecrets } from '../../app/sync/secrets.ts';
import { clientOf, startSync } from '../../app/sync/sync.ts';
import { createUplink } from '../../app/sync/uplink.ts';
import type { TestCentral } from '../central/demo-central.ts';
import { turnableClock } from '../support/turnable-clock.ts';

const silent = pino({ level: 'silent' });
const fatal = (error: Error): never => {
  throw error;
};

/** A station's ledger and its contact with a real server, from a folder, without the cart around it. */
export interface Contact {
  readonly store: Store;
  readonly origin: string;
  readonly identity: Identity;
  readonly log: string[];
  readonly events: NetworkEvent[];
  /** Resolves when sync says that this ledger cannot be continued. */
  readonly forked: Promise<Fork>;
  note(text: string): Promise<void>;
  /** Ends and sets the ledger aside, as station-node does. */
  giveUp(fork: Fork): Promise<void>;
  stop(): Promise<void>;
}

export async function enrolFolder(central: TestCentral, data: string): Promise<Identity> {
  const code = await central.makeCode({ ward: '7e', cart: 'Cart A' });
  if (!code.ok) throw new Error(code.reason.message);
  const identity = await openIdentity(data);
  const enrolled = await enrolStation(identity, central.stationUrl, code.value.code, [[1, 2, 3, 4]]);
  if (!enrolled.ok) throw new Error(enrolled.reason.message);
  return identity;
}

export const noted = (text: string): EntryDraft => ({ type: 'host-lost', body: { cause: text } });

export async function startContact(central: TestCentral, data: string): Promise<Contact> {
  const identity = await openIdentity(data);
  const { enrolment } = identity.enrolledOrThrow();
  const witness = parseVkey(enrolment.witness);
  if (!witness.ok) throw new Error('the witness key cannot be read');
  const { store, origin, epoch } = await openLedger({ data, identity, clock: turnableClock(), project: projectEntry, log: silent, onFatal: fatal });
  const newClient = () => clientOf(central.stationUrl, identity.enrolledOrThrow(), identity.keys.tlsKeyPem);
  let client = newClient();
  const log: string[] = [];
  const events: NetworkEvent[] = [];
  const forked = Promise.withResolvers<Fork>();
  const sync = startSync({
    identity,
    epoch,
    client: () => client,
    renewClient: () => {
      client.close();
      client = newClient();
    },
    uplink: createUplink(store, () => client, origin, () => [witness.value]),
    downlink: createDownlink({ store, client: () => client, here: enrolment, keys: () => enrolment.serverKeys, secrets: createNewerSecrets({ identity, client: () => client, log: () => undefined }), nowMs: Date.now, submit: () => undefined, settled: () => Promise.resolve() }),
    submit: (event) => events.push(event),
    onFork: forked.resolve,
    random: Math.random,
    clock: await systemClock(),
    log: ({ level, what }) => log.push(`${level}: ${what}`),
  });
  const stop = async (): Promise<void> => {
    await sync.stop();
    await store.close();
  };
  return {
    store,
    origin,
    identity,
    log,
    events,
    forked: forked.promise,
    note: async (text) => {
      const kept = await store.append([noted(text)]);
      if (!kept.ok) throw new Error(kept.reason);
    },
    giveUp: async (fork) => {
      await stop();
      const again = newClient();
      try {
        await giveUpLedger(data, identity, fork, again, silent);
      } finally {
        again.close();
      }
    },
    stop,
  };
}

/** The ledger of a station that has no network. */
export async function openAlone(data: string): Promise<Store> {
  const { store } = await openLedger({ data, identity: await openIdentity(data), clock: turnableClock(), project: projectEntry, log: silent, onFatal: fatal });
  return store;
}

export const ledgerPath = (data: string): string => join(data, 'ledger.db');
