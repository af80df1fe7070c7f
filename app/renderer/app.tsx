import { useEffect, useMemo, useState } from 'react';
import type { ReactNode } from 'react';
import type { KioskCommand, Snapshot } from '../contract/kiosk.ts';
import { Fitted } from '../ui/fitted.tsx';
import type { Outcome } from './connection.ts';
import { useWords, wordsIn, WordsProvider } from './language.ts';
import type { Words } from './language.ts';
import { OthersLine } from './others-line.tsx';
import type { Scene } from './scene.ts';
import { foreignScene } from './screens/foreign.tsx';
import { idleScene } from './screens/idle.tsx';
import type { SheetSwitch } from './screens/idle.tsx';
import { sheetOf } from './screens/morning.tsx';
import { NoStation } from './screens/no-station.tsx';
import { pinScene } from './screens/pin.tsx';
import { refusalScene } from './screens/refusal.tsx';
import { returnedScene } from './screens/returned.tsx';
import { takeScene } from './screens/take.tsx';
import { takenScene } from './screens/taken.tsx';
import { unidentifiedScene } from './screens/unidentified.tsx';
import { labelScene } from './screens/label.tsx';
import { unreadableScene } from './screens/unreadable.tsx';
import { wrongSlotScene } from './screens/wrong-slot.tsx';
import { SlotMap } from './slot-map.tsx';
import { StatusLines } from './status-lines.tsx';
import { useStationTime } from './station-time.ts';
import { useKiosk } from './store.ts';

type Request = (command: KioskCommand) => Promise<Outcome>;

/** A sheet that nobody closes closes by itself. */
const SHEET_MS = 60_000;

/** The kiosk: whatever the latest snapshot says, in its language, theme and zone. */
export function App({ request }: { request: Request }): ReactNode {
  const snapshot = useKiosk((state) => state.snapshot);
  const connection = useKiosk((state) => state.connection);
  const language = snapshot?.language ?? 'en';
  const theme = snapshot?.theme ?? 'day';
  const words = useMemo(() => wordsIn(language), [language]);
  useEffect(() => {
    const root = document.documentElement;
    root.lang = words.language;
    root.dir = words.direction;
    root.dataset.theme = theme;
  }, [words, theme]);
  return (
    <WordsProvider value={words}>
      {snapshot && <Page snapshot={snapshot} request={request} hidden={connection === 'lost'} />}
      {connection !== 'live' && <NoStation why={connection} />}
    </WordsProvider>
  );
}

function sceneOf(snapshot: Snapshot, words: Words, request: Request, sheet: SheetSwitch): Scene {
  const { message } = snapshot;
  const rest = { snapshot, words, request };
  switch (message.kind) {
    case 'idle':
      return idleScene({ message, ...rest, sheet });
    case 'pin':
      return pinScene({ message, ...rest });
    case 'take':
      return takeScene({ message, ...rest });
    case 'taken':
      return takenScene({ message, ...rest });
    case 'returned':
      return returnedScene({ message, ...rest });
    case 'refusal':
      return refusalScene({ message, ...rest });
    case 'wrong-slot':
      return wrongSlotScene({ message, ...rest });
    case 'unidentified':
      return unidentifiedScene({ message, ...rest });
    case 'foreign':
      return foreignScene({ message, ...rest });
    case 'label':
      return labelScene({ message, ...rest });
    case 'unreadable':
      return unreadableScene({ message, ...rest });
  }
}

function Page({ snapshot, request, hidden }: { snapshot: Snapshot; request: Request; hidden: boolean }): ReactNode {
  const words = useWords();
  const scene = sceneOf(snapshot, words, request, useSheet(snapshot));
  return (
    <main className="page" data-scene={scene.tone} data-layout={scene.layout} data-kind={snapshot.message.kind} data-revision={snapshot.revision} aria-hidden={hidden || undefined} inert={hidden}>
      {scene.edge}
      <header className="top">
        <p>
          <b>
            <bdi>{snapshot.place.ward}</bdi>
          </b> <bdi>{snapshot.place.cart}</bdi>
        </p>
        <Clock timeZone={snapshot.timeZone} />
      </header>
      <section className="map">
        <SlotMap snapshot={snapshot} focus={scene.focus} readyAt={scene.readyAt} />
      </section>
      <Fitted className="say">{scene.say}</Fitted>
      <div className="also">
        {scene.also}
        <OthersLine others={snapshot.others} />
      </div>
      <footer className="foot">
        <p>{scene.foot}</p>
        <StatusLines snapshot={snapshot} />
      </footer>
    </main>
  );
}

/** Open until closed, for a minute at most, and only while nobody stands before the cart. */
function useSheet(snapshot: Snapshot): SheetSwitch {
  const [isOpen, set] = useState(false);
  const mayBeOpen = sheetOf(snapshot) !== undefined;
  useEffect(() => {
    if (!mayBeOpen) set(false);
  }, [mayBeOpen]);
  useEffect(() => {
    if (!isOpen) return undefined;
    const timer = setTimeout(() => set(false), SHEET_MS);
    return () => clearTimeout(timer);
  }, [isOpen]);
  return { isOpen: isOpen && mayBeOpen, set };
}

function Clock({ timeZone }: { timeZone: string }): ReactNode {
  const words = useWords();
  const now = useStationTime(1000);
  return (
    <time className="clock" aria-label={words.t('cart.clock')}>
      {words.time(now, timeZone)}
    </time>
  );
}
