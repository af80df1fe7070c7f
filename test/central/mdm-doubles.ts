import { createServer, type RequestListener } from 'node:http';
import type { MdmOrder } from '../../app/contract/mdm.ts';
import { createAmapiDouble } from '../../app/simulator/mdm/amapi-double.ts';
import { createNanomdmDouble } from '../../app/simulator/mdm/nanomdm-double.ts';
import { makeServiceAccount, type ServiceAccount } from '../../app/simulator/mdm/service-account.ts';
import { createMdm, type Mdm } from '../../app/simulator/world/mdm.ts';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { createTablet } from '../../app/simulator/world/tablet.ts';
import { served } from '../support/served.ts';

export const PROFILE = 'ward-7-east';
const made = makeServiceAccount('http://replaced/token');

type AmapiOrder = Extract<MdmOrder, { kind: 'amapi' }>;
type NanomdmOrder = Extract<MdmOrder, { kind: 'nanomdm' }>;

export interface Google {
  readonly url: string;
  readonly mdm: Mdm;
  readonly account: ServiceAccount;
  /** What the fleet page would send. */
  readonly order: AmapiOrder;
  wipes(): number;
}

/** The Android Management API as a world with one tablet has it, at an address of its own; ends with the test. */
export async function google(serial: string): Promise<Google> {
  const mdm = createMdm({ random: seededRandom(7), clockMs: Date.now() });
  mdm.admit(createTablet({ serial, profile: PROFILE }));
  // The key's file says where tokens come from, which is known once the server listens.
  const account: { -readonly [K in keyof ServiceAccount]: ServiceAccount[K] } = { ...made };
  const url = await served(createServer(createAmapiDouble({ mdm, account, beforeEach: () => mdm.tick(Math.max(mdm.nowMs(), Date.now())) })));
  account.file = { ...made.file, token_uri: `${url}/token` };
  return {
    url,
    mdm,
    account,
    order: { kind: 'amapi', settings: { kind: 'amapi', enterprise: mdm.enterprise, baseUrl: url }, secrets: { serviceAccount: JSON.stringify(account.file) } },
    wipes: () => mdm.state.operations.filter(({ type }) => type === 'WIPE').length,
  };
}

export const NANOMDM_KEYS = { apiKey: 'nano api key 4f1c', webhookKey: 'nano webhook key 9b2e' };

/** NanoMDM without a tablet, at an address of its own; ends with the test. It answers nobody before it was asked `atOnce` times. */
export async function nanomdm(atOnce = 1): Promise<{ readonly url: string; readonly order: NanomdmOrder }> {
  const mdm = createMdm({ random: seededRandom(7), clockMs: Date.now() });
  const double = createNanomdmDouble({ mdm, tablets: () => [], ...NANOMDM_KEYS, storage: 'filekv', webhook: () => {} });
  const held: (() => void)[] = [];
  let left = atOnce;
  const listener: RequestListener = (request, response) => {
    held.push(() => double.listener(request, response));
    left -= 1;
    if (left <= 0) for (const answer of held.splice(0)) answer();
  };
  const url = await served(createServer(listener));
  const settings: NanomdmOrder['settings'] = { kind: 'nanomdm', baseUrl: url, profiles: { [PROFILE]: { profile: 'org.example.ward', applications: ['org.example.chart'] } }, osFloor: '18.1', pinsOneCertificate: true, grantsPasscodeRemoval: false, eraseEndsJailbreak: true };
  return { url, order: { kind: 'nanomdm', settings, secrets: { ...NANOMDM_KEYS, wifiProfile: Buffer.from('<plist>wifi password 7d55</plist>').toString('base64') } } };
}
