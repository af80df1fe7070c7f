import { createHash } from 'node:crypto';
import type { Tablet } from '../world/tablet.ts';

/** What tablets say to Apple's MDM protocol, and NanoMDM's webhook around it. */

/** The hardware's own identifier: the same in all lives of a tablet. */
export function udidOf(tablet: string): string {
  const hash = createHash('sha256').update(`udid ${tablet}`).digest('hex').toUpperCase();
  return `00008120-${hash.slice(0, 16)}`;
}

type Value = string | number | boolean | Buffer | readonly Value[] | { readonly [key: string]: Value };

const PLIST_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">';

export function plist(value: Value): string {
  const element = (part: Value): string => {
    if (typeof part === 'string') return `<string>${part.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</string>`;
    if (typeof part === 'number') return `<integer>${part}</integer>`;
    if (typeof part === 'boolean') return part ? '<true/>' : '<false/>';
    if (Buffer.isBuffer(part)) return `<data>\n\t${part.toString('base64')}\n\t</data>`;
    if (Array.isArray(part)) return `<array>\n${part.map(element).join('\n')}\n</array>`;
    return `<dict>\n${Object.entries(part).map(([key, held]) => `\t<key>${key}</key>\n\t${element(held)}`).join('\n')}\n</dict>`;
  };
  return `${PLIST_HEAD}\n<plist version="1.0">\n${element(value)}\n</plist>\n`;
}

const TOPIC = 'com.apple.mgmt.External.e3b8ceac-1f18-2c8e-8a63-dd17d99435d9';

export const authenticate = (udid: string, serial: string): string =>
  plist({ BuildVersion: '23A340', MessageType: 'Authenticate', ModelName: 'iPad', OSVersion: '26.10', ProductName: 'iPad13,18', SerialNumber: serial, Topic: TOPIC, UDID: udid });

export const tokenUpdate = (udid: string, unlockToken: Buffer | undefined): string =>
  plist({
    AwaitingConfiguration: false,
    MessageType: 'TokenUpdate',
    PushMagic: createHash('md5').update(`magic ${udid}`).digest('hex').toUpperCase(),
    Token: createHash('sha256').update(`push ${udid}`).digest(),
    Topic: TOPIC,
    UDID: udid,
    ...(unlockToken ? { UnlockToken: unlockToken } : {}),
  });

/** What NanoMDM says of one of a tablet's messages. `created_at` as Go writes it, with nanoseconds. */
export function webhookEvent(topic: string, atMs: number, about: { udid: string; raw: string; status?: string; command?: string; tally?: number; eventId: string }): string {
  const common = { ids: { id: about.udid, type: 'Device' }, raw_payload: Buffer.from(about.raw).toString('base64'), udid: about.udid };
  return JSON.stringify({
    ...(topic === 'mdm.Connect'
      ? { acknowledge_event: { ...(about.command === undefined ? {} : { command_uuid: about.command }), ...common, status: about.status ?? 'Idle' } }
      : { checkin_event: { ...common, ...(about.tally === undefined ? {} : { token_update_tally: about.tally }) } }),
    created_at: new Date(atMs).toISOString().replace('Z', '000000Z'),
    event_id: about.eventId,
    topic,
  });
}

/** The world's patch level `2026-10-01` as an iPadOS: `26.10`. */
export const osVersion = (patchLevel: string): string => patchLevel.replace(/^20(\d\d)-0?(\d+)-.*$/, '$1.$2');

const profileItem = (name: string): { readonly [key: string]: Value } => ({ PayloadIdentifier: `org.example.${name}`, PayloadVersion: 1, PayloadRemovalDisallowed: true, IsManaged: true });

/** What this tablet answers to a question, from its own truth. `identity`: the certificate that it enrolled with. */
export function answerTo(requestType: string, tablet: Tablet, identity: Buffer): { readonly [key: string]: Value } | undefined {
  switch (requestType) {
    case 'DeviceInformation':
      return { QueryResponses: { OSVersion: osVersion(tablet.patchLevel), IsSupervised: true, IsMDMLostModeEnabled: false } };
    case 'SecurityInfo':
      return { SecurityInfo: { HardwareEncryptionCaps: 3, PasscodePresent: false, PasscodeCompliant: tablet.compliant, PasscodeCompliantWithProfiles: tablet.compliant } };
    case 'ProfileList':
      return { ProfileList: ['mdm', ...(tablet.profile === null ? [] : [tablet.profile])].map(profileItem) };
    case 'InstalledApplicationList':
      return { InstalledApplicationList: tablet.profile === null ? [] : [{ Identifier: 'org.example.wardround', Installing: false }] };
    case 'CertificateList':
      return { CertificateList: [{ CommonName: 'Example CA', IsIdentity: false, Data: Buffer.from('the authority') }, { CommonName: 'MDM identity', IsIdentity: true, Data: identity }] };
    default:
      return undefined;
  }
}
