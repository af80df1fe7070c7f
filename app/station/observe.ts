import { z } from 'zod';
import type { EntryDraft } from '../domain/entries.ts';
import { trustedFloor, type TimeAnchor } from '../domain/trusted-time.ts';
import type { Store } from '../storage/store.ts';
import type { Clock } from './clock.ts';
import type { StationContext } from './state.ts';

/** Written beside the ledger so that the next start can tell how long nobody watched. */
const OBSERVED_META = 'last-observed';
const BEAT_MS = 3_000;
const CHECKPOINT_MS = 60_000;

const observed = z.strictObject({ bootId: z.string(), monoMs: z.int(), trustedMs: z.int(), sure: z.boolean() });

export interface Observed {
  readonly bootId: string;
  readonly monoMs: number;
  readonly anchor: TimeAnchor;
}

/** When the cart was last watched, and what trusted time was then; nothing on a first start. */
export function lastObserved(store: Store, clock: Clock): Observed | undefined {
  const text = store.getMeta(OBSERVED_META);
  if (text === undefined) return undefined;
  const { bootId, monoMs, trustedMs, sure } = observed.parse(JSON.parse(text));
  const sameBoot = bootId === clock.bootId;
  // What passed before this start in another boot is unknown; what passes from now on counts.
  return { bootId, monoMs, anchor: sameBoot ? { trustedMs, bootId, monoMs, floor: !sure } : { trustedMs, bootId: clock.bootId, monoMs: clock.monoMs(), floor: true } };
}

export interface Heartbeat {
  /** Notes the moment, at most every three seconds and only while the slots are watched. */
  beat(): Promise<void>;
  /** True once a minute while entries wait without a checkpoint (DESIGN "Ledger": 64 entries / 60 s; the store counts the entries). */
  checkpointDue(): boolean;
}

export function createHeartbeat(context: StationContext): Heartbeat {
  const { clock, store } = context.deps;
  let lastBeatMs = Number.NEGATIVE_INFINITY;
  let lastCheckpointMs = clock.monoMs();
  return {
    beat: async () => {
      const monoMs = clock.monoMs();
      if (context.state.sight !== 'watching' || monoMs - lastBeatMs < BEAT_MS) return;
      lastBeatMs = monoMs;
      const { ms, unsure } = context.trusted();
      const { anchor } = context.state;
      // An unsure time is not kept, or a clock turned back would become the mark of the next start.
      const trustedMs = Math.floor(unsure ? (anchor ? trustedFloor(anchor, { monoMs, bootId: clock.bootId }) : 0) : ms);
      const written = await store.setMeta({ [OBSERVED_META]: JSON.stringify({ bootId: clock.bootId, monoMs: Math.floor(monoMs), trustedMs, sure: !unsure }) });
      if (!written.ok) context.state.ledgerFailing = true;
    },
    checkpointDue: () => {
      const monoMs = clock.monoMs();
      if (monoMs - lastCheckpointMs < CHECKPOINT_MS) return false;
      lastCheckpointMs = monoMs;
      return true;
    },
  };
}

/** A wall clock that moves against the monotonic one by more than this has been set; slower drift is a bad clock, not a hand. */
const STEP_MS = 2_000;

/** The wall clock is evidence, and evidence that somebody moved is itself an entry. */
export function createStepWatch(clock: Clock): { step(): EntryDraft | undefined } {
  let skewMs = clock.wallMs() - clock.monoMs();
  return {
    step: () => {
      const toMs = clock.wallMs();
      const fromMs = clock.monoMs() + skewMs;
      skewMs = toMs - clock.monoMs();
      return Math.abs(toMs - fromMs) > STEP_MS ? { type: 'clock-stepped', body: { fromMs: Math.floor(fromMs), toMs: Math.floor(toMs) } } : undefined;
    },
  };
}
