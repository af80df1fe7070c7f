import type { FleetView } from '../contract/fleet.ts';
import { AsOf } from './as-of.tsx';
import { doubtAbout } from './conflict-mark.tsx';
import { ConflictLine } from './conflicts-page.tsx';
import { CustodySection } from './custody-section.tsx';
import { deviceRow } from './device-row.ts';
import { Facts } from './facts.tsx';
import { RecordList } from './record-list.tsx';
import { hrefOf } from './route.ts';
import { Since, Waited } from './since.tsx';
import { StateMark } from './state-mark.tsx';
import { useFleet } from './store.ts';
import { GRADE_WORDS, STANDING_WORDS, failureWords } from './words.ts';

/** One tablet: where it is, who has it, what is shown about it, and every record of it. */
export function DevicePage({ view, serial }: { view: FleetView; serial: string }) {
  const held = useFleet((state) => state.fleet.held);
  const q = useFleet((state) => state.route.q);
  const device = view.devices.find((known) => known.serial === serial);
  if (device === undefined) {
    return (
      <>
        <h1 tabIndex={-1}>No tablet has this serial</h1>
        <p className="quiet">
          {serial} is not in the fleet. What is recorded about it is below. <a href={hrefOf({ page: 'devices', q: '' })}>All tablets</a>
        </p>
        <CustodySection serial={serial} asset={undefined} />
        <RecordList level={2} title="Records" q={q} />
      </>
    );
  }
  const row = deviceRow(device, view);
  const quarantine = view.quarantine.find((item) => item.serial === serial);
  const reason = quarantine === undefined ? row.reason : failureWords(quarantine.reason, quarantine.failure);
  return (
    <>
      <section className="sheet" aria-labelledby="device">
        <div className="sheet-title">
          <h1 id="device" tabIndex={-1}>
            {device.asset}
          </h1>
          <AsOf held={held} />
        </div>
        <p className="sheet-state">
          <StateMark state={device.where.kind === 'conflict' ? 'unknown' : device.state} />
          <span>
            <strong>{row.state}</strong>
            {reason !== undefined && (
              <span className="under">
                {reason}
                <Waited iso={device.reasonSince} />
              </span>
            )}
          </span>
        </p>
        {doubtAbout(device) !== undefined && <ConflictLine device={device} />}
        <Facts
          facts={[
            ['Where', device.where.kind === 'cart' ? <a href={hrefOf({ page: 'station', id: device.where.station, q: '' })}>{row.place}</a> : row.place],
            ['Held by', row.holder === undefined ? (device.where.kind === 'conflict' ? 'not certain' : 'nobody') : device.where.kind === 'person' ? <a href={hrefOf({ page: 'records', q: row.holder })}>{row.holder}</a> : row.holder],
            ['Since', <Since iso={row.since} />],
            ['Grade', `${device.grade}, ${GRADE_WORDS[device.grade]}`],
            ['Standing', STANDING_WORDS[device.standing]],
            ['Ward', row.ward],
            ['Model', device.model],
            ['Serial', device.serial],
            ['Certificates', <a href={hrefOf({ page: 'certificates', q: device.serial })}>of its sanitizations</a>],
          ]}
        />
      </section>
      <CustodySection serial={serial} asset={device.asset} />
      <RecordList level={2} title="Records" q={q} />
    </>
  );
}
