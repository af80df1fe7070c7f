import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Result } from '../../../domain/result.ts';
import { ok, refused } from '../../../domain/result.ts';
import type { WebhookRefusal } from '../adapter.ts';
import { parseJson } from '../http.ts';
import { isDict, MalformedPlist, readPlist, type PlistDict, type PlistValue } from './plist.ts';

/** What a tablet answered to one of our questions. A field is there if that question was asked. */
export const report = z.object({
  osVersion: z.string().optional(),
  supervised: z.boolean().optional(),
  lostMode: z.boolean().optional(),
  /** Encrypted, and a passcode if any profile asks for one. */
  secure: z.boolean().optional(),
  /** Identifiers of the configuration profiles on it. */
  profiles: z.array(z.string()).optional(),
  /** Bundle identifiers of the applications that are installed whole. */
  applications: z.array(z.string()).optional(),
  /** SHA-256, hex, of the certificates it holds a key for. */
  identities: z.array(z.string()).optional(),
});
export type Report = z.infer<typeof report>;

/**
 * What is kept of one event of NanoMDM's webhook: never the push token, the push magic or the unlock token.
 * `atMdmMs` is its `created_at`, the wall clock of the NanoMDM process that handled the tablet's request.
 */
export const nanomdmEvent = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('authenticate'), device: z.string(), atMdmMs: z.int(), digest: z.string(), serial: z.string() }),
  /** `tally`: how many TokenUpdates NanoMDM has counted since the last Authenticate. */
  z.object({ kind: z.literal('token-update'), device: z.string(), atMdmMs: z.int(), digest: z.string(), unlockToken: z.boolean(), tally: z.int().optional() }),
  z.object({ kind: z.literal('check-out'), device: z.string(), atMdmMs: z.int(), digest: z.string() }),
  z.object({ kind: z.literal('answer'), device: z.string(), atMdmMs: z.int(), digest: z.string(), command: z.string(), status: z.string(), report }),
]);
export type NanomdmEvent = z.infer<typeof nanomdmEvent>;

const sent = z.object({ ids: z.object({ id: z.string().min(1).max(128), type: z.string() }).optional(), udid: z.string().max(128).optional(), raw_payload: z.base64() });
const body = z.object({
  topic: z.string(),
  created_at: z.string(),
  checkin_event: sent.extend({ token_update_tally: z.int().optional() }).optional(),
  acknowledge_event: sent.extend({ status: z.string().max(64), command_uuid: z.string().max(128).optional() }).optional(),
});

/** True if NanoMDM (`-webhook-hmac-key`) signed this body: base64 of HMAC-SHA-256 in `X-Hmac-Signature`. */
export function isSigned(bytes: Uint8Array, signature: unknown, key: string): boolean {
  const due = createHmac('sha256', key).update(bytes).digest();
  const given = typeof signature === 'string' ? Buffer.from(signature, 'base64') : Buffer.alloc(0);
  return given.length === due.length && timingSafeEqual(given, due);
}

/** The event in this body; undefined: one that proves nothing to us (a user channel, an idle tablet, declarative management, …). */
export function readEvent(bytes: Uint8Array): Result<NanomdmEvent | undefined, WebhookRefusal> {
  const malformed = (detail: string): Result<never, WebhookRefusal> => refused({ reason: 'malformed', detail });
  const read = body.safeParse(parseJson(Buffer.from(bytes).toString('utf8')));
  if (!read.success) return malformed('it is not an event of NanoMDM');
  const { topic, checkin_event: checkin, acknowledge_event: acknowledge } = read.data;
  const from = checkin ?? acknowledge;
  const device = from?.ids?.id ?? from?.udid;
  const atMdmMs = Date.parse(read.data.created_at);
  if (!from || device === undefined) return ok(undefined);
  if (from.ids && from.ids.type !== 'Device') return ok(undefined);
  if (!(atMdmMs > 0)) return malformed('its time cannot be read');
  const said = payload(from.raw_payload);
  if (!said) return malformed('the tablet’s own message in it is not a property list');
  const common = { device, atMdmMs, digest: createHash('sha256').update(bytes).digest('hex') };
  switch (topic) {
    case 'mdm.Authenticate': {
      const serial = said['SerialNumber'];
      return typeof serial === 'string' && serial !== '' ? ok({ kind: 'authenticate', ...common, serial }) : malformed('an Authenticate without a serial number');
    }
    case 'mdm.TokenUpdate': {
      const token = said['UnlockToken'];
      const tally = checkin?.token_update_tally;
      return ok({ kind: 'token-update', ...common, unlockToken: token instanceof Uint8Array && token.length > 0, ...(tally === undefined ? {} : { tally }) });
    }
    case 'mdm.CheckOut':
      return ok({ kind: 'check-out', ...common });
    case 'mdm.Connect':
      if (!acknowledge || acknowledge.command_uuid === undefined) return ok(undefined);
      return ok({
        kind: 'answer',
        ...common,
        command: acknowledge.command_uuid,
        status: acknowledge.status,
        report: acknowledge.status === 'Acknowledged' ? reportIn(said) : {},
      });
    default:
      return ok(undefined);
  }
}

function payload(base64: string): PlistDict | undefined {
  try {
    const read = readPlist(Buffer.from(base64, 'base64'));
    return isDict(read) ? read : undefined;
  } catch (error) {
    if (error instanceof MalformedPlist) return undefined;
    throw error;
  }
}

function reportIn(said: PlistDict): Report {
  const told: Report = {};
  const { QueryResponses: information, SecurityInfo: security } = said;
  if (isDict(information)) {
    if (typeof information['OSVersion'] === 'string') told.osVersion = information['OSVersion'];
    told.supervised = information['IsSupervised'] === true;
    told.lostMode = information['IsMDMLostModeEnabled'] !== false;
  }
  // HardwareEncryptionCaps 3: block- and file-level encryption.
  if (isDict(security)) {
    told.secure = security['HardwareEncryptionCaps'] === 3 && security['PasscodeCompliant'] === true && security['PasscodeCompliantWithProfiles'] === true;
  }
  if (said['ProfileList'] !== undefined) told.profiles = strings(said['ProfileList'], 'PayloadIdentifier');
  if (said['InstalledApplicationList'] !== undefined) told.applications = strings(said['InstalledApplicationList'], 'Identifier', (item) => item['Installing'] !== true);
  if (said['CertificateList'] !== undefined) told.identities = identitiesIn(said['CertificateList']);
  return told;
}

function identitiesIn(list: PlistValue): string[] {
  const own = dicts(list).filter((item) => item['IsIdentity'] === true);
  return own.flatMap(({ Data: certificate }) => (certificate instanceof Uint8Array ? [createHash('sha256').update(certificate).digest('hex')] : []));
}

const dicts = (value: PlistValue): PlistDict[] => (Array.isArray(value) ? value.filter(isDict) : []);
const strings = (value: PlistValue, key: string, wanted: (item: PlistDict) => boolean = () => true): string[] =>
  dicts(value).flatMap((item) => (typeof item[key] === 'string' && wanted(item) ? [item[key]] : []));
