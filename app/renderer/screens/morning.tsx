import type { ReactNode } from 'react';
import type { Snapshot } from '../../contract/kiosk.ts';
import type { MorningPage } from '../../contract/night.ts';
import { UNPROVEN_REASONS } from '../../domain/terms.ts';
import type { UnprovenReason } from '../../domain/terms.ts';
import type { WordKey, Words } from '../language.ts';

export type MorningException = MorningPage['exceptions'][number];

/** The first of the exceptions stand on the idle screen, the rest on the sheet. */
const FIRST = 3;
/** So long after the start of the shift the idle screen names them; then the sheet waits behind its button. */
const NAMED_MS = 3 * 3_600_000;

interface MorningProps {
  readonly morning: MorningPage;
  readonly words: Words;
}

/** The quiet block under the count: what the morning needs, what comes first, and the way to the sheet. */
export function MorningBlock({ morning, words, atMs, onOpen }: MorningProps & { readonly atMs: number; readonly onOpen: () => void }): ReactNode {
  const { needs, exceptions, shiftMs } = morning;
  const named = atMs - shiftMs < NAMED_MS;
  return (
    <section className="morning" aria-labelledby="morning-title" data-named={named || undefined}>
      <div className="morning-head">
        <h2 id="morning-title" className="unseen">
          {words.t('morning.title')}
        </h2>
        {named && <Needs needs={needs} words={words} />}
        <button type="button" className="key morning-open" onPointerDown={keepFocusOff} onClick={onOpen}>
          {words.t('morning.title')}
          {exceptions.length > 0 && <b>{exceptions.length}</b>}
        </button>
      </div>
      {named && exceptions.length === 0 && <p>{words.t('morning.none')}</p>}
      {named && exceptions.length > 0 && (
        <ol className="firsts">
          {exceptions.slice(0, FIRST).map((exception) => (
            <li key={keyOf(exception)}>
              <Subject exception={exception} words={words} />
              <span>{words.t(`morning.next.${exception.next}.do`)}</span>
              <span className="quiet">{aboutMinutes(exception, words)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}

/** Ready against needed, ward by ward. */
export function Needs({ needs, words }: { readonly needs: MorningPage['needs']; readonly words: Words }): ReactNode {
  return (
    <ul className="needs-line">
      {needs.map(({ ward, needed, ready, shortBy }) => (
        <li key={ward}>
          <bdi>{ward}</bdi> <b>{words.t(shortBy > 0 ? 'night.ready-of' : 'night.enough', { ready, needed })}</b> {shortBy > 0 && <strong className="needs-short">{words.t('night.short-by', { count: shortBy })}</strong>}
        </li>
      ))}
    </ul>
  );
}

/** Where to go: the slot; without one the tablet's label, and its serial only if it has no label. */
export function Subject({ exception: { slot, asset, serial }, words }: { readonly exception: MorningException; readonly words: Words }): ReactNode {
  if (slot === undefined) return <bdi className="subject">{asset ?? serial}</bdi>;
  return (
    <span className="subject" data-slot={slot}>
      {words.t('morning.slot', { slot })}
    </span>
  );
}

export const aboutMinutes = ({ minutes }: MorningException, words: Words): string => words.t('morning.about', { age: words.age(minutes * 60_000) });
export const keyOf = ({ slot, serial, reason }: MorningException): string => `${slot ?? ''} ${serial ?? ''} ${reason}`;

/** Why a tablet is an exception; what the gate misses has the gate's words. */
export const reasonKey = (reason: MorningException['reason']): WordKey => (isOfGate(reason) ? `unproven.${reason}` : `morning.reason.${reason}`);
const isOfGate = (reason: MorningException['reason']): reason is UnprovenReason => (UNPROVEN_REASONS as readonly string[]).includes(reason);

/** A touched key does not keep the focus: a Return on a keyboard presses nothing. */
export const keepFocusOff = (event: { preventDefault: () => void }): void => event.preventDefault();

/** The sheet waits for a quiet moment: somebody at the cart, or the night, goes before it. */
export const sheetOf = ({ morning, night, message }: Snapshot): MorningPage | undefined => (night === undefined && message.kind === 'idle' ? morning : undefined);
