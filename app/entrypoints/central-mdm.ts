/** The server's MDMs as a file names them (`--mdm FILE`). Secrets stand in files of their own, beside it. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import type { MdmSetup } from '../central/central.ts';
import { serviceAccountKey } from '../central/mdm/amapi/shapes.ts';
import { openMdm, paceOf, type ConfiguredMdm } from '../central/mdm-open.ts';
import { amapiSettings, nanomdmSettings } from '../contract/mdm.ts';

const file = z.string().min(1);
const amapi = amapiSettings.extend({ serviceAccountFile: file });
const nanomdm = nanomdmSettings.extend({ apiKeyFile: file, webhookKeyFile: file, wifiProfileFile: file.optional(), mdmProfileFile: file.optional() });
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
  const configured = await Promise.all(all.map((each) => (each.kind === 'amapi' ? readAmapi(each) : readNanomdm(each))));
  const opened = configured.map((each) => openMdm(each, now));
  return { open: (base) => opened.map((open) => open(base)), pace: paceOf(configured.map((each) => each.settings)) };

  async function readAmapi({ serviceAccountFile, ...rest }: z.infer<typeof amapi>): Promise<ConfiguredMdm> {
    const account = beside(serviceAccountFile);
    return { settings: rest, serviceAccount: files.parse(serviceAccountKey, await files.read(account, 'serviceAccountFile'), account) };
  }

  async function readNanomdm({ apiKeyFile, webhookKeyFile, wifiProfileFile, mdmProfileFile, ...rest }: z.infer<typeof nanomdm>): Promise<ConfiguredMdm> {
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
    return { settings: rest, secrets: { apiKey: secret(apiKeyFile), webhookKey: secret(webhookKeyFile), ...(wifiProfile ? { wifiProfile } : {}), ...(mdmProfile ? { mdmProfile } : {}) } };
  }
}
