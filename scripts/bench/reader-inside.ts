/** Runs beside a real pcscd with a virtual reader: prints one JSON array of [field to first APDU, field to tap event] in milliseconds. */
import { systemClock } from '../../native/clock.ts';
import { pcscReaders } from '../../native/readers/pcsc.ts';
import { currentTestbed, slotOf } from '../../test/support/pcsc/testbed.ts';
import { insertCard } from '../../test/support/pcsc/virtual-card.ts';

const TAPS = 40;
const testbed = currentTestbed();
if (!testbed) throw new Error('not inside a PC/SC testbed');
const { port } = slotOf(testbed, 0);
let tapped: () => void = () => undefined;
let removed: () => void = () => undefined;
const present = Promise.withResolvers<void>();
const running = pcscReaders({ clock: systemClock }).start((event) => {
  if (event.event === 'reader' && event.state === 'present') present.resolve();
  if (event.event === 'tap') tapped();
  if (event.event === 'card-removed') removed();
});
await present.promise;
const times: [number, number][] = [];
for (let turn = 0; turn < TAPS; turn += 1) {
  const tap = new Promise<void>((resolve) => (tapped = resolve));
  const gone = new Promise<void>((resolve) => (removed = resolve));
  const start = performance.now();
  const card = await insertCard(port, { uid: '04A1B2C3D4E5F6' });
  await card.asked;
  const askedMs = performance.now() - start;
  await tap;
  times.push([askedMs, performance.now() - start]);
  await card.remove();
  await gone;
}
process.stdout.write(`${JSON.stringify(times)}\n`);
await running.stop();
process.exit(0);
