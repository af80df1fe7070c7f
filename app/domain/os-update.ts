import type { DeviceRow, NightRow } from './tables.ts';
import type { StatementRefusal } from './terms.ts';
import type { StatementBinding } from './sanitization.ts';

/** From the request until its outcome is in the ledger: the tablet is offered to nobody and is not wiped, and may restart. */
export const isUpdateOpen = ({ update }: Pick<DeviceRow, 'update'>): boolean => update !== undefined && update.outcome === undefined;

/**
 * The request, a sanitization's or an update's, in whose course the device may restart now: an absence is explained by nothing else.
 * `isSeen`: the cart saw it go. A wipe settles whatever happened before it; an update settles nothing, and of an absence that began
 * unseen nobody knows how long it was or who began it.
 */
export function restartsFor(device: DeviceRow, isSeen: boolean): string | undefined {
  const { request, exposure, evidence, update } = device;
  if (update && isUpdateOpen(device)) return !isSeen || (exposure?.seq ?? 0) > update.seq ? undefined : update.request;
  return request !== undefined && request.exposure === exposure?.leaf && !request.failure && !evidence.enrolment ? request.request : undefined;
}

/** It was away during an update that came to nothing, which leaves nothing to explain that by; nobody has recorded it as the exposure that it is. */
export function isAwayUnexplained({ update, exposure }: Pick<DeviceRow, 'update' | 'exposure'>): boolean {
  return update?.backSeq !== undefined && update.outcome !== undefined && update.outcome !== 'updated' && (exposure?.seq ?? 0) < update.backSeq;
}

/** The wipe after the last exposure is proven and certified, so that none is open. */
export const isWipeProven = ({ request, exposure, sanitized }: DeviceRow): boolean => request !== undefined && request.exposure === exposure?.leaf && sanitized?.request === request.request;

/** Whether the night has had its one try at this tablet's update. */
export const isTriedTonight = ({ update }: DeviceRow, { beganAtMs }: Pick<NightRow, 'beganAtMs'>): boolean => update !== undefined && update.atMs >= beganAtMs;

/** An update that somebody has to look at in the morning; one that found nothing to install is none. */
export const failedTonight = (device: DeviceRow, night: NightRow): boolean =>
  isTriedTonight(device, night) && device.update?.outcome !== undefined && device.update.outcome !== 'updated' && device.update.outcome !== 'none-waiting';

/** As `judgeBinding` of a sanitization: a statement about an update names this tenant, this station and the device's open update by its nonce. */
export function judgeUpdateBinding(claims: StatementBinding, here: { readonly tenant: string; readonly station: string }, device: DeviceRow | undefined): StatementRefusal | undefined {
  if (claims.tenant !== here.tenant) return 'tenant';
  if (claims.station !== here.station) return 'station';
  if (!device) return 'serial';
  if (device.update?.request !== claims.request) return 'request';
  if (device.update.nonce !== claims.nonce) return 'nonce';
  return device.update.outcome === undefined ? undefined : 'duplicate';
}
