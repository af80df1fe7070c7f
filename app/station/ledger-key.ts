import type { StationContext } from './state.ts';

/** Trusted time (Unix milliseconds) since which the ledger's key signs; empty while nobody could say. Written with the key. */
const SINCE_META = 'ledger-key-since';
/** After a rotation that did not happen (no space, a ledger that the server does not know yet) the next try waits this long. */
const RETRY_MS = 60_000;

export interface LedgerKeyWatch {
  /** Begins a rotation where one is due and nobody is being served. It runs beside the mailbox: no tap waits for it. */
  tick(): Promise<void>;
  /** Resolves when none is under way. */
  settled(): Promise<void>;
}

/** The ledger's key is replaced when the server orders it and when it has served its time, offline too. Age counts only while the time is sure. */
export function createLedgerKeyWatch({ deps, state, trusted }: StationContext): LedgerKeyWatch {
  const { clock, store, rotateLedgerKey } = deps;
  let running: Promise<void> = Promise.resolve();
  let busy = false;
  let notBeforeMs = Number.NEGATIVE_INFINITY;

  const isIdle = (): boolean => state.pins.length === 0 && !state.ledgerFailing && [...store.view.all('offer')].length === 0;
  const isDue = (): boolean => {
    const vkey = store.keyRanges().at(-1)?.vkey;
    if (state.bundle?.rotateKeys.some((order) => order.vkey === vkey) === true) return true;
    const since = store.getMeta(SINCE_META) ?? '';
    const { ms, unsure } = trusted();
    return since !== '' && !unsure && state.bundle !== undefined && ms - Number(since) > state.bundle.rules.ledgerKeyLifeMs;
  };
  const sinceNow = (): Readonly<Record<string, string>> => {
    const { ms, unsure } = trusted();
    return { [SINCE_META]: unsure ? '' : String(Math.floor(ms)) };
  };
  const rotate = async (act: NonNullable<typeof rotateLedgerKey>): Promise<void> => {
    busy = true;
    try {
      const done = await act(sinceNow());
      if (done.ok) return deps.log({ level: 'info', what: 'the ledger has a new key' });
      notBeforeMs = clock.monoMs() + RETRY_MS;
      deps.log({ level: 'warn', what: 'the ledger keeps its key for now', reason: done.reason });
    } catch (error) {
      deps.onFailure(error);
    } finally {
      busy = false;
    }
  };

  return {
    tick: async () => {
      if (!rotateLedgerKey || busy) return;
      if ((store.getMeta(SINCE_META) ?? '') === '' && !trusted().unsure && !state.ledgerFailing) await store.setMeta(sinceNow());
      if (clock.monoMs() >= notBeforeMs && isIdle() && isDue()) running = rotate(rotateLedgerKey);
    },
    settled: () => running,
  };
}
