import { z } from 'zod';
import type { MdmCommand, MdmEnrolment } from '../../../domain/mdm-evidence.ts';

/** The parts of the Android Management API that we read. Names and values are the vendor's; unknown fields are left out. */

export const serviceAccountKey = z.object({
  type: z.literal('service_account'),
  client_email: z.string().min(3),
  private_key: z.string().includes('PRIVATE KEY'),
  private_key_id: z.string().optional(),
  token_uri: z.url(),
});
export type ServiceAccountKey = z.infer<typeof serviceAccountKey>;

export const tokenAnswer = z.object({ access_token: z.string().min(1), expires_in: z.int().positive(), token_type: z.string() });

const timestamp = z.string().transform((text, context) => {
  const ms = Date.parse(text);
  if (Number.isNaN(ms)) context.addIssue({ code: 'custom', message: 'not a timestamp' });
  return ms;
});

export const device = z.object({
  name: z.string().regex(/^enterprises\/[^/]+\/devices\/[^/]+$/),
  state: z.string().optional(),
  appliedState: z.string().optional(),
  enrollmentTime: timestamp.optional(),
  lastStatusReportTime: timestamp.optional(),
  policyName: z.string().optional(),
  appliedPolicyName: z.string().optional(),
  policyCompliant: z.boolean().optional(),
  previousDeviceNames: z.array(z.string()).optional(),
  hardwareInfo: z.object({ serialNumber: z.string().optional() }).optional(),
  softwareInfo: z
    .object({
      androidVersion: z.string().max(40).optional(),
      androidBuildNumber: z.string().max(80).optional(),
      securityPatchLevel: z.string().max(40).optional(),
      systemUpdateInfo: z.object({ updateStatus: z.string().optional() }).optional(),
    })
    .optional(),
  deviceSettings: z.object({ adbEnabled: z.boolean().optional() }).optional(),
  securityPosture: z.object({ devicePosture: z.string().optional() }).optional(),
});
export type AmapiDevice = z.infer<typeof device>;
export const deviceList = z.object({ devices: z.array(device).optional(), nextPageToken: z.string().optional() });

export const operation = z.object({
  name: z.string().regex(/^enterprises\/[^/]+\/devices\/[^/]+\/operations\/[^/]+$/),
  done: z.boolean().optional(),
  error: z.object({ code: z.int(), message: z.string().optional() }).optional(),
  metadata: z
    .object({
      type: z.string().optional(),
      createTime: timestamp.optional(),
      errorCode: z.string().optional(),
      wipeParams: z.object({ wipeReason: z.object({ defaultMessage: z.string().optional() }).optional() }).optional(),
    })
    .optional(),
});
export type AmapiOperation = z.infer<typeof operation>;
export const operationList = z.object({ operations: z.array(operation).optional(), nextPageToken: z.string().optional() });

/** Whatever the hospital's own policy holds; only its update settings are looked at. */
export const policy = z.looseObject({ systemUpdate: z.looseObject({}).optional() });
export type AmapiPolicy = z.infer<typeof policy>;

export const errorAnswer = z.object({ error: z.object({ code: z.int(), message: z.string(), status: z.string().optional() }) });

/** The vendor keeps no number of ours; the reason of a wipe is text that comes back with the operation, shown only on personal devices. */
export const wipeReason = (request: string): string => `Dockward ${request}`;

/** google.rpc.Code of a command that was not carried out in time. */
const DEADLINE_EXCEEDED = 4;

/** `readMdmMs`: the MDM's own time of the answer, which is all it tells about when a command was done. */
export function commandOf(read: AmapiOperation, readMdmMs: number | undefined): MdmCommand | undefined {
  const issuedMdmMs = read.metadata?.createTime;
  if (issuedMdmMs === undefined) return undefined;
  const state = stateOfCommand(read);
  return {
    command: read.name,
    enrolment: read.name.slice(0, read.name.lastIndexOf('/operations/')),
    issuedMdmMs,
    state,
    ...(state === 'confirmed' && readMdmMs !== undefined ? { confirmedMdmMs: readMdmMs } : {}),
  };
}

export function stateOfCommand(read: AmapiOperation): MdmCommand['state'] {
  if (!read.done) return 'pending';
  if (read.error) return read.error.code === DEADLINE_EXCEEDED ? 'expired' : 'failed';
  const code = read.metadata?.errorCode;
  return code === undefined || code === 'COMMAND_ERROR_CODE_UNSPECIFIED' ? 'confirmed' : 'failed';
}

export interface Reading {
  readonly securityPatchFloor: string;
  /** Whether an update that waits can be ordered here. */
  readonly ordersUpdates: boolean;
}

/** What the device has not reported counts as bad. Undefined: the record has no serial or time of enrolment to go by. */
export function enrolmentOf(read: AmapiDevice, operations: readonly AmapiOperation[], { securityPatchFloor, ordersUpdates }: Reading): MdmEnrolment | undefined {
  const serial = read.hardwareInfo?.serialNumber;
  if (serial === undefined || read.enrollmentTime === undefined) return undefined;
  const profile = read.appliedPolicyName?.split('/').at(-1);
  const posture = read.securityPosture?.devicePosture;
  const patchLevel = read.softwareInfo?.securityPatchLevel;
  return {
    enrolment: read.name,
    serial,
    previous: read.previousDeviceNames ?? [],
    enrolledMdmMs: read.enrollmentTime,
    state: stateOfEnrolment(read),
    ...(read.lastStatusReportTime === undefined ? {} : { reportedMdmMs: read.lastStatusReportTime }),
    ...(profile ? { profile } : {}),
    compliant: read.policyCompliant === true && posture === 'SECURE',
    osAtFloor: patchLevel !== undefined && /^\d{4}-\d\d-\d\d$/.test(patchLevel) && patchLevel >= securityPatchFloor,
    rooted: posture !== 'SECURE' && posture !== 'AT_RISK',
    adbEnabled: read.deviceSettings?.adbEnabled ?? true,
    ...systemOf(read, ordersUpdates),
    pendingCommands: operations.filter((one) => stateOfCommand(one) === 'pending').length,
    // A passcode set through the MDM in this enrolment's life is one that somebody else knows.
    unlockTokenKept: operations.some((one) => one.metadata?.type === 'RESET_PASSWORD' && ['pending', 'confirmed'].includes(stateOfCommand(one))),
  };
}

const UPDATES: ReadonlySet<string> = new Set(['UNKNOWN_UPDATE_AVAILABLE', 'SECURITY_UPDATE_AVAILABLE', 'OS_UPDATE_AVAILABLE']);

function systemOf({ softwareInfo }: AmapiDevice, ordersUpdates: boolean): Pick<MdmEnrolment, 'os' | 'update'> {
  const { androidVersion, androidBuildNumber, securityPatchLevel, systemUpdateInfo } = softwareInfo ?? {};
  const os = [androidVersion, androidBuildNumber, securityPatchLevel].filter((part) => part !== undefined).join(' ');
  const status = systemUpdateInfo?.updateStatus ?? '';
  const update = UPDATES.has(status) ? (ordersUpdates ? ('waiting' as const) : ('held' as const)) : status === 'UP_TO_DATE' ? ('none' as const) : undefined;
  return { ...(os === '' ? {} : { os }), ...(update === undefined ? {} : { update }) };
}

/** `state` is what was asked of the device, `appliedState` what it is: active needs both, deleted only the second. */
function stateOfEnrolment(read: AmapiDevice): MdmEnrolment['state'] {
  if (read.appliedState === 'DELETED') return 'deleted';
  if (read.appliedState === 'PROVISIONING') return 'provisioning';
  return read.appliedState === 'ACTIVE' && read.state === 'ACTIVE' ? 'active' : 'disabled';
}
