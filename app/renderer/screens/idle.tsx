import type { ReactNode } from 'react';
import { BadgeIcon, CartIcon, ClockIcon } from '../../ui/icons.tsx';
import { Numeral } from '../../ui/numeral.tsx';
import type { Scene, SceneInput } from '../scene.ts';
import { WaitsLine } from '../waits-line.tsx';
import { MorningBlock, sheetOf } from './morning.tsx';
import { morningSheetScene } from './morning-sheet.tsx';
import { nightScene } from './night.tsx';

/** Whether the morning sheet is open; of this page alone. */
export interface SheetSwitch {
  readonly isOpen: boolean;
  readonly set: (isOpen: boolean) => void;
}

/** What to do at this cart right now; the parts that fail and an empty pool change the advice, never the map. */
export function idleScene({ snapshot, words, sheet }: SceneInput<'idle'> & { readonly sheet: SheetSwitch }): Scene {
  const { counts, degraded, ladder, night } = snapshot;
  const morning = sheetOf(snapshot);
  if (morning && sheet.isOpen) return morningSheetScene({ morning, words, onClose: () => sheet.set(false) });
  const foot = words.t('idle.back');
  const broken = (['ledger', 'slots', 'device-host', 'readers'] as const).find((part) => degraded.includes(part));
  if (broken !== undefined) {
    const emblem = broken === 'device-host' ? <ClockIcon /> : <CartIcon />;
    const seesReturns = broken !== 'slots' && broken !== 'device-host';
    return { foot: seesReturns ? foot : undefined, say: <Elsewhere emblem={emblem} order={words.t(`degraded.${broken}.do`)} then={words.t(`degraded.${broken}.then`)} /> };
  }
  if (ladder === 'none' || ladder === 'break-glass-only') {
    return { foot, say: <Elsewhere emblem={<CartIcon />} order={words.t('ladder.do')} then={words.t(`status.${ladder}`)} /> };
  }
  if (night) return nightScene({ night, snapshot, words });
  return {
    foot,
    also: morning ? <MorningBlock morning={morning} words={words} atMs={snapshot.atMs} onOpen={() => sheet.set(true)} /> : <WaitsLine slots={snapshot.slots} />,
    say: (
      <>
        <h1 className="count">
          <Numeral of="count" value={counts.ready} /> <span className="count-word">{words.t('idle.ready', { count: counts.ready })}</span>
        </h1>
        <p className="call">
          {counts.ready > 0 ? <BadgeIcon /> : <ClockIcon />}
          <span>{counts.ready > 0 ? words.t('idle.do') : words.t('idle.none.do')}</span>
        </p>
        {counts.ready === 0 && counts.preparing > 0 && <p className="body quiet">{words.t('idle.coming', { count: counts.preparing })}</p>}
      </>
    ),
  };
}

function Elsewhere({ emblem, order, then }: { emblem: ReactNode; order: string; then: string }): ReactNode {
  return (
    <>
      <div className="emblem">{emblem}</div>
      <h1 className="title">{order}</h1>
      <p className="body">{then}</p>
    </>
  );
}
