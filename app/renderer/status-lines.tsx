import type { ReactNode } from 'react';
import type { Snapshot } from '../contract/kiosk.ts';
import { AttentionIcon, OfflineIcon } from '../ui/icons.tsx';
import { useWords } from './language.ts';
import { useStationTime } from './station-time.ts';

/** Records that the server has not had for this long are worth a line although the network is there. */
const LATE_MS = 600_000;

/** Quiet lines at arm's length: what this cart has to do without. Nothing is said while all is well. */
export function StatusLines({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const words = useWords();
  const now = useStationTime(5000);
  const { network, ladder, clockUnsure, degraded, message } = snapshot;
  const part = degraded[0];
  const alarms = [
    part !== undefined && message.kind !== 'idle' ? words.t(`degraded.${part}.then`) : undefined,
    ladder === 'stale' || (ladder !== 'fresh' && message.kind !== 'idle') ? words.t(`status.${ladder}`) : undefined,
    clockUnsure ? words.t('status.clock') : undefined,
  ].filter((line) => line !== undefined);
  return (
    <div className="status">
      {alarms.slice(0, 1).map((line) => (
        <p key={line}>
          <AttentionIcon /> {line}
        </p>
      ))}
      {network.state === 'online' && network.unsyncedSinceMs !== undefined && now - network.unsyncedSinceMs > LATE_MS && (
        <p>{words.t('status.sending', { count: network.unsynced, age: words.age(now - network.unsyncedSinceMs) })}</p>
      )}
      {network.state === 'offline' && (
        <p>
          <OfflineIcon />
          {[
            words.t('status.offline', { age: words.age(now - network.sinceMs) }),
            network.unsynced > 0 ? words.t('status.kept', { count: network.unsynced }) : '',
            network.bundleAgeMs !== undefined && alarms.length === 0 ? words.t('status.list', { age: words.age(network.bundleAgeMs) }) : '',
          ].join(' ')}
        </p>
      )}
    </div>
  );
}
