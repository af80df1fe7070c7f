import { createHash } from 'node:crypto';
import type { LostNotice } from '../adapter.ts';
import type { Question } from './lives.ts';
import { writePlist, type PlistDict } from './plist.ts';

/** The commands of Apple's MDM protocol that are used here, in its own words. */

/** Names of this adapter's command identifiers (RFC 9562, version 5). */
const NAMESPACE = Buffer.from('6f1f3c2e9d0a4b7e8a5c2d91e07b44fa', 'hex');

/** The same words always give the same UUID, so that a command can be found again after a crash. */
export function uuidOf(...words: readonly string[]): string {
  const hash = createHash('sha1').update(NAMESPACE).update(words.join('\n')).digest().subarray(0, 16);
  hash.writeUInt8(((hash[6] ?? 0) & 0x0f) | 0x50, 6);
  hash.writeUInt8(((hash[8] ?? 0) & 0x3f) | 0x80, 8);
  return hash.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

export const commandPlist = (uuid: string, command: PlistDict): string => writePlist({ Command: command, CommandUUID: uuid });

export interface ReturnToService {
  /** Configuration profile with the ward's Wi-Fi; needed by a tablet without a cable. */
  readonly wifiProfile?: Uint8Array;
  /** Enrolment profile; needed unless the tablet enrols through Automated Device Enrolment. */
  readonly mdmProfile?: Uint8Array;
}

/** Return to Service needs iPadOS 17 and no Activation Lock. */
export const eraseDevice = ({ wifiProfile, mdmProfile }: ReturnToService): PlistDict => ({
  RequestType: 'EraseDevice',
  DisallowProximitySetup: true,
  ReturnToService: {
    Enabled: true,
    ...(wifiProfile === undefined ? {} : { WiFiProfileData: wifiProfile }),
    ...(mdmProfile === undefined ? {} : { MDMProfileData: mdmProfile }),
  },
});

export function question(question: Question, applications: readonly string[]): PlistDict {
  switch (question) {
    case 'DeviceInformation':
      return { RequestType: question, Queries: ['OSVersion', 'IsSupervised', 'IsMDMLostModeEnabled'] };
    case 'SecurityInfo':
      return { RequestType: question };
    case 'InstalledApplicationList':
      return { RequestType: question, ManagedAppsOnly: true, Items: ['Identifier', 'Installing'], ...(applications.length === 0 ? {} : { Identifiers: applications }) };
    case 'ProfileList':
    case 'CertificateList':
      return { RequestType: question, ManagedOnly: true };
  }
}

/** Needs the right to lock and remove passcodes, which makes the tablet hand out an unlock token. */
export const deviceLock = (reason: string): PlistDict => ({ RequestType: 'DeviceLock', Message: reason });

/** Supervised tablets only. */
export const enableLostMode = ({ message, phone, organization }: LostNotice): PlistDict => ({
  RequestType: 'EnableLostMode',
  Message: message,
  ...(phone === undefined ? {} : { PhoneNumber: phone }),
  ...(organization === undefined ? {} : { Footnote: organization }),
});

export const disableLostMode: PlistDict = { RequestType: 'DisableLostMode' };
