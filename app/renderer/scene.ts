import type { ReactNode } from 'react';
import type { KioskCommand, KioskMessage, Snapshot } from '../contract/kiosk.ts';
import type { Outcome } from './connection.ts';
import type { Words } from './language.ts';

/** What a screen gives the page: the message, and how the rest of the page stands while it is shown. */
export interface Scene {
  /** `take` floods the page with the accent: it is for you, now. */
  readonly tone?: 'take';
  /** For the page's own layout: a screen with a keypad gives the message all the height there is. */
  readonly layout?: 'pad' | 'night' | 'sheet';
  readonly say: ReactNode;
  /** Quietly under the message, before whoever else is being served. */
  readonly also?: ReactNode;
  /** When the tablet of a slot will be ready, Unix milliseconds; drawn on the map. */
  readonly readyAt?: ReadonlyMap<number, number>;
  /** At arm's length, under the map. */
  readonly foot?: ReactNode;
  readonly edge?: ReactNode;
  /** The slot on the map that the message is about. */
  readonly focus?: number;
}

export interface SceneInput<Kind extends KioskMessage['kind']> {
  readonly message: Extract<KioskMessage, { kind: Kind }>;
  readonly snapshot: Snapshot;
  readonly words: Words;
  readonly request: (command: KioskCommand) => Promise<Outcome>;
}
