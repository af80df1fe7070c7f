import type { ReaderAdapter, ReaderEvent } from '../../adapters.ts';
import type { HostClock } from '../../clock.ts';
import { hidKinds } from './hid-kinds.ts';
import { keepHidDevices } from './hid-keeper.ts';
import { labelReader, LONGEST_LABEL, type ScanCause } from './hid-pos-report.ts';
import { loadNodeHid, type HidDevice, type HidModule } from './node-hid-module.ts';

/** Reports of one code follow each other at the scanner's polling interval, a few milliseconds; what ends later is another code. */
const REST_DEADLINE_MS = 500;

const WORDS = {
  none: 'no bar code scanner in HID-POS mode is plugged in: plug one in, or switch it from keyboard to USB HID-POS by the code in its manual',
  notOpened: 'a bar code scanner cannot be opened: let this user read and write it (udev rules), and close what else uses it',
  lost: 'a bar code scanner went away: it is opened again as soon as it is back; if it stays so, plug it in anew',
};
const IGNORED: Readonly<Record<ScanCause | 'unfinished', string>> = {
  protocol: 'a scanner sent what is no scan report of HID-POS, and it was ignored: switch it to USB HID-POS by the code in its manual',
  'too-long': `a scanned code was ignored: it has more than ${LONGEST_LABEL} characters and is no asset label`,
  'not-text': 'a scanned code was ignored: it is empty or holds more than plain characters, and is no asset label',
  unfinished: 'a scanned code was ignored: the scanner did not send its end. Scan the label again',
};

export interface HidScannersDeps {
  readonly clock: HostClock;
  /** Replaced in tests of what a machine without the package is told. */
  readonly load?: () => HidModule;
}

/** Bar code scanners in HID-POS mode, for asset labels. What was scanned and is no label is dropped, said, and never logged: it may be anything. */
export function hidScanners({ clock, load = loadNodeHid }: HidScannersDeps): ReaderAdapter {
  return { name: 'scanner', start: (sink) => startScanners({ clock, load }, sink) };
}

function startScanners({ clock, load }: Required<HidScannersDeps>, sink: (event: ReaderEvent) => void): { stop(): Promise<void> } {
  let stopped = false;
  const tell = (event: ReaderEvent): void => {
    if (!stopped) sink(event);
  };

  function watch(device: HidDevice, scanner: string, { worked, lost }: { worked(): void; lost(): void }): { stop(): Promise<void> } {
    let read = labelReader();
    let cancelRest = () => {};

    function onRead(bytes: Uint8Array): void {
      cancelRest();
      const scans = read(bytes);
      for (const scan of scans) {
        if (scan.ok) {
          worked();
          keeper.remark(undefined);
          tell({ event: 'label', scanner, label: scan.label });
        } else keeper.remark(IGNORED[scan.cause]);
      }
      if (scans.length > 0) return;
      cancelRest = clock.after(REST_DEADLINE_MS, () => {
        read = labelReader();
        keeper.remark(IGNORED.unfinished);
      });
    }

    device.on('error', lost);
    device.on('data', onRead);
    return {
      stop() {
        cancelRest();
        device.off('data', onRead);
        return Promise.resolve();
      },
    };
  }

  const keeper = keepHidDevices({
    clock,
    load,
    words: WORDS,
    watch,
    choose: (seen) => ({ wanted: hidKinds(seen, { keyboardShaped: false }).scanners }),
    // Readers are where badges are read: nobody taps here, so a scanner is told by its labels alone.
    onOpened: () => {},
    onGone: () => {},
    onState: (state, detail) => tell({ event: 'adapter', state, ...(detail === undefined ? {} : { detail }) }),
  });
  return {
    stop() {
      stopped = true;
      return keeper.stop();
    },
  };
}
