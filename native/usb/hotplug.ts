import { createRequire } from 'node:module';

/** The part of usb 3.1.0 that is used: it calls back from the udev monitor, with details that sysfs tells better. */
interface UsbEmitter {
  addAttach(attached: () => void): Promise<void>;
  removeAttach(): Promise<void>;
  addDetach(detached: () => void): Promise<void>;
  removeDetach(): Promise<void>;
}

/** Calls `changed` after each change on any USB bus, until stopped. Rejects when this machine gives no such news. */
export type WatchUsb = (changed: () => void) => Promise<{ stop(): Promise<void> }>;
export type UsbEvents = { readonly found: true; readonly watch: WatchUsb } | { readonly found: false; readonly detail: string };

/** Loads the optional package; a missing one is an answer, not an exception: the slots are looked at often instead. */
export function loadUsbEvents(): UsbEvents {
  try {
    const loaded: unknown = createRequire(import.meta.url)('usb/index.js');
    const make = typeof loaded === 'object' && loaded !== null && 'Emitter' in loaded ? loaded.Emitter : undefined;
    if (typeof make !== 'function') return { found: false, detail: 'the package usb is not what it was: it exports no Emitter' };
    const Emitter = make as new () => UsbEmitter;
    return { found: true, watch: (changed) => watchWith(new Emitter(), changed) };
  } catch (error) {
    return { found: false, detail: `the package usb could not be loaded: ${(error instanceof Error ? error.message : String(error)).split('\n')[0] ?? ''}` };
  }
}

async function watchWith(emitter: UsbEmitter, changed: () => void): Promise<{ stop(): Promise<void> }> {
  await emitter.addAttach(() => changed());
  await emitter.addDetach(() => changed());
  return {
    async stop() {
      await emitter.removeAttach();
      await emitter.removeDetach();
    },
  };
}
