import { useState } from 'react';
import { signOut } from './api.ts';
import type { Me } from './api.ts';
import { Mark } from './mark.tsx';
import { forget } from './refresh.ts';
import { hrefOf } from './route.ts';
import type { Route } from './route.ts';

const PLACES = [
  { page: 'wards', title: 'Wards', holds: ['wards'] },
  { page: 'devices', title: 'Tablets', holds: ['devices', 'device'] },
  { page: 'quarantine', title: 'Quarantine', holds: ['quarantine'] },
  { page: 'stations', title: 'Carts', holds: ['stations', 'station'] },
  { page: 'records', title: 'Records', holds: ['records'] },
] as const;

export function TopBar({ me, route, quarantined }: { me: Me; route: Route; quarantined: number | undefined }) {
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
          {PLACES.map(({ page, title, holds }) => (
            <li key={page}>
              <a href={hrefOf({ page, q: '' })} aria-current={holds.some((held) => held === route.page) ? 'page' : undefined}>
                {title}
                {page === 'quarantine' && quarantined !== undefined && quarantined > 0 && <span className="pill">{quarantined}</span>}
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
