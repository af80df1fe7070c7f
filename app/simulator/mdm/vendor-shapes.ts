import type { MdmOperation, MdmRecord } from '../world/mdm-records.ts';
import { ANDROID_VERSION, type Mdm } from '../world/mdm.ts';

/** The world's records as the vendor's JSON shows them. */

export function deviceShape(mdm: Mdm, record: MdmRecord): Record<string, unknown> {
  const { report } = record;
  const state = { active: 'ACTIVE', provisioning: 'PROVISIONING', disabled: 'DISABLED', deleted: 'DELETED' }[record.state];
  const policies = `enterprises/${mdm.enterprise}/policies`;
  return {
    name: record.name,
    managementMode: 'DEVICE_OWNER',
    ownership: 'COMPANY_OWNED',
    state,
    appliedState: state,
    enrollmentTime: timestamp(record.enrolledMs),
    policyName: `${policies}/${record.policy}`,
    previousDeviceNames: record.previous,
    hardwareInfo: { brand: 'samsung', manufacturer: 'samsung', model: 'SM-X306B', serialNumber: record.serial },
    ...(report
      ? {
          lastStatusReportTime: timestamp(report.atMs),
          lastPolicySyncTime: timestamp(report.atMs),
          ...(report.profile === null ? {} : { appliedPolicyName: `${policies}/${report.profile}`, appliedPolicyVersion: '1' }),
          policyCompliant: report.compliant,
          softwareInfo: { androidVersion: ANDROID_VERSION, securityPatchLevel: report.patchLevel, ...(report.updateWaits === undefined ? {} : { systemUpdateInfo: { updateStatus: report.updateWaits ? 'SECURITY_UPDATE_AVAILABLE' : 'UP_TO_DATE' } }) },
          deviceSettings: { adbEnabled: report.adbEnabled, isEncrypted: true, isDeviceSecure: false },
          securityPosture: report.rooted ? { devicePosture: 'POTENTIALLY_COMPROMISED', postureDetails: [{ securityRisk: 'COMPROMISED_OS' }] } : { devicePosture: 'SECURE' },
          applicationReports: report.profile === null ? [] : [{ packageName: 'org.example.wardround', state: 'INSTALLED', applicationSource: 'INSTALLED_FROM_PLAY_STORE' }],
        }
      : {}),
  };
}

const OUTCOME: Record<MdmOperation['state'], Record<string, unknown>> = {
  pending: {},
  confirmed: { done: true, response: {} },
  expired: { done: true, error: { code: 4, message: 'The command expired before the device executed it.' } },
  failed: { done: true, error: { code: 13, message: 'The device failed to execute the command.' } },
};

export function operationShape(operation: MdmOperation): Record<string, unknown> {
  return {
    name: operation.name,
    metadata: {
      '@type': 'type.googleapis.com/google.android.devicemanagement.v1.Command',
      type: operation.type,
      createTime: timestamp(operation.createdMs),
      duration: `${operation.durationMs / 1000}s`,
      ...(operation.reason === '' ? {} : { wipeParams: { wipeReason: { defaultMessage: operation.reason } } }),
    },
    ...OUTCOME[operation.state],
  };
}

const timestamp = (ms: number): string => new Date(ms).toISOString();
