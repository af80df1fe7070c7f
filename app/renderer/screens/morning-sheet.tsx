import { useLayoutEffect, useRef, useState } from 'react';
import type { ReactNode } from 'react';
import type { MorningPage } from '../../contract/night.ts';
import type { Words } from '../language.ts';
import type { Scene } from '../scene.ts';
import { aboutMinutes, keepFocusOff, keyOf, Needs, reasonKey, Subject } from './morning.tsx';
import type { MorningException } from './morning.tsx';

interface SheetInput {
  readonly morning: MorningPage;
  readonly words: Words;
  readonly onClose: () => void;
}

/** Everything the morning lacks, quickest first, on one screen. */
export function morningSheetScene({ morning, words, onClose }: SheetInput): Scene {
  const { needs, exceptions, done } = morning;
  return {
    layout: 'sheet',
    foot: [words.t('morning.night'), doneWords(done, words).join(', ')].join(': '),
    say: (
      <div className="morning-sheet">
        <div className="sheet-head">
          <h1 className="sheet-title">{words.t(exceptions.length === 0 ? 'morning.none' : 'morning.first')}</h1>
          <button type="button" className="key" onPointerDown={keepFocusOff} onClick={onClose}>
            {words.t('morning.close')}
          </button>
        </div>
        <Needs needs={needs} words={words} />
        <Exceptions exceptions={exceptions} words={words} />
      </div>
    ),
  };
}

/** What was done; what did not happen is left out, save that nothing was wiped. */
function doneWords({ sanitized, failed, quarantined, starts, updated = 0, notUpdated = 0 }: MorningPage['done'], words: Words): readonly string[] {
  return [
    words.t('morning.sanitized', { count: sanitized }),
    ...(failed > 0 ? [words.t('morning.unwiped', { count: failed })] : []),
    ...(quarantined > 0 ? [words.t('morning.quarantined', { count: quarantined })] : []),
    ...(updated > 0 ? [words.t('morning.updated', { count: updated })] : []),
    ...(notUpdated > 0 ? [words.t('morning.not-updated', { count: notUpdated })] : []),
    ...(starts > 0 ? [words.t('morning.starts', { count: starts })] : []),
  ];
}

/** As many as there is room for, in columns; the others are counted. */
function Exceptions({ exceptions, words }: { readonly exceptions: readonly MorningException[]; readonly words: Words }): ReactNode {
  const list = useRef<HTMLOListElement>(null);
  const shown = useShown(list, exceptions.length);
  return (
    <>
      <ol className="exceptions" ref={list}>
        {exceptions.map((exception, place) => (
          <li key={keyOf(exception)} hidden={place >= shown}>
            {exception.slot === undefined ? (
              <Subject exception={exception} words={words} />
            ) : (
              <span className="subject sheet-slot">
                <small>{words.t('morning.slot-word')}</small> {exception.slot}
              </span>
            )}
            <p className="exception-do">{words.t(`morning.next.${exception.next}.do`)}</p>
            <span className="exception-time">{aboutMinutes(exception, words)}</span>
            <p className="exception-why">
              {exception.slot !== undefined && exception.asset !== undefined && (
                <>
                  <bdi>{exception.asset}</bdi> ·{' '}
                </>
              )}
              {words.t(reasonKey(exception.reason))} {exception.suspect !== undefined && words.t(`morning.suspect.${exception.suspect}`)}
            </p>
          </li>
        ))}
      </ol>
      {/* Always there: a line that came and went would change how many fit above it, and so come and go for ever. */}
      <p className="exceptions-more">{shown < exceptions.length ? words.t('others.more', { count: exceptions.length - shown }) : '\u00a0'}</p>
    </>
  );
}

/** How many of the list's items lie wholly inside it; those after them would be cut off. */
function useShown(list: { readonly current: HTMLElement | null }, count: number): number {
  const [shown, setShown] = useState(count);
  useLayoutEffect(() => {
    const element = list.current;
    if (element === null) return undefined;
    const measure = (): void => setShown(fitting(element));
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    document.fonts.addEventListener('loadingdone', measure);
    return () => {
      observer.disconnect();
      document.fonts.removeEventListener('loadingdone', measure);
    };
  });
  return Math.min(shown, count);
}

function fitting(list: HTMLElement): number {
  const items = [...list.children] as HTMLElement[];
  const hidden = items.map((item) => item.hidden);
  for (const item of items) item.hidden = false;
  const outer = list.getBoundingClientRect();
  const slack = 1;
  const inside = ({ left, right, bottom }: DOMRect): boolean => left >= outer.left - slack && right <= outer.right + slack && bottom <= outer.bottom + slack;
  const over = items.findIndex((item) => !inside(item.getBoundingClientRect()));
  items.forEach((item, place) => (item.hidden = hidden[place] ?? false));
  return over < 0 ? items.length : over;
}
