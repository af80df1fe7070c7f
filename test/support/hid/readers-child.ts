/** Runs one adapter on whatever bus it finds and writes its events, one JSON line each. Ends when it is told to. */
import type { ReaderAdapter } from '../../../native/adapters.ts';
import { systemClock } from '../../../native/clock.ts';
import { hidReaders } from '../../../native/readers/hid/hid.ts';
import { hidScanners } from '../../../native/readers/hid/hid-scanners.ts';

const ADAPTERS: Readonly<Record<string, () => ReaderAdapter>> = {
  readers: () => hidReaders({ clock: systemClock }),
  'keyboard-shaped': () => hidReaders({ clock: systemClock, keyboardShaped: true }),
  scanners: () => hidScanners({ clock: systemClock }),
};

const adapter = ADAPTERS[process.argv[2] ?? ''];
if (adapter === undefined) throw new Error(`which adapter? one of ${Object.keys(ADAPTERS).join(', ')}`);
const running = adapter().start((event) => process.stdout.write(`${JSON.stringify(event)}\n`));
process.on('SIGTERM', () => void running.stop().then(() => process.exit(0)));
