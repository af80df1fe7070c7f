import { z } from 'zod';
import { retireResponse, rotateResponse, secretsView } from '../contract/secrets.ts';
import type { SecretKind } from '../contract/secrets.ts';
import { retireKeyResponse, serverKeysView } from '../contract/server-keys.ts';
import type { ServerKeyKind } from '../contract/server-keys.ts';
import { ask, read } from './api.ts';
import type { Answer, Reading } from './api.ts';

/** Every key that can be replaced from here: the server's own, and the secrets that badges and PINs are kept under. */
export interface KeysView {
  readonly server: z.infer<typeof serverKeysView>;
  readonly secrets: z.infer<typeof secretsView>;
}

/** Both lists, or neither. */
export async function readKeys(): Promise<Reading<KeysView>> {
  const [server, secrets] = await Promise.all([read('/api/keys', serverKeysView, {}), read('/api/secrets', secretsView, {})]);
  if (!server.ok) return server;
  if (!secrets.ok) return secrets;
  if (server.unchanged || secrets.unchanged) return { ok: false, refusal: { kind: 'unreadable' } };
  return { ok: true, unchanged: false, value: { server: server.value, secrets: secrets.value }, ...(server.asOf === undefined ? {} : { asOf: server.asOf }) };
}

export async function rotateServerKey(kind: ServerKeyKind): Promise<Answer<z.infer<typeof serverKeysView>>> {
  return ask('/api/keys/rotate', serverKeysView, { method: 'POST', body: { kind } });
}

/** Ends the older statement key. Without `confirm` it only says which carts would be lost, if any would. */
export async function retireServerKey(confirm: boolean): Promise<Answer<z.infer<typeof retireKeyResponse>>> {
  return ask('/api/keys/retire', retireKeyResponse, { method: 'POST', body: { confirm } });
}

export async function rotateSecret(kind: SecretKind): Promise<Answer<z.infer<typeof rotateResponse>>> {
  return ask('/api/secrets/rotate', rotateResponse, { method: 'POST', body: { kind } });
}

/** Ends the older of two versions. `stragglers`: how many badges or PINs were shown to end with it. */
export async function retireSecret(kind: SecretKind, stragglers: number): Promise<Answer<z.infer<typeof retireResponse>>> {
  return ask('/api/secrets/retire', retireResponse, { method: 'POST', body: { kind, ...(stragglers === 0 ? {} : { confirm: stragglers }) } });
}

/** Has a station give its ledger a new key when it next hears of it. */
export async function rotateLedgerKey(station: string): Promise<Answer<unknown>> {
  return ask('/api/stations/rotate-key', z.unknown(), { method: 'POST', body: { station } });
}
