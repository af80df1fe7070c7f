import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { RecordedEntry } from '../../../app/domain/entries.ts';
import type { Delivered } from './delivered.ts';
import { deviceHostPid } from './processes.ts';
import type { FromStation, StationRequest, StationState } from './station-words.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The station of `station-process.ts`, as the soak sees it from outside. */
export interface WatchedStation {
  readonly pid: number;
  /** As it last told; every entry that has been heard is in it. */
  state(): StationState;
  /** How many entries have been heard since its start. */
  heard(): number;
  /** The device host that it has forked; undefined between two of them. */
  hostPid(): number | undefined;
  /** Resolves, when it is done, with the station's monotonic time at that moment, in milliseconds. */
  ask(request: StationRequest): Promise<number>;
}

export interface Ears {
  readonly delivered: Delivered;
  readonly entry: (entry: RecordedEntry) => void;
  readonly badge: (uid: string, offeredTo: readonly string[]) => void;
  readonly told: (line: string) => void;
  readonly changed: () => void;
}

/** Resolves when the station is there. Ends the soak if the station's process ends before it was asked to. */
export function watchedStation({ delivered, entry, badge, told, changed }: Ears): Promise<WatchedStation> {
  const child = fork(here('station-process.ts'), { execArgv: ['--expose-gc', '--import', here('measured-process.ts')] });
  const waiting = new Map<number, (monoMs: number) => void>();
  let latest: StationState | undefined;
  let entries = 0;
  let asked = 0;
  let stopping = false;
  const station: WatchedStation = {
    pid: child.pid ?? 0,
    state() {
      if (latest === undefined) throw new Error('the station has told nothing yet');
      return latest;
    },
    heard: () => entries,
    hostPid: () => deviceHostPid(child.pid ?? 0),
    async ask(request) {
      stopping = request.ask === 'stop';
      const id = (asked += 1);
      child.send({ id, ...request });
      const monoMs = await new Promise<number>((resolve) => waiting.set(id, resolve));
      if (stopping) child.disconnect();
      return monoMs;
    },
  };
  return new Promise((resolve) => {
    child.on('exit', (code, signal) => {
      if (stopping) return;
      throw new Error(`the station's process has ended with ${code ?? signal}`);
    });
    child.on('message', (message) => {
      const word = message as FromStation;
      switch (word.kind) {
        case 'host-connected':
          delivered.connected();
          break;
        case 'heard':
          delivered.heard(word.message, word.monoMs);
          break;
        case 'host-closed':
          delivered.closed(word.heardMs);
          break;
        case 'badge':
          badge(word.uid, word.offeredTo);
          break;
        case 'entry':
          entries += 1;
          entry(word.entry);
          break;
        case 'state':
          latest = word.state;
          resolve(station);
          break;
        case 'told':
          told(word.line);
          break;
        case 'done':
          waiting.get(word.id)?.(word.monoMs);
          waiting.delete(word.id);
      }
      changed();
    });
  });
}
