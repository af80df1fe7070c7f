import { useState } from 'react';
import { signOut } from './api.ts';
import type { Me } from './api.ts';
import { Mark } from './mark.tsx';
import { forget } from './refresh.ts';
import { hrefOf } from './route.ts';
import type { Route } from './route.ts';

const PLACES = [
  { page: 'wards', title: 'Wards', holds: ['wards'] },
  { page: 'morning', title: 'Morning', holds: ['morning', 'sheet'] },
  { page: 'devices', title: 'Tablets', holds: ['devices', 'device'] },
  { page: 'quarantine', title: 'Quarantine', holds: ['quarantine'] },
  { page: 'stations', title: 'Carts', holds: ['stations', 'station'] },
  { page: 'records', title: 'Records', holds: ['records'] },
  { page: 'certificates', title: 'Certificates', holds: ['certificates', 'certificate'] },
  { page: 'incidents', title: 'Incidents', holds: ['incidents', 'conflicts'] },
  { page: 'keys', title: 'Keys', holds: ['keys'] },
  { page: 'mdms', title: 'MDM', holds: ['mdms'] },
] as const;

/** How many things are open behind an entry; shown only when there are some. */
type Counts = Readonly<Partial<Record<(typeof PLACES)[number]['page'], number>>>;

export function TopBar({ me, route, counts }: { me: Me; route: Route; counts: Counts }) {
  const [stuck, setStuck] = useState(false);
  const leave = async () => {
    const left = await signOut();
    setStuck(!left);
    if (left) forget(false);
  };
  return (
    <header className="top">
      <button type="button" className="skip" onClick={() => document.getElementById('main')?.focus()}>
        Go to the content
      </button>
      <Mark />
      <nav aria-label="Lists">
        <ul>
          {PLACES.filter(({ page }) => (page !== 'keys' && page !== 'mdms') || me.roles.includes('administrator')).map(({ page, title, holds }) => (
            <li key={page}>
              <a href={hrefOf({ page, q: '' })} aria-current={holds.some((held) => held === route.page) ? 'page' : undefined}>
                {title}
                {(counts[page] ?? 0) > 0 && <span className="pill">{counts[page]}</span>}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className="who">
        {stuck && <span role="alert">Still signed in: the server does not answer.</span>}
        <span className="quiet">{me.user}</span>
        <button type="button" className="plain" onClick={() => void leave()}>
          Sign out
        </button>
      </div>
    </header>
  );
}
