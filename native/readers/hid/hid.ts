import type { ReaderAdapter, ReaderEvent } from '../../adapters.ts';
import type { HostClock } from '../../clock.ts';
import { hidKinds, type HidChoice } from './hid-kinds.ts';
import { keepHidDevices } from './hid-keeper.ts';
import { loadNodeHid, type HidModule } from './node-hid-module.ts';
import { watchPcprox } from './pcprox-watch.ts';

const WORDS = {
  none: 'no rf IDEAS badge reader is plugged in: plug one in, or look at its cable',
  notOpened: 'a badge reader cannot be opened: let this user read and write it (udev rule for vendor 0c27), and close what else uses it',
  lost: 'a badge reader stopped answering: it is opened again as soon as it does; if it stays so, plug it in anew',
};
const TYPING = 'a badge reader that looks like a keyboard is plugged in and is not used: use one in SDK mode; if it is and does not type, set "hidReaders": {"keyboardShaped": true}; or use a PC/SC reader';

export interface HidReadersDeps extends Partial<HidChoice> {
  readonly clock: HostClock;
  /** Replaced in tests of what a machine without the package is told. */
  readonly load?: () => HidModule;
}

/**
 * rf IDEAS pcProx badge readers in SDK mode, by their feature reports. What looks like a keyboard is opened only where
 * `keyboardShaped` says that it may be, and what it types is never read.
 */
export function hidReaders({ clock, load = loadNodeHid, keyboardShaped = false }: HidReadersDeps): ReaderAdapter {
  return { name: 'hid', start: (sink) => startHid({ clock, load, keyboardShaped }, sink) };
}

function startHid({ clock, load, keyboardShaped }: Required<HidReadersDeps>, sink: (event: ReaderEvent) => void): { stop(): Promise<void> } {
  const resting = new Map<string, string>();
  let stopped = false;
  const tell = (event: ReaderEvent): void => {
    if (!stopped) sink(event);
  };
  const keeper = keepHidDevices({
    clock,
    load,
    words: WORDS,
    choose(seen) {
      const { readers, typing } = hidKinds(seen, { keyboardShaped });
      return { wanted: readers, aside: typing.size > 0 ? TYPING : undefined };
    },
    onOpened: (reader) => tell({ event: 'reader', reader, state: 'present' }),
    onGone: (reader) => tell({ event: 'reader', reader, state: 'gone' }),
    onState: (state, detail) => tell({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) }),
    watch(device, reader, { worked, lost }) {
      // Nothing is said by these readers unasked; an error without a listener would end the process.
      device.on('error', () => {});
      const emit = (event: ReaderEvent): void => {
        worked();
        tell(event);
      };
      return watchPcprox({ device, reader, clock, emit, resting, onLost: lost });
    },
  });
  return {
    stop() {
      stopped = true;
      return keeper.stop();
    },
  };
}
