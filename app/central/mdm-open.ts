import type { z } from 'zod';
import type { amapiSettings, MdmSettings, nanomdmSecrets, nanomdmSettings } from '../contract/mdm.ts';
import type { Database } from './database.ts';
import type { CredentialUsed } from './mdm/adapter.ts';
import { createAmapi } from './mdm/amapi/amapi.ts';
import { receiveNotifications } from './mdm/amapi/notifications.ts';
import { serviceAccountKey, type ServiceAccountKey } from './mdm/amapi/shapes.ts';
import type { Mdm } from './mdm/by-platform.ts';
import { parseJson } from './mdm/http.ts';
import { createNanomdm } from './mdm/nanomdm/nanomdm.ts';
import { createNanomdmStore } from './mdm/nanomdm/store.ts';
import { DEMO_PACE, PRODUCTION_PACE, type SanitizationPace } from './sanitization.ts';

/** NanoMDM's keys, read at each use, and the profiles a wiped iPad comes back with. */
export interface NanomdmSecrets {
  readonly apiKey: () => Promise<string>;
  readonly webhookKey: () => Promise<string>;
  readonly wifiProfile?: Uint8Array;
  readonly mdmProfile?: Uint8Array;
}

/** One MDM with all it needs, whether a file or the fleet page gave it. */
export type ConfiguredMdm =
  | { readonly settings: z.infer<typeof amapiSettings>; readonly serviceAccount: ServiceAccountKey }
  | { readonly settings: z.infer<typeof nanomdmSettings>; readonly secrets: NanomdmSecrets };

export type OpenMdm = (base: { readonly database: Database; readonly used: CredentialUsed }) => Mdm;

/** The API key's name in the record of uses. */
export const apiKeyName = (baseUrl: string): string => `NanoMDM API key of ${new URL(baseUrl).host}`;
const WEBHOOK_KEY_NAME = 'NanoMDM webhook key';

/** The key in a service account's JSON file; undefined: it is no such file. */
export function readServiceAccount(text: string): ServiceAccountKey | undefined {
  return serviceAccountKey.safeParse(parseJson(text)).data;
}

/** `now`: Unix milliseconds. */
export function openMdm(configured: ConfiguredMdm, now: () => number): OpenMdm {
  return 'serviceAccount' in configured ? openAmapi(configured, now) : openNanomdm(configured, now);
}

function openAmapi({ settings, serviceAccount }: Extract<ConfiguredMdm, { serviceAccount: unknown }>, now: () => number): OpenMdm {
  const { enterprise, baseUrl, securityPatchFloor, ordersUpdates = false, notifications } = settings;
  return ({ used }) => ({
    platform: 'android',
    adapter: createAmapi({ enterprise, serviceAccount, ordersUpdates, now, used, ...(baseUrl === undefined ? {} : { baseUrl }), ...(securityPatchFloor === undefined ? {} : { securityPatchFloor }) }),
    about: { settings, asks: serviceAccount.client_email, ...(notifications ? { tells: notifications.pushAccount } : {}) },
    ...(notifications ? { webhook: { name: 'amapi', receive: receiveNotifications({ ...notifications, enterprise, now, used }) } } : {}),
  });
}

function openNanomdm({ settings, secrets }: Extract<ConfiguredMdm, { secrets: unknown }>, now: () => number): OpenMdm {
  const { kind: _kind, ...rest } = settings;
  const { apiKey, webhookKey, wifiProfile, mdmProfile } = secrets;
  return ({ database, used }) => {
    const { adapter, receiveWebhook } = createNanomdm({
      ...rest,
      apiKey,
      webhookKey,
      returnToService: { ...(wifiProfile ? { wifiProfile } : {}), ...(mdmProfile ? { mdmProfile } : {}) },
      store: createNanomdmStore(database),
      now,
      used,
    });
    return { platform: 'apple', adapter, webhook: { name: 'nanomdm', receive: receiveWebhook }, about: { settings, asks: apiKeyName(settings.baseUrl), tells: WEBHOOK_KEY_NAME } };
  };
}

/** The secrets as the page gave them: base64 as bytes, the keys at hand. */
export function secretsAtHand({ apiKey, webhookKey, wifiProfile, mdmProfile }: z.infer<typeof nanomdmSecrets>): NanomdmSecrets {
  const bytes = (file: string | undefined): Uint8Array | undefined => (file === undefined || file === '' ? undefined : Buffer.from(file, 'base64'));
  const [wifi, mdm] = [bytes(wifiProfile), bytes(mdmProfile)];
  return { apiKey: () => Promise.resolve(apiKey), webhookKey: () => Promise.resolve(webhookKey), ...(wifi ? { wifiProfile: wifi } : {}), ...(mdm ? { mdmProfile: mdm } : {}) };
}

/** A double's tablets wipe in seconds. */
export function paceOf(all: readonly MdmSettings[]): SanitizationPace {
  return all.some((each) => each.kind === 'amapi' && each.baseUrl !== undefined) ? DEMO_PACE : PRODUCTION_PACE;
}
