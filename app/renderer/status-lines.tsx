import type { ReactNode } from 'react';
import type { Snapshot } from '../contract/kiosk.ts';
import { AttentionIcon, OfflineIcon } from '../ui/icons.tsx';
import { useWords } from './language.ts';
import { useStationTime } from './station-time.ts';

/** Quiet lines at arm's length: what this cart has to do without. Nothing is said while all is well. */
export function StatusLines({ snapshot }: { snapshot: Snapshot }): ReactNode {
  const words = useWords();
  const now = useStationTime(5000);
  const { network, ladder, clockUnsure, degraded, message } = snapshot;
  const part = degraded[0];
  const offline = network.state === 'offline' ? words.t('status.offline', { age: words.age(now - network.sinceMs) }) : undefined;
  const list = network.state === 'offline' && network.bundleAgeMs !== undefined && ladder === 'fresh' ? words.t('status.list', { age: words.age(network.bundleAgeMs) }) : undefined;
  const serious = [part !== undefined && message.kind !== 'idle' ? words.t(`degraded.${part}.then`) : undefined, ladder === 'stale' || (ladder !== 'fresh' && message.kind !== 'idle') ? words.t(`status.${ladder}`) : undefined, clockUnsure ? words.t('status.clock') : undefined];
  const alarms = serious.filter((line) => line !== undefined).slice(0, 1);
  return (
    <div className="status">
      {alarms.map((line) => (
        <p key={line}>
          <AttentionIcon /> {line}
        </p>
      ))}
      {offline !== undefined && (
        <p>
          <OfflineIcon /> {list === undefined || alarms.length > 0 ? offline : `${offline} ${list}.`}
        </p>
      )}
    </div>
  );
}
