import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { mdmOrder, mdmsView, mdmTried, PLATFORM_OF, removeMdm } from '../../app/contract/mdm.ts';
import type { MdmOrder, MdmsView, MdmTried } from '../../app/contract/mdm.ts';
import type { Reply } from './stub-past.ts';

/** The MDMs of a test's server, and what it was asked about them. */
export interface Mdms {
  mdms: MdmsView;
  /** How an MDM answers a try. */
  tried: MdmTried;
  /** Why an order is refused, where it is. */
  mdmRefusal: string | undefined;
  readonly mdmAsked: { tried: MdmOrder[]; used: MdmOrder[]; removed: string[] };
}

const onDay = (day: number, hour = 9): string => new Date(Date.UTC(2026, 10, day, hour, 12)).toISOString();
const day = (of: number, name: string, accepted: number, refused = 0) => ({ day: onDay(of).slice(0, 10), name, accepted, refused });
const ROBOT = 'dockward@mercy-wards.iam.gserviceaccount.com';

/** Android tablets as an administrator set them, with a key that Google withdrew; iPads by the file. */
export const twoMdms = (): MdmsView => ({
  mdms: [
    {
      platform: 'android',
      name: 'android-management-api',
      source: 'page',
      settings: { kind: 'amapi', enterprise: 'LC03mercy', securityPatchFloor: '2026-06-01' },
      set: { at: onDay(12), by: 'admin' },
      maximumGrade: 'E2',
      never: [{ leaf: 'attestation', words: 'its hardware vouches for it' }],
      tablets: 14,
      underWay: 2,
      credential: { name: ROBOT, since: onDay(12) },
      lastRequest: { at: onDay(22, 6), purpose: 'access token', answered: false, words: 'the credential was refused', toDo: 'Make a new key for the service account, and change it here. Until then no tablet is wiped.' },
      days: [day(22, ROBOT, 212, 31), day(21, ROBOT, 4180), day(20, ROBOT, 3977)],
    },
    {
      platform: 'apple',
      name: 'nanomdm',
      source: 'file',
      settings: { kind: 'nanomdm', baseUrl: 'https://mdm.mercy.example', profiles: { 'ward-7-east': { profile: 'org.mercy.ward', applications: ['org.mercy.chart', 'org.mercy.call'] } }, osFloor: '18.1', pinsOneCertificate: true, grantsPasscodeRemoval: false, eraseEndsJailbreak: false },
      maximumGrade: 'E2',
      never: [
        { leaf: 'attestation', words: 'its hardware vouches for it' },
        { leaf: 'posture', words: 'its system is up to date and not altered' },
      ],
      tablets: 6,
      underWay: 0,
      credential: { name: 'NanoMDM API key of mdm.mercy.example', since: onDay(2) },
      lastRequest: { at: onDay(22, 5), purpose: 'question', answered: true, words: 'answered' },
      days: [day(22, 'NanoMDM API key of mdm.mercy.example', 88), day(22, 'NanoMDM webhook key', 402, 3)],
    },
  ],
  idle: [],
  free: [],
  changes: [
    { at: onDay(12), by: 'admin', kind: 'amapi', act: 'changed', credential: true, settings: { kind: 'amapi', enterprise: 'LC03mercy', securityPatchFloor: '2026-06-01' } },
    { at: onDay(3), by: 'admin', kind: 'amapi', act: 'added', credential: true, settings: { kind: 'amapi', enterprise: 'LC03mercy' } },
  ],
});

/** No MDM at all: twenty tablets wait. */
export const noMdm = (): MdmsView => ({ mdms: [], idle: [], free: [{ kind: 'amapi', platform: 'android', tablets: 14 }, { kind: 'nanomdm', platform: 'apple', tablets: 6 }], changes: [] });

export const emptyMdms = (): Mdms => ({ mdms: twoMdms(), tried: { answered: true, message: 'Google answered for the enterprise LC03mercy with this key.' }, mdmRefusal: undefined, mdmAsked: { tried: [], used: [], removed: [] } });

const ok = (body: unknown): Reply => ({ status: 200, body });

/** The answer to a request about the MDMs, or undefined when it is about something else. */
export async function answerMdms(stub: Mdms & { roles: readonly string[] }, request: IncomingMessage, url: URL): Promise<Reply | undefined> {
  const [, , place, act] = url.pathname.split('/');
  if (place !== 'mdms') return undefined;
  if (!stub.roles.includes('administrator')) return { status: 403, body: { reason: 'denied', message: 'Only an administrator may do this.' } };
  if (request.method === 'GET') return ok(mdmsView.parse(stub.mdms));
  const body: unknown = JSON.parse(await text(request));
  if (act === 'try') {
    stub.mdmAsked.tried.push(mdmOrder.parse(body));
    return ok(mdmTried.parse(stub.tried));
  }
  if (stub.mdmRefusal !== undefined) return { status: 409, body: { reason: 'conflict', message: stub.mdmRefusal } };
  if (act === 'remove') {
    const { kind } = removeMdm.parse(body);
    stub.mdmAsked.removed.push(kind);
    stub.mdms = { ...stub.mdms, mdms: stub.mdms.mdms.filter(({ platform }) => platform !== PLATFORM_OF[kind]), free: [{ kind, platform: PLATFORM_OF[kind], tablets: 0 }] };
    return ok(stub.mdms);
  }
  const order = mdmOrder.parse(body);
  stub.mdmAsked.used.push(order);
  const platform = PLATFORM_OF[order.kind];
  stub.mdms = {
    ...stub.mdms,
    mdms: [...stub.mdms.mdms.filter((mdm) => mdm.platform !== platform), { platform, name: order.kind, source: 'page', settings: order.settings, set: { at: onDay(22), by: 'admin' }, maximumGrade: 'E2', never: [], tablets: 14, underWay: 0, days: [] }],
    free: stub.mdms.free.filter(({ kind }) => kind !== order.kind),
  };
  return ok(stub.mdms);
}
