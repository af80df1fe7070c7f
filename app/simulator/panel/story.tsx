import { useState, type ReactNode } from 'react';
import type { WorldView } from './world.ts';

interface Step {
  readonly text: (world: WorldView) => string;
  /** Whether it has happened, judged by what the world looked like before and now. */
  readonly happened: (world: WorldView) => boolean;
}

const has = (world: WorldView, kind: WorldView['log'][number]['kind'], words = ''): boolean => world.log.some((line) => line.kind === kind && line.text.includes(words));
const first = (world: WorldView): WorldView['staff'][number] | undefined => world.staff[0];

const STEPS: readonly Step[] = [
  { text: (world) => `Tap ${first(world)?.short ?? 'a nurse'}’s badge; its PIN is ${first(world)?.pin ?? 'on it'}`, happened: (world) => has(world, 'tap') },
  { text: () => 'Click the tablet that lights up: taken', happened: (world) => has(world, 'pull') },
  { text: () => 'Bring it back: drag it into any empty slot', happened: (world) => has(world, 'dock') },
  { text: () => 'Watch it being wiped, enrolled and proven', happened: (world) => dockedTabletEnrolled(world) },
  { text: () => 'Cut the network; take one, bring it back', happened: (world) => has(world, 'network', 'cut') },
  { text: () => 'Kill the device host while somebody taps', happened: (world) => has(world, 'process', 'device host was killed') },
  { text: () => 'Arm MDM mischief; try to get a dirty tablet', happened: (world) => has(world, 'mischief') },
  { text: () => 'Play the night; read the sheet on the kiosk', happened: (world) => world.night?.phase === 'over' },
];

/** A short story to try. A step once done stays ticked, though the log moves on. */
export function Story({ world }: { world: WorldView }): ReactNode {
  const [done, setDone] = useState<ReadonlySet<number>>(new Set());
  const fresh = STEPS.flatMap((step, index) => (!done.has(index) && step.happened(world) ? [index] : []));
  if (fresh.length > 0) setDone(new Set([...done, ...fresh]));
  const next = STEPS.findIndex((_, index) => !done.has(index));
  return (
    <section className="story" aria-label="Try this">
      <h2>Try this</h2>
      <ol>
        {STEPS.map((step, index) => (
          <li key={index} data-done={done.has(index) || undefined} aria-current={index === next ? 'step' : undefined}>
            <i aria-hidden="true">{done.has(index) ? '✓' : index + 1}</i>
            <span>
              {step.text(world)}
              {done.has(index) && <span className="unseen"> (done)</span>}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Newest first: an enrolment above a return. */
function dockedTabletEnrolled(world: WorldView): boolean {
  const docked = world.log.findIndex((line) => line.kind === 'dock');
  return docked > 0 && world.log.slice(0, docked).some((line) => line.kind === 'enrol');
}
