/**
 * Runs beside a real pcscd with a virtual reader: prints one JSON array of [the exchange with the card, from the service's word of a
 * powered card to the tap event, from the field to the tap event] in milliseconds.
 */
import { systemClock } from '../../native/clock.ts';
import { pcscReaders } from '../../native/readers/pcsc.ts';
import { loadPcsclite, STATE_PRESENT, type PcscInstance, type PcscReader } from '../../native/readers/pcsclite-module.ts';
import { currentTestbed, slotOf } from '../../test/support/pcsc/testbed.ts';
import { insertCard } from '../../test/support/pcsc/virtual-card.ts';

const TAPS = 60;
const testbed = currentTestbed();
if (!testbed) throw new Error('not inside a PC/SC testbed');
const module = loadPcsclite();
if (!module.found) throw new Error(module.detail);
const openPcsc = module.open;
const { port } = slotOf(testbed, 0);
let poweredMs = 0;
let exchangeMs = 0;
let tapped: () => void = () => undefined;
let removed: () => void = () => undefined;
const present = Promise.withResolvers<void>();

/** Times what pcsclite itself takes: connecting to the card and each APDU, until its own callback. */
function timed(instance: PcscInstance): PcscInstance {
  instance.on('reader', (reader: PcscReader) => {
    const connect = reader.connect.bind(reader);
    const transmit = reader.transmit.bind(reader);
    reader.on('status', ({ state }: { state: number }) => {
      if ((state & STATE_PRESENT) !== 0) poweredMs = performance.now();
    });
    reader.connect = (options, done) => connect(options, took(done));
    reader.transmit = (data, length, protocol, done) => transmit(data, length, protocol, took(done));
  });
  return instance;
}

function took<Said extends unknown[]>(done: (...said: Said) => void): (...said: Said) => void {
  const begun = performance.now();
  return (...said) => {
    exchangeMs += performance.now() - begun;
    done(...said);
  };
}

const running = pcscReaders({ clock: systemClock, load: () => ({ found: true, open: () => timed(openPcsc()) }) }).start((event) => {
  if (event.event === 'reader' && event.state === 'present') present.resolve();
  if (event.event === 'tap') tapped();
  if (event.event === 'card-removed') removed();
});
await present.promise;
const times: [number, number, number][] = [];
for (let turn = 0; turn < TAPS; turn += 1) {
  const tap = new Promise<void>((resolve) => (tapped = resolve));
  const gone = new Promise<void>((resolve) => (removed = resolve));
  exchangeMs = 0;
  const start = performance.now();
  const card = await insertCard(port, { uid: '04A1B2C3D4E5F6' });
  await tap;
  const now = performance.now();
  times.push([exchangeMs, now - poweredMs, now - start]);
  await card.remove();
  await gone;
}
process.stdout.write(`${JSON.stringify(times)}\n`);
await running.stop();
process.exit(0);
