import { contextBridge, ipcRenderer } from 'electron';

/** The one channel, both ways; app/shell/ipc.ts holds the other end. A sandboxed preload cannot share a module with it. */
const CHANNEL = 'dockward';
/** What arrives before the page listens is kept: in practice one snapshot. More than this many is a page that never will. */
const KEPT_EARLY = 16;

const listeners = new Set<(message: unknown) => void>();
const early: unknown[] = [];

ipcRenderer.on(CHANNEL, (_event, message: unknown) => {
  if (listeners.size > 0) for (const listener of listeners) listener(message);
  else {
    early.push(message);
    if (early.length > KEPT_EARLY) early.shift();
  }
});

contextBridge.exposeInMainWorld('dockward', {
  send: (message: unknown): void => ipcRenderer.send(CHANNEL, message),
  onMessage: (listener: (message: unknown) => void): (() => void) => {
    listeners.add(listener);
    for (const message of early.splice(0)) listener(message);
    return () => void listeners.delete(listener);
  },
});
