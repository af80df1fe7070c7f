/** Time as sync gets it: the machine's own in production, since TLS judges certificates by that; virtual in the simulation. */
export interface SyncClock {
  /** Unix milliseconds of the wall clock. */
  wallMs(): number;
  /** Milliseconds that only go forward while the program runs. */
  monoMs(): number;
  /** Calls once, `ms` from now, unless cancelled. */
  after(ms: number, call: () => void): () => void;
}
