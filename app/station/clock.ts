/** Time as the station gets it: injected, so that a test or the simulated world can turn it. */
export interface Clock {
  /** Unix milliseconds; may be turned by anybody and is evidence only. */
  wallMs(): number;
  /** Milliseconds that only go forward within one boot, suspend included. */
  monoMs(): number;
  readonly bootId: string;
  /** Calls once, `ms` from now, unless cancelled. */
  after(ms: number, call: () => void): () => void;
}
