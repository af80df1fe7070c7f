import { EventEmitter } from 'node:events';
import { expect, it } from 'vitest';
import { converseWithCard, type Exchanged } from '../../native/readers/card-link.ts';
import type { PcscReader } from '../../native/readers/pcsclite-module.ts';
import { heldClock } from './held-clock.ts';

const SERVICE_GONE = 'SCardDisconnect error: Service not available.(0x8010001d)';

/** A reader as pcsclite keeps it: connected until a disconnection succeeds, and to a connected one it connects by doing nothing. */
function reader(disconnections: (Error | undefined)[]): PcscReader {
  const kept: PcscReader = Object.assign(new EventEmitter(), {
    name: 'R',
    connected: false,
    connect(_: unknown, done: (error?: Error, protocol?: number) => void) {
      if (kept.connected) return done();
      kept.connected = true;
      done(undefined, 2);
    },
    transmit(_: Buffer, __: number, protocol: unknown, done: (error: Error | undefined, answer: Buffer) => void) {
      if (typeof protocol !== 'number') throw new Error('Third argument must be an integer');
      done(undefined, Buffer.from('9000', 'hex'));
    },
    disconnect(_: number, done: (error?: Error) => void) {
      const failure = disconnections.shift();
      if (failure === undefined) kept.connected = false;
      done(failure);
    },
    close: () => {},
  });
  return kept;
}

it('a reader that could not be let go of, because the service died just then, is connected anew for the next card', async () => {
  const dying = reader([new Error(SERVICE_GONE)]);
  const ask = (): Promise<Exchanged> => {
    const { outcome, released } = converseWithCard({ reader: dying, clock: heldClock(), wanted: () => true }, (exchange) => exchange(Buffer.from('00', 'hex')));
    return released.then(() => outcome);
  };
  const answered = { ok: true, answer: Buffer.from('9000', 'hex') };
  expect(await ask()).toEqual(answered);
  expect(await ask()).toEqual(answered);
});
