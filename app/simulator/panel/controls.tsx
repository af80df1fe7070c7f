import type { ReactNode } from 'react';
import type { WorldView } from './world.ts';

export type Tool = 'hand' | 'cable';

interface ControlsProps {
  readonly world: WorldView;
  readonly tool: Tool;
  readonly onTool: (tool: Tool) => void;
  readonly onAsk: (path: string, body: object) => void;
  readonly onMischief: () => void;
}

const JUMPS = [
  [300_000, '5 min'],
  [3_600_000, '1 hour'],
  [86_400_000, '1 day'],
] as const;

/** Everything around the cart that can go wrong. */
export function Controls({ world, tool, onTool, onAsk, onMischief }: ControlsProps): ReactNode {
  const armed = world.mischief.reduce((sum, one) => sum + one.times, 0);
  return (
    <section className="controls" aria-label="The world around the cart">
      <h2>Make it hard</h2>
      <ul>
        <Switch on={world.network.up} title="Network" caption={world.network.up ? 'Cut it: proven tablets still go out, returned ones wait.' : 'Cut. Everything is kept and catches up later.'} onChange={(up) => onAsk('/api/network', { up })} />
        <Switch on={world.readerPresent} title="Badge reader" caption={world.readerPresent ? 'Pull its plug: the kiosk says what still works.' : 'Unplugged. Returns still work.'} onChange={(present) => onAsk('/api/readers', { present })} />
        <li>
          <button type="button" className="act" disabled={!world.deviceHost.connected} onClick={() => onAsk('/api/device-host/kill', {})}>
            Kill device host
          </button>
          <span>{world.deviceHost.connected ? 'It talks to readers and USB. Back in a second.' : 'Not running just now.'}</span>
        </li>
        <li>
          <button type="button" className="act" disabled={world.station.pid === null} onClick={() => onAsk('/api/station/kill', {})}>
            Kill station
          </button>
          <span>{world.station.pid === null ? 'Not started from here.' : 'As in a power cut. Nothing recorded is lost.'}</span>
        </li>
        <li>
          <button type="button" className="act" aria-pressed={tool === 'cable'} onClick={() => onTool(tool === 'cable' ? 'hand' : 'cable')}>
            Bad cable
          </button>
          <span>{tool === 'cable' ? 'Now click a slot: its cable breaks, or is mended.' : 'Then click a slot to break or mend its cable.'}</span>
        </li>
        <li>
          <button type="button" className="act" onClick={onMischief}>
            MDM mischief{armed > 0 && <b className="armed">{armed}</b>}
          </button>
          <span>{armed > 0 ? 'Waiting to happen at the next wipe.' : 'The ways in which wiping really goes wrong.'}</span>
        </li>
        <li className="jumps">
          <span className="jump-buttons">
            {JUMPS.map(([ms, words]) => (
              <button key={ms} type="button" className="act" disabled={world.night !== null && world.night.phase !== 'over'} onClick={() => onAsk('/api/clock/advance', { ms })}>
                +{words}
              </button>
            ))}
          </span>
          <span>Jump ahead in time.</span>
        </li>
      </ul>
    </section>
  );
}

function Switch({ on, title, caption, onChange }: { on: boolean; title: string; caption: string; onChange: (on: boolean) => void }): ReactNode {
  return (
    <li>
      <button type="button" role="switch" className="switch" aria-checked={on} onClick={() => onChange(!on)}>
        <i aria-hidden="true" />
        {title}
      </button>
      <span>{caption}</span>
    </li>
  );
}
