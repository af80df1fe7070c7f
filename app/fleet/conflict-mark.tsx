import type { FleetDevice } from '../contract/fleet.ts';
import { hrefOf } from './route.ts';

/** Two tablets where there should be one. Always beside words. */
export function ConflictMark() {
  return (
    <svg className="conflict-mark" viewBox="0 0 28 26" aria-hidden="true">
      <path d="M9 19.5H5.5a3 3 0 0 1-3-3v-12a3 3 0 0 1 3-3h7a3 3 0 0 1 3 3" />
      <rect x="12" y="6.5" width="13" height="18" rx="3" strokeDasharray="4 3" />
    </svg>
  );
}

/** A tablet's name as a link; one whose place is in doubt is never named without saying so. */
export function TabletName({ serial, asset, doubt }: { serial: string; asset: string; doubt: Doubt | undefined }) {
  return (
    <>
      <a href={hrefOf({ page: 'device', serial, q: '' })}>{asset}</a>
      {doubt !== undefined && (
        <span className="doubt">
          {' '}
          <ConflictMark />
          {doubt}
        </span>
      )}
    </>
  );
}

export type Doubt = 'in conflict' | 'not certain';

/** Whether carts contradict each other about the tablet, or the clocks leave open which of them had it last. */
export function doubtAbout(device: Pick<FleetDevice, 'where' | 'conflict'> | undefined): Doubt | undefined {
  if (device === undefined) return undefined;
  if (device.conflict === true) return 'in conflict';
  if (device.where.kind !== 'conflict') return undefined;
  return device.where.because === 'overlap' ? 'in conflict' : 'not certain';
}
