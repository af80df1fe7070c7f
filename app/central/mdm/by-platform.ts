import type { MdmSettings } from '../../contract/mdm.ts';
import type { Result } from '../../domain/result.ts';
import { refused } from '../../domain/result.ts';
import type { Platform } from '../../domain/terms.ts';
import type { Database } from '../database.ts';
import type { MdmAdapter, MdmRefusal, ReceiveWebhook } from './adapter.ts';

/** One MDM as configured: the tablets that it manages, and how it may tell of itself. */
export interface Mdm {
  readonly platform: Platform;
  readonly adapter: MdmAdapter;
  /** What it sends by itself comes to `/mdm/<name>`. */
  readonly webhook?: { readonly name: string; readonly receive: ReceiveWebhook };
  readonly about?: MdmAbout;
}

/** What people may see of it. */
export interface MdmAbout {
  readonly settings: MdmSettings;
  /** Under which names the uses of its credentials are recorded: of the one it is asked with, and of what signs the messages it sends. */
  readonly asks: string;
  readonly tells?: string;
}

/**
 * All of a tenant's MDMs as one: each tablet is asked for where its platform is managed. The directory says which that is, and for an
 * enrolment the serial that it was wiped under.
 */
export function byPlatform(database: Database, mdms: readonly Mdm[]): MdmAdapter {
  /** Passes when an administrator sets one: requests wait for it. */
  const none = (what: string): Result<never, MdmRefusal> => refused({ reason: 'unavailable', detail: `no MDM is configured for ${what}` });

  const noUpdates = async ({ name }: MdmAdapter): Promise<Result<never, MdmRefusal>> => refused({ reason: 'rejected', detail: `${name} orders no updates` });

  async function ofSerial<T>(serial: string, act: (adapter: MdmAdapter) => Promise<Result<T, MdmRefusal>>): Promise<Result<T, MdmRefusal>> {
    const found = await database.query<{ platform: Platform }>('select platform from device where serial = $1', [serial]);
    const platform = found.rows[0]?.platform;
    if (platform === undefined) return refused({ reason: 'not-found', detail: `the directory does not know the serial number ${serial}` });
    const mdm = mdms.find((one) => one.platform === platform);
    return mdm ? act(mdm.adapter) : none(`${platform} tablets`);
  }

  return {
    name: mdms.map(({ adapter }) => adapter.name).join(', '),
    maximumGrade: mdms.map(({ adapter }) => adapter.maximumGrade).sort().at(-1) ?? 'E1',
    unreachable: [...new Set(mdms.flatMap(({ adapter }) => adapter.unreachable))],
    updates: {
      order: (order) => ofSerial(order.serial, (adapter) => adapter.updates?.order(order) ?? noUpdates(adapter)),
      end: (order) => ofSerial(order.serial, (adapter) => adapter.updates?.end(order) ?? noUpdates(adapter)),
    },
    findEnrolment: (serial) => ofSerial(serial, (adapter) => adapter.findEnrolment(serial)),
    wipe: (order) => ofSerial(order.serial, (adapter) => adapter.wipe(order)),
    observe: (order) => ofSerial(order.serial, (adapter) => adapter.observe(order)),
    async removeEnrolment(enrolment) {
      const wiped = await database.query<{ serial: string }>('select serial from seen_enrolment where enrolment = $1', [enrolment]);
      const serial = wiped.rows[0]?.serial;
      return serial === undefined ? refused({ reason: 'not-found', detail: `${enrolment} was never wiped here` }) : ofSerial(serial, (adapter) => adapter.removeEnrolment(enrolment));
    },
  };
}
