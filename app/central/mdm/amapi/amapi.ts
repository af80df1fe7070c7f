import { z } from 'zod';
import type { MdmCommand, MdmEnrolment, MdmObservation } from '../../../domain/mdm-evidence.ts';
import type { Result } from '../../../domain/result.ts';
import { ok, refused } from '../../../domain/result.ts';
import type { CredentialUsed, MdmAdapter, MdmRefusal } from '../adapter.ts';
import { createAmapiCall } from './http.ts';
import type { AmapiDevice, AmapiOperation, ServiceAccountKey } from './shapes.ts';
import { createPolicyUpdates } from './updates.ts';
import { commandOf, device, deviceList, enrolmentOf, operation, operationList, wipeReason } from './shapes.ts';

const BASE_URL = 'https://androidmanagement.googleapis.com';
const PAGE_SIZE = '100';
/** Stops a server that never ends its list. */
const MOST_PAGES = 1000;
/** A lock or Lost Mode must still reach a tablet that was switched off for a night. */
const LOST_COMMAND_S = 30 * 86_400;
/** How many commands' last known times are kept for when the vendor forgets them with their record. */
const COMMANDS_REMEMBERED = 1000;

export interface AmapiOptions {
  /** `LC0…`, with or without `enterprises/`. */
  readonly enterprise: string;
  readonly serviceAccount: ServiceAccountKey;
  readonly baseUrl?: string;
  readonly fetch?: typeof fetch;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** Oldest Android security patch level, `YYYY-MM-DD`, that counts as at the floor. */
  readonly securityPatchFloor?: string;
  /** Tablets may be put under a variant of their ward's policy that installs the update that waits (`updates.ts`). Left out: they are not. */
  readonly ordersUpdates?: boolean;
  readonly timeoutMs?: number;
  readonly used?: CredentialUsed;
}

/**
 * The Android Management API. A wipe is a command to one enrolment (a *device name*); a tablet that enrols again gets a
 * new name, with the old ones as predecessors. Grade E2: the API's records show a new enrolment caused by the command.
 */
export function createAmapi(options: AmapiOptions): MdmAdapter {
  const enterprise = options.enterprise.startsWith('enterprises/') ? options.enterprise : `enterprises/${options.enterprise}`;
  const reading = { securityPatchFloor: options.securityPatchFloor ?? '2026-06-01', ordersUpdates: options.ordersUpdates ?? false };
  const call = createAmapiCall({
    serviceAccount: options.serviceAccount,
    baseUrl: (options.baseUrl ?? BASE_URL).replace(/\/$/, ''),
    fetch: options.fetch ?? fetch,
    now: options.now,
    timeoutMs: options.timeoutMs ?? 10_000,
    used: options.used ?? (() => {}),
  });
  const remembered = new Map<string, MdmCommand>();

  function remember(command: MdmCommand): MdmCommand {
    remembered.delete(command.command);
    remembered.set(command.command, command);
    const oldest = remembered.keys().next();
    if (remembered.size > COMMANDS_REMEMBERED && !oldest.done) remembered.delete(oldest.value);
    return command;
  }

  /** Every item of a list, each name once: pages may overlap while records come and go. */
  async function readAll<T extends { name: string }, P extends { nextPageToken?: string | undefined }>(path: string, shape: z.ZodType<P>, items: (page: P) => readonly T[]): Promise<Result<T[], MdmRefusal>> {
    const found = new Map<string, T>();
    let pageToken: string | undefined;
    for (let page = 0; page < MOST_PAGES; page += 1) {
      const answer = await call({ method: 'GET', path, purpose: 'read', query: { pageSize: PAGE_SIZE, ...(pageToken === undefined ? {} : { pageToken }) }, shape });
      if (!answer.ok) return answer;
      for (const item of items(answer.value.value)) found.set(item.name, item);
      pageToken = answer.value.value.nextPageToken;
      if (!pageToken) return ok([...found.values()]);
    }
    return refused({ reason: 'unavailable', detail: `the list ${path} does not end` });
  }

  const listDevices = (): Promise<Result<AmapiDevice[], MdmRefusal>> => readAll(`${enterprise}/devices`, deviceList, (page) => page.devices ?? []);
  const listOperations = (name: string): Promise<Result<AmapiOperation[], MdmRefusal>> => readAll(`${name}/operations`, operationList, (page) => page.operations ?? []);

  async function enrolments(wanted: (listed: AmapiDevice, all: readonly AmapiDevice[]) => boolean): Promise<Result<MdmEnrolment[], MdmRefusal>> {
    const listed = await listDevices();
    if (!listed.ok) return listed;
    const found: MdmEnrolment[] = [];
    for (const one of listed.value.filter((each) => wanted(each, listed.value))) {
      const operations = await listOperations(one.name);
      if (!operations.ok && operations.reason.reason === 'not-found') continue;
      if (!operations.ok) return operations;
      const enrolment = enrolmentOf(one, operations.value, reading);
      if (enrolment) found.push(enrolment);
    }
    return ok(found);
  }

  async function findCommand(name: string, reason: string): Promise<Result<MdmCommand | undefined, MdmRefusal>> {
    const operations = await listOperations(name);
    if (!operations.ok) return operations;
    const issued = operations.value.find((one) => one.metadata?.type === 'WIPE' && one.metadata.wipeParams?.wipeReason?.defaultMessage === reason);
    return ok(issued ? commandOf(issued, undefined) : undefined);
  }

  async function issue(enrolment: string, purpose: string, command: Readonly<Record<string, unknown>>): Promise<Result<AmapiOperation, MdmRefusal>> {
    const answer = await call({ method: 'POST', path: `${enrolment}:issueCommand`, purpose, body: command, shape: operation });
    return answer.ok ? ok(answer.value.value) : answer;
  }

  async function readCommand(name: string): Promise<Result<MdmCommand, MdmRefusal>> {
    const answer = await call({ method: 'GET', path: name, purpose: 'read', shape: operation });
    if (!answer.ok) {
      const known = remembered.get(name);
      return answer.reason.reason === 'not-found' && known ? ok(known) : answer;
    }
    const command = commandOf(answer.value.value, answer.value.atMdmMs);
    return command ? ok(remember(command)) : noCreateTime(name);
  }

  return {
    name: 'android-management-api',
    maximumGrade: 'E2',
    unreachable: ['attestation'],
    ...(reading.ordersUpdates ? { updates: createPolicyUpdates(enterprise, call) } : {}),

    async findEnrolment(serial) {
      const found = await enrolments((listed) => listed.hardwareInfo?.serialNumber === serial);
      if (!found.ok) return found;
      const newest = found.value.filter((one) => one.state === 'active').sort((a, b) => b.enrolledMdmMs - a.enrolledMdmMs)[0];
      return newest ? ok(newest) : refused({ reason: 'not-found', detail: `${enterprise} has no active device with the serial number ${serial}` });
    },

    async wipe(order) {
      const reason = wipeReason(order.request);
      const earlier = await findCommand(order.enrolment, reason);
      if (!earlier.ok) return earlier;
      if (earlier.value) return ok(remember(earlier.value));
      const target = await call({ method: 'GET', path: order.enrolment, purpose: 'read', shape: device });
      if (!target.ok) return target;
      if (target.value.value.hardwareInfo?.serialNumber !== order.serial) {
        return refused({ reason: 'rejected', detail: `${order.enrolment} is not the device with the serial number ${order.serial}: nothing was wiped` });
      }
      const issued = await issue(order.enrolment, 'wipe', { type: 'WIPE', duration: `${Math.ceil(order.expiresInMs / 1000)}s`, wipeParams: { wipeReason: { defaultMessage: reason } } });
      if (!issued.ok) return issued;
      const command = commandOf(issued.value, undefined);
      return command ? ok(remember(command)) : noCreateTime(issued.value.name);
    },

    async observe(order): Promise<Result<MdmObservation, MdmRefusal>> {
      const command = await readCommand(order.command);
      if (!command.ok) return command;
      const isOf = (listed: AmapiDevice): boolean => listed.hardwareInfo?.serialNumber === order.serial;
      // An earlier life of the tablet counts whatever serial number it is listed under: its credentials may live.
      const found = await enrolments((listed, all) => isOf(listed) || listed.name === order.previous || all.some((heir) => isOf(heir) && heir.previousDeviceNames?.includes(listed.name)));
      return found.ok ? ok({ command: command.value, enrolments: found.value }) : found;
    },

    async removeEnrolment(enrolment) {
      const answer = await call({ method: 'DELETE', path: enrolment, purpose: 'remove enrolment', shape: z.unknown() });
      if (answer.ok || answer.reason.reason === 'not-found') return ok(undefined);
      return answer;
    },

    // The API has no place for the reason of a lock: it stays with whoever asked for it.
    lock: (enrolment) => sent(issue(enrolment, 'lock', { type: 'LOCK', duration: `${LOST_COMMAND_S}s` })),

    startLostMode: (enrolment, notice) =>
      sent(
        issue(enrolment, 'lost mode', {
          type: 'START_LOST_MODE',
          duration: `${LOST_COMMAND_S}s`,
          startLostModeParams: {
            lostMessage: { defaultMessage: notice.message },
            ...(notice.phone === undefined ? {} : { lostPhoneNumber: { defaultMessage: notice.phone } }),
            ...(notice.organization === undefined ? {} : { lostOrganization: { defaultMessage: notice.organization } }),
          },
        }),
      ),

    stopLostMode: (enrolment) => sent(issue(enrolment, 'end of lost mode', { type: 'STOP_LOST_MODE', duration: `${LOST_COMMAND_S}s`, stopLostModeParams: {} })),
  };
}

async function sent(issued: Promise<Result<AmapiOperation, MdmRefusal>>): Promise<Result<void, MdmRefusal>> {
  const answer = await issued;
  return answer.ok ? ok(undefined) : answer;
}

const noCreateTime = (name: string): Result<never, MdmRefusal> => refused({ reason: 'unavailable', detail: `the operation ${name} says nothing of when it was issued` });
