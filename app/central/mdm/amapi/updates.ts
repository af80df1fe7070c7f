import { z } from 'zod';
import type { Result } from '../../../domain/result.ts';
import { ok, refused } from '../../../domain/result.ts';
import type { MdmRefusal, MdmUpdates, UpdateOrder } from '../adapter.ts';
import type { AmapiCall } from './http.ts';
import { device, policy, type AmapiDevice, type AmapiPolicy } from './shapes.ts';

/** What is put behind a ward's policy id; no ward's own policy may end so. */
const VARIANT = '-dockward-update';

/**
 * The API has no command to update a device now. What it has is a policy's `systemUpdate`: under AUTOMATIC a device installs what
 * waits for it at once. So the device is put under its ward's policy with that one setting changed, and back when it is over. The
 * variant is made anew from the ward's policy at each order; its freeze periods, which are the hospital's word, stay in it.
 */
export function createPolicyUpdates(enterprise: string, call: AmapiCall): MdmUpdates {
  const nameOf = (id: string): string => `${enterprise}/policies/${id}`;

  async function find({ enrolment, serial }: UpdateOrder): Promise<Result<AmapiDevice, MdmRefusal>> {
    const found = await call({ method: 'GET', path: enrolment, purpose: 'read', shape: device });
    if (!found.ok) return found;
    if (found.value.value.hardwareInfo?.serialNumber === serial) return ok(found.value.value);
    return refused({ reason: 'rejected', detail: `${enrolment} is not the device with the serial number ${serial}: it was left alone` });
  }

  async function put(enrolment: string, id: string, purpose: string): Promise<Result<void, MdmRefusal>> {
    const put = await call({ method: 'PATCH', path: enrolment, purpose, query: { updateMask: 'policyName' }, body: { policyName: nameOf(id) }, shape: z.unknown() });
    return put.ok ? ok(undefined) : put;
  }

  return {
    async order(order) {
      const found = await find(order);
      if (!found.ok) return found;
      const { policyName } = found.value;
      if (policyName === nameOf(order.profile + VARIANT)) return ok(undefined);
      if (policyName !== nameOf(order.profile)) return refused({ reason: 'rejected', detail: `${order.enrolment} is under ${policyName ?? 'no policy'}, which is not its ward's: it was left alone` });
      const own = await call({ method: 'GET', path: nameOf(order.profile), purpose: 'read', shape: policy });
      if (!own.ok) return own;
      const made = await call({ method: 'PATCH', path: nameOf(order.profile + VARIANT), purpose: 'update policy', body: installing(own.value.value), shape: z.unknown() });
      return made.ok ? put(order.enrolment, order.profile + VARIANT, 'update') : made;
    },
    async end(order) {
      const found = await find(order);
      if (!found.ok) return found.reason.reason === 'not-found' ? ok(undefined) : found;
      return found.value.policyName === nameOf(order.profile + VARIANT) ? put(order.enrolment, order.profile, 'end of update') : ok(undefined);
    },
  };
}

/** `name` and `version` are the server's own. */
function installing({ name: _name, version: _version, systemUpdate, ...rest }: AmapiPolicy): unknown {
  const { startMinutes: _from, endMinutes: _to, ...kept } = systemUpdate ?? {};
  return { ...rest, systemUpdate: { ...kept, type: 'AUTOMATIC' } };
}
