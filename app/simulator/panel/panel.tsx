import { useLayoutEffect, useState, type ReactNode } from 'react';
import { Cart } from './cart.tsx';
import { Controls, type Tool } from './controls.tsx';
import { Log } from './log.tsx';
import { Mischief } from './mischief.tsx';
import { Night, pace } from './night.tsx';
import { People } from './people.tsx';
import { Story } from './story.tsx';
import { ask, useWorld, useWorldTime, type WorldView } from './world.ts';

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'long' });

/** The virtual cart and its people, to be played with. */
export function Panel(): ReactNode {
  const { world, connected } = useWorld();
  const theme = world?.theme;
  useLayoutEffect(() => {
    if (theme !== undefined) document.documentElement.dataset['theme'] = theme;
  }, [theme]);
  if (!world) return <p className="no-world">{connected ? '' : 'Looking for the virtual cart…'}</p>;
  return (
    <div className="panel" data-away={!connected || undefined}>
      <Scene world={world} connected={connected} />
    </div>
  );
}

function Scene({ world, connected }: { world: WorldView; connected: boolean }): ReactNode {
  const time = useWorldTime(world.at);
  const [chosen, setChosen] = useState<string>();
  const [tool, setTool] = useState<Tool>('hand');
  const [refusal, setRefusal] = useState<string>();
  const [mischiefOpen, setMischiefOpen] = useState(false);
  const inHand = world.tablets.filter((tablet) => tablet.inHandOf !== null);
  const held = inHand.find((tablet) => tablet.serial === chosen) ?? inHand.at(-1);

  const tell = (path: string, body: object): void => void ask(path, body).then(setRefusal);

  function pick(number: number): void {
    const slot = world.slots.find((one) => one.slot === number);
    if (!slot) return;
    if (tool === 'cable') {
      tell('/api/break', { slot: number, fault: slot.fault === 'none' ? 'no-data' : 'none' });
      setTool('hand');
    } else if (slot.serial !== null) {
      setChosen(slot.serial);
      tell('/api/undock', { slot: number });
    } else if (held) tell('/api/dock', { serial: held.serial, slot: number });
    else setRefusal('This slot is empty, and nobody holds a tablet. Click a tablet to pull it out.');
  }

  return (
    <>
      <header className="top">
        <div>
          <h1>Virtual cart</h1>
          <p>
            {world.place.ward} · {world.place.cart}
          </p>
          <p className="top-news" role="status">
            {connected ? (world.network.up ? '' : 'Network cut') : 'The simulator does not answer. Is npm start still running?'}
          </p>
        </div>
        <Night world={world} onAsk={tell} />
        <div className="top-time">
          <p className="top-clock">{time && CLOCK.format(time)}</p>
          <p>{time && DAY.format(time)}</p>
          <p role="status">{pace(world.night)}</p>
        </div>
      </header>
      <main className="scene">
        <Cart world={world} hint={hintFor(tool, held?.asset)} onPick={pick} onDrop={(serial, slot) => tell('/api/dock', { serial, slot })} />
        <People world={world} chosen={held?.serial} onTap={(person) => tell('/api/tap', { staff: person.id })} onChoose={setChosen} />
      </main>
      <div className="shelf">
        <Story world={world} />
        <Controls world={world} tool={tool} onTool={setTool} onAsk={tell} onMischief={() => setMischiefOpen(true)} />
        <Log world={world} refusal={refusal} />
      </div>
      <Mischief world={world} open={mischiefOpen} onClose={() => setMischiefOpen(false)} onAsk={tell} />
    </>
  );
}

function hintFor(tool: Tool, held: string | undefined): string {
  if (tool === 'cable') return 'Click the slot whose cable is to break or be mended.';
  if (held !== undefined) return `Click an empty slot to put ${held} back, or drag it there.`;
  return 'Click a badge to tap it. Click a tablet to pull it out.';
}
