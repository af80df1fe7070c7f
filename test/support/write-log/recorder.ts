import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SOURCE = fileURLToPath(new URL('recorder.c', import.meta.url));
const CACHE = fileURLToPath(new URL('../../../.cache/fault', import.meta.url));

/** Where a recorded station keeps its files. `log` and `marks` lie outside `folder`. */
export interface RecordedPlaces {
  readonly folder: string;
  readonly log?: string;
  readonly marks: string;
}

/** Why no writes can be recorded here, in words; undefined where they can. */
export function whyNoRecorder(): string | undefined {
  if (process.platform !== 'linux') return 'recording writes needs Linux (LD_PRELOAD)';
  if (!existsSync(libraryPath()) && spawnSync('cc', ['--version']).error !== undefined) return 'no C compiler (cc) for the layer that records writes';
  const place = mkdtempSync(join(tmpdir(), 'dockward-recorder-'));
  try {
    const places = { folder: join(place, 'folder'), log: join(place, 'log'), marks: join(place, 'marks') };
    mkdirSync(places.folder);
    const writing = `require('node:fs').writeFileSync(${JSON.stringify(join(places.folder, 'probe'))}, 'x')`;
    const { stderr } = spawnSync(process.execPath, ['-e', writing], { env: recordedEnvironment(places), encoding: 'utf8' });
    return existsSync(places.log) && statSync(places.log).size > 0 ? undefined : `LD_PRELOAD has no effect on this Node: ${stderr.trim()}`;
  } finally {
    rmSync(place, { recursive: true });
  }
}

/** The environment of a child whose writes in `folder` are recorded. */
export function recordedEnvironment({ folder, log, marks }: RecordedPlaces): NodeJS.ProcessEnv {
  return {
    ...process.env,
    LD_PRELOAD: prepareRecorder(),
    DOCKWARD_WRITES_FOLDER: folder,
    DOCKWARD_WRITES_MARKS: marks,
    ...(log !== undefined && { DOCKWARD_WRITES_LOG: log }),
  };
}

function libraryPath(): string {
  const version = createHash('sha256').update(readFileSync(SOURCE)).digest('hex').slice(0, 12);
  return join(CACHE, `recorder-${process.arch}-${version}.so`);
}

/** Compiles the layer where it is missing; runs that start at once do not see each other's half. */
function prepareRecorder(): string {
  const path = libraryPath();
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  const half = `${path}.${process.pid}`;
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-o', half, SOURCE, '-ldl', '-lpthread']);
  renameSync(half, path);
  return path;
}
