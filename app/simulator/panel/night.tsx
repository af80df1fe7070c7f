import type { ReactNode } from 'react';
import { NeedTiles } from '../../ui/need-tiles.tsx';
import { NightCounts } from './night-counts.tsx';
import { NightStrip } from './night-strip.tsx';
import type { NightView, WorldView } from './world.ts';

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });

interface NightProps {
  readonly world: WorldView;
  readonly onAsk: (path: string, body: object) => void;
}

/** A night in fast-forward: what to press before it, what it truly comes to while it goes, what is left of it after. */
export function Night({ world, onAsk }: NightProps): ReactNode {
  const { night } = world;
  const playing = night !== null && night.phase !== 'over';
  const play = (bad: boolean): void => onAsk('/api/night', { bad });
  return (
    <section className="night" aria-label="The night">
      <div className="night-drawn">
        <div className="night-say">
          <h2>{title(night)}</h2>
          {!night && <p>Four minutes: tablets come back, are wiped and proven; then the kiosk has its morning sheet.</p>}
          {night && <Wards night={night} />}
        </div>
        {night && <NightStrip night={night} at={world.at} />}
        {night && <NightCounts tablets={night.tablets} />}
      </div>
      <div className="night-acts">
        {playing ? (
          <button type="button" className="act" onClick={() => onAsk('/api/night/stop', {})}>
            Stop
          </button>
        ) : (
          <>
            <button type="button" className="act night-play" disabled={!world.deviceHost.connected} onClick={() => play(false)}>
              Play the night
            </button>
            <button type="button" className="act" disabled={!world.deviceHost.connected} onClick={() => play(true)}>
              A bad night
            </button>
          </>
        )}
      </div>
    </section>
  );
}

function title(night: NightView | null): string {
  switch (night?.phase) {
    case undefined:
      return 'The night';
    case 'day':
      return 'The day goes by';
    case 'hands':
      return 'The late shift';
    case 'night':
      return night.bad ? 'A bad night' : 'The night';
    case 'over':
      return 'The night is over';
  }
}

const HELD = {
  hands: 'real time: hands at work',
  power: 'real time: power will fail',
  process: 'real time: it starts again',
  network: 'real time: it reconnects',
  port: 'real time: a port is off',
} as const;

/** How fast the time goes, in words for beneath the clock. */
export function pace(night: NightView | null): string {
  if (!night || night.phase === 'over') return '';
  return night.held === null ? `${night.speed} times as fast` : HELD[night.held];
}

function Wards({ night }: { night: NightView }): ReactNode {
  return (
    <ul className="night-wards">
      {night.wards.map(({ name, needed, clean, metAt }) => (
        <li key={name} data-met={metAt !== null || undefined}>
          {name}
          <NeedTiles needed={needed} ready={clean} short={0} />
          <span>
            <b>{Math.min(clean, needed)}</b> of {needed}
          </span>
          {metAt !== null && (
            <span className="night-met">
              <span className="unseen">since </span>✓ {CLOCK.format(new Date(metAt))}
            </span>
          )}
        </li>
      ))}
    </ul>
  );
}
