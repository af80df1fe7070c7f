/** The server's MDMs as a file names them (`--mdm FILE`). Secrets stand in files of their own, beside it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { MdmSetup } from '../central/central.ts';
import { createAmapi } from '../central/mdm/amapi/amapi.ts';
import { receiveNotifications } from '../central/mdm/amapi/notifications.ts';
import { serviceAccountKey } from '../central/mdm/amapi/shapes.ts';
import { createNanomdm } from '../central/mdm/nanomdm/nanomdm.ts';
import { createNanomdmStore } from '../central/mdm/nanomdm/store.ts';
import { DEMO_PACE, PRODUCTION_PACE } from '../central/sanitization.ts';

const file = z.string().min(1);
const amapi = z.strictObject({
  kind: z.literal('amapi'),
  enterprise: z.string().min(1),
  serviceAccountFile: file,
  /** Another address than the vendor's is a double whose tablets wipe in seconds. */
  baseUrl: z.url().optional(),
  /** Tablets may be put under a variant of their ward's policy while the system update that waits for them is installed. */
  ordersUpdates: z.boolean().default(false),
  securityPatchFloor: z.string().regex(/^\d{4}-\d{2}-\d{2}$/).optional(),
  /** A Pub/Sub push subscription that leads to `/mdm/amapi`. */
  notifications: z.strictObject({ audience: z.string().min(1), pushAccount: z.string().min(1) }).optional(),
});
const nanomdm = z.strictObject({
  kind: z.literal('nanomdm'),
  baseUrl: z.url(),
  apiKeyFile: file,
  /** Of `-webhook-hmac-key`; the webhook leads to `/mdm/nanomdm`. */
  webhookKeyFile: file,
  wifiProfileFile: file.optional(),
  mdmProfileFile: file.optional(),
  profiles: z.record(z.string(), z.strictObject({ profile: z.string().min(1), applications: z.array(z.string().min(1)) })),
  osFloor: z.string().regex(/^\d+(\.\d+)*$/),
  pinsOneCertificate: z.boolean(),
  grantsPasscodeRemoval: z.boolean(),
  eraseEndsJailbreak: z.boolean(),
});
const one = z.discriminatedUnion('kind', [amapi, nanomdm]);
/** One MDM, or one for each platform. */
export const mdmFile = z.union([one, z.array(one).min(1).refine((all) => new Set(all.map(({ kind }) => kind)).size === all.length, 'one MDM of each kind')]);
export type MdmFile = z.infer<typeof mdmFile>;

/** How files are read for the person who named them: what cannot be used is refused in words. */
export interface NamedFiles {
  readonly read: (file: string, flag: string) => Promise<string>;
  readonly parse: <T>(shape: z.ZodType<T>, text: string, file: string) => T;
}

/** Files that `settings` names are beside `at`. */
export async function openMdms(settings: MdmFile, at: string, now: () => number, files: NamedFiles): Promise<MdmSetup> {
  const all = Array.isArray(settings) ? settings : [settings];
  const beside = (name: string): string => path.resolve(path.dirname(at), name);
  const opened = await Promise.all(all.map((each) => (each.kind === 'amapi' ? openAmapi(each) : openNanomdm(each))));
  return { open: (base) => opened.map((open) => open(base)), pace: all.some((each) => each.kind === 'amapi' && each.baseUrl !== undefined) ? DEMO_PACE : PRODUCTION_PACE };

  async function openAmapi({ enterprise, serviceAccountFile, baseUrl, securityPatchFloor, ordersUpdates, notifications }: z.infer<typeof amapi>): Promise<Open> {
    const account = beside(serviceAccountFile);
    const serviceAccount = files.parse(serviceAccountKey, await files.read(account, 'serviceAccountFile'), account);
    return ({ used }) => ({
      platform: 'android',
      adapter: createAmapi({ enterprise, serviceAccount, ordersUpdates, now, used, ...(baseUrl === undefined ? {} : { baseUrl }), ...(securityPatchFloor === undefined ? {} : { securityPatchFloor }) }),
      ...(notifications ? { webhook: { name: 'amapi', receive: receiveNotifications({ ...notifications, enterprise, now, used }) } } : {}),
    });
  }

  async function openNanomdm({ apiKeyFile, webhookKeyFile, wifiProfileFile, mdmProfileFile, kind: _kind, ...rest }: z.infer<typeof nanomdm>): Promise<Open> {
    // Read now so that a missing one is told at the start, and again at each use so that it can be replaced.
    const secret = (name: string) => async (): Promise<string> => (await readFile(beside(name), 'utf8')).trim();
    await files.read(beside(apiKeyFile), 'apiKeyFile');
    await files.read(beside(webhookKeyFile), 'webhookKeyFile');
    const profile = async (name: string | undefined, flag: string): Promise<Uint8Array | undefined> => {
      if (name === undefined) return undefined;
      await files.read(beside(name), flag);
      return readFile(beside(name));
    };
    const [wifiProfile, mdmProfile] = [await profile(wifiProfileFile, 'wifiProfileFile'), await profile(mdmProfileFile, 'mdmProfileFile')];
    return ({ database, used }) => {
      const { adapter, receiveWebhook } = createNanomdm({
        ...rest,
        apiKey: secret(apiKeyFile),
        webhookKey: secret(webhookKeyFile),
        returnToService: { ...(wifiProfile ? { wifiProfile } : {}), ...(mdmProfile ? { mdmProfile } : {}) },
        store: createNanomdmStore(database),
        now,
        used,
      });
      return { platform: 'apple', adapter, webhook: { name: 'nanomdm', receive: receiveWebhook } };
    };
  }
}

type Open = (base: Parameters<MdmSetup['open']>[0]) => ReturnType<MdmSetup['open']>[number];
