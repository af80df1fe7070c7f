import type { Custody, OfferRow } from '../../../app/domain/tables.ts';
import type { Snapshot } from '../../../app/contract/kiosk.ts';
import type { RecordedEntry } from '../../../app/domain/entries.ts';

/** What the station shows and holds at one moment. */
export interface StationState {
  readonly degraded: Snapshot['degraded'];
  readonly ready: number;
  readonly slots: readonly Pick<Snapshot['slots'][number], 'slot' | 'look' | 'reason'>[];
  readonly custody: readonly { readonly serial: string; readonly custody: Custody }[];
  readonly offers: readonly Pick<OfferRow, 'serial' | 'actor'>[];
  readonly size: number;
}

/** What the station's process tells the soak, in the order in which it happened there. Times are of the station's monotonic clock. */
export type FromStation =
  | { readonly kind: 'host-connected' }
  /** A word of the host, told just before the station hears it. */
  | { readonly kind: 'heard'; readonly message: unknown; readonly monoMs: number }
  /** The host has gone; the station had heard its last word by `heardMs`. */
  | { readonly kind: 'host-closed'; readonly heardMs: number }
  /** The station looks up whose badge this is, once for each tap that it deals with; who has an open offer at that moment. */
  | { readonly kind: 'badge'; readonly uid: string; readonly offeredTo: readonly string[] }
  | { readonly kind: 'entry'; readonly entry: RecordedEntry }
  | { readonly kind: 'state'; readonly state: StationState }
  /** What somebody should know who looks for the reason of a failure. */
  | { readonly kind: 'told'; readonly line: string }
  | { readonly kind: 'done'; readonly id: number; readonly monoMs: number };

/** What the soak asks of the station's process; each is answered with `done`. */
export type ToStation = { readonly id: number } & StationRequest;
export type StationRequest =
  | { readonly ask: 'start-host'; readonly adbPort: number }
  /** The server proves a sanitization, unless another exposure has overtaken it. */
  | { readonly ask: 'prove'; readonly serial: string; readonly request: string; readonly cursor: number }
  | { readonly ask: 'cancel'; readonly session: string }
  /** Done when the station has nothing under way and every entry so far has been told. */
  | { readonly ask: 'settle' }
  /** Lets ten seconds pass on the station's clocks, so that it writes down the refusals that it counts. */
  | { readonly ask: 'pass-refusal-window' }
  | { readonly ask: 'stop' };
