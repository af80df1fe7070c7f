import { z } from 'zod';
import { GATE_LEAVES, PLATFORMS } from '../domain/terms.ts';

/** The tablets that each kind of MDM manages: at most one kind for a platform. */
export const PLATFORM_OF = { amapi: 'android', nanomdm: 'apple' } as const satisfies Record<string, (typeof PLATFORMS)[number]>;
export const mdmKind = z.enum(['amapi', 'nanomdm']);
export type MdmKind = z.infer<typeof mdmKind>;

const text = z.string().min(1).max(200);
/** An address that shows no name and no password: it is shown to people. */
const address = z.url({ protocol: /^https?$/ }).max(300).refine((url) => !/^https?:\/\/[^/]*@/i.test(url), 'an address without a name and a password in it');

/** How an MDM is set, secrets apart: the same for the file at the start (`--mdm`) and for the fleet page. */
export const amapiSettings = z.strictObject({
  kind: z.literal('amapi'),
  /** `LC0…`, with or without `enterprises/`. */
  enterprise: z.string().max(100).regex(/^(?:enterprises\/)?[A-Za-z0-9_-]+$/, 'the id of the enterprise, as LC0…'),
  /** Another address than the vendor's is a double whose tablets wipe in seconds. */
  baseUrl: address.optional(),
  /** Tablets may be put under a variant of their ward's policy while the system update that waits for them is installed. Left out: no update is ordered. */
  ordersUpdates: z.boolean().optional(),
  securityPatchFloor: z.string().regex(/^\d{4}-\d{2}-\d{2}$/, 'a date as 2026-06-01').optional(),
  /** A Pub/Sub push subscription that leads to `/mdm/amapi`. */
  notifications: z.strictObject({ audience: text, pushAccount: text }).optional(),
});
export const nanomdmSettings = z.strictObject({
  kind: z.literal('nanomdm'),
  baseUrl: address,
  /** By ward profile of the directory: the configuration profile and the applications that a tablet of it must show. */
  profiles: z.record(text, z.strictObject({ profile: text, applications: z.array(text) })),
  osFloor: z.string().regex(/^\d+(\.\d+)*$/, 'a version as 18.1'),
  pinsOneCertificate: z.boolean(),
  grantsPasscodeRemoval: z.boolean(),
  eraseEndsJailbreak: z.boolean(),
});
export const mdmSettings = z.discriminatedUnion('kind', [amapiSettings, nanomdmSettings]);
export type MdmSettings = z.infer<typeof mdmSettings>;

const key = z.string().trim().min(1).max(1000);
const profileFile = z.base64().max(200_000);
/** What a file of its own holds for each; no answer of the server ever has one of them. */
export const amapiSecrets = z.strictObject({ /** The whole JSON file of the service account. */ serviceAccount: z.string().min(1).max(20_000) });
export const nanomdmSecrets = z.strictObject({
  apiKey: key,
  /** Of `-webhook-hmac-key`; the webhook leads to `/mdm/nanomdm`. */
  webhookKey: key,
  /** `.mobileconfig` files for Return to Service, base64: the first one holds the password of a Wi-Fi. */
  wifiProfile: profileFile.optional(),
  mdmProfile: profileFile.optional(),
});

/** POST /api/mdms/try and /api/mdms/use. Secrets that are left out stay as they are; an address that changes asks for all of them anew. */
export const mdmOrder = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('amapi'), settings: amapiSettings, secrets: amapiSecrets.partial() }),
  z.strictObject({ kind: z.literal('nanomdm'), settings: nanomdmSettings, secrets: nanomdmSecrets.partial() }),
]);
export type MdmOrder = z.infer<typeof mdmOrder>;

/** What one harmless request came to, in words. */
export const mdmTried = z.strictObject({ answered: z.boolean(), message: z.string() });
export type MdmTried = z.infer<typeof mdmTried>;

/** POST /api/mdms/remove */
export const removeMdm = z.strictObject({ kind: mdmKind });

const by = z.strictObject({ at: z.string(), by: z.string() });

/** GET /api/mdms, for administrators. Times are ISO 8601. */
export const mdmsView = z.strictObject({
  mdms: z.array(
    z.strictObject({
      platform: z.enum(PLATFORMS),
      name: z.string(),
      /** `file`: a file given at the start names it, and nothing else can change it. */
      source: z.enum(['file', 'page']),
      settings: mdmSettings.optional(),
      set: by.optional(),
      maximumGrade: z.enum(['E1', 'E2', 'E3']),
      /** Leaves of the release gate that it can never state, each with its words. */
      never: z.array(z.strictObject({ leaf: z.enum(GATE_LEAVES), words: z.string() })),
      tablets: z.int().min(0),
      /** Wipes that are out, or about to go out, and not proven yet. */
      underWay: z.int().min(0),
      /** Whose credential asks. `since`: given on the page then, or first used then. */
      credential: z.strictObject({ name: z.string(), since: z.string().optional() }).optional(),
      /** `toDo` where it was not answered. */
      lastRequest: z.strictObject({ at: z.string(), purpose: z.string(), answered: z.boolean(), words: z.string(), toDo: z.string().optional() }).optional(),
      /** Of the last two weeks, newest first. */
      days: z.array(z.strictObject({ day: z.string(), name: z.string(), accepted: z.int().min(0), refused: z.int().min(0) })),
    }),
  ),
  /** Set on the page and not in use, with the reason and what to do. */
  idle: z.array(z.strictObject({ kind: mdmKind, set: by, why: z.string() })),
  /** Kinds that can be added: their tablets have no MDM. */
  free: z.array(z.strictObject({ kind: mdmKind, platform: z.enum(PLATFORMS), tablets: z.int().min(0) })),
  /** What was set or removed on the page, newest first. */
  changes: z.array(z.strictObject({ ...by.shape, kind: mdmKind, act: z.enum(['added', 'changed', 'removed']), /** It brought a new credential. */ credential: z.boolean(), settings: mdmSettings })),
});
export type MdmsView = z.infer<typeof mdmsView>;
