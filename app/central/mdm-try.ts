import { z } from 'zod';
import type { MdmSettings, MdmTried } from '../contract/mdm.ts';
import { ok, refused, type Result } from '../domain/result.ts';
import type { CredentialUsed, MdmRefusal, MdmRefusalReason } from './mdm/adapter.ts';
import { createAmapiCall } from './mdm/amapi/http.ts';
import { deviceList } from './mdm/amapi/shapes.ts';
import { exchange, parseJson, refusalOf } from './mdm/http.ts';
import { apiKeyName, type ConfiguredMdm } from './mdm-open.ts';

const AMAPI = 'https://androidmanagement.googleapis.com';
const TIMEOUT_MS = 10_000;
const PURPOSE = 'try';
/** No tablet has it: NanoMDM says so, to whoever holds its key. */
const NOBODY = 'dockward-try';
const pushAnswer = z.object({ push_error: z.string().optional(), status: z.record(z.string(), z.unknown()).optional() });

export interface TryDeps {
  readonly used: CredentialUsed;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** One request that changes nothing, recorded as a use like every other: is this address the MDM, and does it take the credential? */
export function tryMdm(configured: ConfiguredMdm, deps: TryDeps): Promise<Result<void, MdmRefusal>> {
  return 'serviceAccount' in configured ? tryAmapi(configured, deps) : tryNanomdm(configured, deps);
}

async function tryAmapi({ settings, serviceAccount }: Extract<ConfiguredMdm, { serviceAccount: unknown }>, { used, now }: TryDeps): Promise<Result<void, MdmRefusal>> {
  const call = createAmapiCall({ serviceAccount, baseUrl: (settings.baseUrl ?? AMAPI).replace(/\/$/, ''), fetch, now, timeoutMs: TIMEOUT_MS, used });
  const enterprise = settings.enterprise.replace(/^enterprises\//, '');
  const listed = await call({ method: 'GET', path: `enterprises/${enterprise}/devices`, purpose: PURPOSE, query: { pageSize: '1' }, shape: deviceList });
  return listed.ok ? ok(undefined) : listed;
}

/** Its API can be told and not asked. To wake a tablet that does not exist is the one request of it that does nothing. */
async function tryNanomdm({ settings, secrets }: Extract<ConfiguredMdm, { secrets: unknown }>, { used, now }: TryDeps): Promise<Result<void, MdmRefusal>> {
  const authorization = `Basic ${Buffer.from(`nanomdm:${await secrets.apiKey()}`).toString('base64')}`;
  const answer = await exchange({ fetch, now, timeoutMs: TIMEOUT_MS }, new URL(`${settings.baseUrl.replace(/\/$/, '')}/v1/push/${NOBODY}`), { headers: { authorization } });
  const tried = answer.ok ? understand(answer.value) : answer;
  used({ name: apiKeyName(settings.baseUrl), purpose: PURPOSE }, tried.ok ? 'accepted' : tried.reason.reason);
  return tried;
}

function understand(answer: Parameters<typeof refusalOf>[0]): Result<void, MdmRefusal> {
  const read = [200, 207, 500].includes(answer.status) ? pushAnswer.safeParse(parseJson(answer.text)) : undefined;
  if (read?.success && (read.data.status !== undefined || read.data.push_error !== undefined)) return ok(undefined);
  const refusal = refusalOf(answer, '');
  if (refusal.reason === 'not-found' || answer.status < 400) return refused({ reason: 'unavailable', detail: `HTTP ${answer.status}: this is not NanoMDM, or it was started without -api` });
  return refused(refusal);
}

/** What a try came to, for the person who made it. */
export function triedWords(settings: MdmSettings, tried: Result<void, MdmRefusal>): MdmTried {
  if (tried.ok) return { answered: true, message: settings.kind === 'amapi' ? `Google answered for the enterprise ${settings.enterprise} with this key.` : `NanoMDM at ${new URL(settings.baseUrl).host} answered with this key.` };
  const { reason, detail } = tried.reason;
  const because = detail === '' ? '' : ` (${detail})`;
  return { answered: false, message: `${REFUSED[settings.kind][reason]}${because}.` };
}

const REFUSED: Readonly<Record<MdmSettings['kind'], Readonly<Record<MdmRefusalReason, string>>>> = {
  amapi: {
    unauthorized: 'Google does not take this key for this enterprise. Compare the enterprise id, see that the service account may manage it, or make a new key',
    'not-found': 'Google knows the key and not this enterprise. Compare the enterprise id',
    throttled: 'Google asks for a pause. Try again in a few minutes',
    unavailable: 'Google gave no usable answer. See that this server reaches the internet, then try again',
    rejected: 'Google refused the request. Compare the enterprise id, and see that the Android Management API is on for the project of the key',
  },
  nanomdm: {
    unauthorized: 'NanoMDM does not take this API key. Compare it with -api',
    'not-found': 'NanoMDM is not at this address. Compare it',
    throttled: 'The server at this address asks for a pause. Try again in a few minutes',
    unavailable: 'There is no usable answer from this address. Compare it, see that NanoMDM runs and that this server reaches it, then try again',
    rejected: 'The server at this address refused the request. Compare the address',
  },
};
