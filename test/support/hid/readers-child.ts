/** Runs the adapter on whatever bus it finds and writes its events, one JSON line each. Ends when it is told to. */
import { systemClock } from '../../../native/clock.ts';
import { hidReaders } from '../../../native/readers/hid/hid.ts';

const running = hidReaders({ clock: systemClock }).start((event) => process.stdout.write(`${JSON.stringify(event)}\n`));
process.on('SIGTERM', () => void running.stop().then(() => process.exit(0)));
