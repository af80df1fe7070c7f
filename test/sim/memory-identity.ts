import { ok } from '../../app/domain/result.ts';
import type { Enrolled, Identity } from '../../app/sync/identity.ts';
import { trustOfEnrolment } from '../../app/sync/trust.ts';
import { SECRETS } from '../support/ward-policy.ts';
import { TENANT } from './central-processes.ts';
import type { KeptIdentity, MemoryDisk } from './memory-disk.ts';
import { diskMs, type ProcessLife } from './process-life.ts';
import { privateKey, publicKeyText, SERVER_KEYS, WITNESS_VKEY } from './world-keys.ts';

/**
 * The station's sealed file in memory. Each change is durable before it is told; a crash leaves the one before or the one
 * after. Certificates are not played: mutual TLS has its own tests. `newKey`: the next key of this world that nobody has.
 */
export function memoryIdentity(disk: MemoryDisk, station: string, life: ProcessLife, random: () => number, newKey: () => number): Identity {
  const change = (what: string, next: (before: KeptIdentity) => KeptIdentity): Promise<void> =>
    life.durably(diskMs(random), `identity: ${what}`, () => {
      disk.identity = next(disk.identity);
    });
  const enrolled: Enrolled = {
    certificatePem: '',
    secrets: SECRETS,
    enrolment: {
      tenant: TENANT, station, epoch: 1, origin: `${TENANT}/station/${station}/e1`, place: { wardId: '7e', ward: '7 East', cart: station },
      certificatePem: '', caPem: '', secrets: '', serverKeys: [SERVER_KEYS.statement.jwk], witness: WITNESS_VKEY,
    },
  };
  return {
    keys: {
      tlsKeyPem: '',
      get encryptionPublicJwk(): never {
        throw new Error('nobody enrols in this world');
      },
      certificateRequest: () => Promise.reject(new Error('certificates are not played')),
      sign: () => '',
    },
    // Without a certificate there is none to renew.
    enrolled: () => undefined,
    enrolledOrThrow: () => enrolled,
    ledgerKey: () => privateKey(disk.identity.key),
    nextLedgerKey: () => (disk.identity.nextKey === undefined ? undefined : privateKey(disk.identity.nextKey)),
    prepareLedgerKey: async () => {
      await change('next key', (before) => (before.nextKey === undefined ? { ...before, nextKey: newKey() } : before));
      return privateKey(disk.identity.nextKey ?? disk.identity.key);
    },
    adoptLedgerKey: () => change('key adopted', ({ nextKey, ...before }) => (nextKey === undefined ? before : { ...before, key: nextKey })),
    ledgerPublicKey: () => publicKeyText(disk.identity.key),
    epoch: () => disk.identity.epoch,
    beginEpoch: (cause = 'unreadable') => change('new epoch', ({ epoch }) => ({ key: newKey(), epoch: { number: epoch.number + 1, registered: false, cause } })),
    keepEpochRegistered: (number) => change('epoch registered', (before) => ({ ...before, epoch: { ...before.epoch, number: number ?? before.epoch.number, registered: true } })),
    keepEnrolment: () => Promise.reject(new Error('nobody enrols in this world')),
    keepCertificate: () => Promise.resolve(),
    trust: () => trustOfEnrolment(enrolled.enrolment),
    keepTrust: () => Promise.resolve(),
    keepSecrets: () => Promise.resolve(ok(undefined)),
    dropSecretsBefore: () => Promise.resolve(),
  };
}

