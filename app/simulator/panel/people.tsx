import { useState, type DragEvent, type ReactNode } from 'react';
import { Tablet } from '../../ui/tablet.tsx';
import type { Person, VirtualTablet, WorldView } from './world.ts';

interface PeopleProps {
  readonly world: WorldView;
  readonly chosen: string | undefined;
  readonly onTap: (person: Person) => void;
  readonly onChoose: (serial: string) => void;
}

/** Twelve badges on the wall; whoever has a tablet in the hand has it beside the badge. */
export function People({ world, chosen, onTap, onChoose }: PeopleProps): ReactNode {
  const inHand = world.tablets.filter((tablet) => tablet.inHandOf !== null);
  const stray = inHand.filter((tablet) => !world.staff.some((person) => person.id === tablet.inHandOf));
  return (
    <section className="people" aria-label="Badges">
      <ul className="badges">
        {world.staff.map((person) => (
          <li key={person.id}>
            <Badge person={person} onTap={onTap} />
            <Hand tablets={inHand.filter((tablet) => tablet.inHandOf === person.id)} chosen={chosen} onChoose={onChoose} />
          </li>
        ))}
      </ul>
      {stray.length > 0 && (
        <div className="stray">
          <span>In nobody’s name:</span>
          <Hand tablets={stray} chosen={chosen} onChoose={onChoose} />
        </div>
      )}
    </section>
  );
}

function Badge({ person, onTap }: { person: Person; onTap: (person: Person) => void }): ReactNode {
  const [taps, setTaps] = useState(0);
  const role = person.roles.at(-1) ?? '';
  return (
    <button
      type="button"
      className="badge"
      data-role={role}
      title={`Tap ${person.name}’s badge (PIN ${person.pin})`}
      onClick={() => {
        setTaps(taps + 1);
        onTap(person);
      }}
    >
      {taps > 0 && <span key={taps} className="badge-wave" aria-hidden="true" />}
      <span className="badge-slot" aria-hidden="true" />
      <span className="badge-face" aria-hidden="true">
        {person.name
          .split(' ')
          .map((part) => part[0])
          .join('')}
      </span>
      <b>{person.short}</b>
      <span className="badge-role">{role}</span>
      <span className="badge-ward">{person.ward}</span>
      <span className="badge-pin">PIN {person.pin}</span>
    </button>
  );
}

function Hand({ tablets, chosen, onChoose }: { tablets: readonly VirtualTablet[]; chosen: string | undefined; onChoose: (serial: string) => void }): ReactNode {
  return (
    <span className="hand">
      {tablets.map((tablet) => (
        <button
          key={tablet.serial}
          type="button"
          className="held"
          aria-pressed={tablet.serial === chosen}
          aria-label={`${tablet.asset} in the hand: choose it, then click an empty slot`}
          title={`${tablet.asset}: drag it into an empty slot, or click it and then the slot`}
          draggable
          onDragStart={(event: DragEvent) => {
            event.dataTransfer.setData('text/plain', tablet.serial);
            onChoose(tablet.serial);
          }}
          onClick={() => onChoose(tablet.serial)}
        >
          <svg viewBox="0 0 26 40" aria-hidden="true">
            <Tablet id={`hand-${tablet.serial}`} look="unknown" box={{ x: 1, y: 1, width: 24, height: 38 }} chargePercent={tablet.chargePercent} />
          </svg>
          <span>{tablet.asset.replace(/^T-/, '')}</span>
        </button>
      ))}
    </span>
  );
}
