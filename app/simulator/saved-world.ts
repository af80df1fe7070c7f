import { createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { logLine } from './log-line.ts';
import type { ServiceAccount } from './mdm/service-account.ts';
import { makeServiceAccount } from './mdm/service-account.ts';
import { readState, writeDurably } from './state-file.ts';
import { clockState } from './world-clock.ts';
import type { CartState } from './world/cart.ts';

const savedWorld = z.object({
  version: z.literal(1),
  clock: clockState,
  cart: z.custom<CartState>((value) => typeof value === 'object' && value !== null && 'slots' in value && 'mdm' in value),
  network: z.object({ up: z.boolean(), delayMs: z.int() }),
  readerPresent: z.boolean(),
  /** Ports used last, taken again where free, so that others find the world where it was. */
  ports: z.object({ mdm: z.int(), network: z.int() }),
  log: z.array(logLine),
});
export type SavedWorld = z.infer<typeof savedWorld>;

export const worldFile = (dataDir: string): string => join(dataDir, 'world.json');

/** The world as it was left; undefined on the first start. */
export async function readWorld(dataDir: string): Promise<SavedWorld | undefined> {
  const path = worldFile(dataDir);
  const read = await readState(path);
  if (read === undefined) return undefined;
  const saved = savedWorld.safeParse(read);
  if (!saved.success) throw new Error(`the simulator's saved state ${path} is not of this version. Move it away to start with a fresh cart.`);
  return saved.data;
}

/** The service account file in the data folder, with this token address; the key stays the same between starts. */
export async function keepServiceAccount(dataDir: string, tokenUri: string): Promise<{ path: string; account: ServiceAccount }> {
  const path = join(dataDir, 'service-account.json');
  const account = makeServiceAccount(tokenUri, await earlierKey(path));
  await writeDurably(path, `${JSON.stringify(account.file, null, 2)}\n`, 0o600);
  return { path, account };
}

async function earlierKey(path: string): Promise<{ private_key: string; private_key_id: string } | undefined> {
  try {
    const earlier = z.object({ private_key: z.string(), private_key_id: z.string() }).parse(JSON.parse(await readFile(path, 'utf8')));
    createPrivateKey(earlier.private_key);
    return earlier;
  } catch {
    // None yet, or no longer readable: nothing is lost by a new key.
    return undefined;
  }
}

/** The offset that makes the clock show HH:MM (local time), the last time it did: never ahead of the machine's clock. */
export function offsetFor(at: string, nowMs: number): number {
  const [hours, minutes] = at.split(':').map(Number);
  const wanted = new Date(nowMs);
  wanted.setHours(hours ?? 0, minutes ?? 0, 0, 0);
  if (wanted.getTime() > nowMs) wanted.setDate(wanted.getDate() - 1);
  return wanted.getTime() - nowMs;
}
