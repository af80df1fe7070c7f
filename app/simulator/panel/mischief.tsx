import { useEffect, useRef, type ReactNode } from 'react';
import type { WorldView } from './world.ts';
import { MISCHIEF } from '../mischief-words.ts';

/** A drawer of troubles: each happens once, at the next tablet it can happen to. */
export function Mischief({ world, open, onClose, onAsk }: { world: WorldView; open: boolean; onClose: () => void; onAsk: (path: string, body: object) => void }): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open) dialog.current?.showModal();
    else dialog.current?.close();
  }, [open]);
  const armed = (fault: string): number => world.mischief.filter((one) => one.fault === fault).reduce((sum, one) => sum + one.times, 0);
  return (
    <dialog ref={dialog} className="mischief" aria-labelledby="mischief-title" onClose={onClose} onClick={(event) => event.target === dialog.current && onClose()}>
      <div>
        <header>
          <h2 id="mischief-title">What shall the MDM get wrong?</h2>
          <button type="button" className="act" onClick={onClose}>
            Done
          </button>
        </header>
        <p>Each happens once, at the next tablet that is wiped. Then watch: it must never be offered before it is clean.</p>
        <ul>
          {MISCHIEF.map(({ fault, title, caption, ms }) => (
            <li key={fault}>
              <button type="button" data-armed={armed(fault) > 0 || undefined} onClick={() => onAsk('/api/mdm/misbehave', { fault, ...(ms === undefined ? {} : { ms }) })}>
                <b>{title}</b>
                <span>{caption}</span>
                {armed(fault) > 0 && <i className="armed">{armed(fault)}</i>}
              </button>
            </li>
          ))}
        </ul>
      </div>
    </dialog>
  );
}
