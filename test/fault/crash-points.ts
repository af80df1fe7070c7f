import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from '../../app/simulator/world/random.ts';
import { createDisk, noDamage, type Damage } from '../support/write-log/disk.ts';
import { parseRecord, type Operation } from '../support/write-log/record.ts';
import { judge, promisesIn, type Verdict } from './judge.ts';
import { scratch } from './recording.ts';

const KEPT = fileURLToPath(new URL('../../.cache/fault', import.meta.url));

export interface CrashPoint {
  readonly point: number;
  /** How many operations had been made. */
  readonly after: number;
}

export interface Finding extends CrashPoint {
  readonly verdict: Exclude<Verdict, { kind: 'sound' }>;
}

export interface Replay {
  readonly points: number;
  readonly lost: readonly Finding[];
  readonly corrupt: readonly Finding[];
  readonly damage: Damage;
}

/**
 * Half of the points anywhere; half at or right after what is rare and delicate: names, lengths, the database itself
 * (checkpoints, recovery, migration). Sorted by place, so that one disk serves them all.
 */
export function crashPoints(operations: readonly Operation[], count: number, seed: number): readonly CrashPoint[] {
  const random = seededRandom(seed);
  const rare = operations.flatMap((operation, index) => (isEveryday(operation) ? [] : [index + 1, index + 2]));
  const points = Array.from({ length: count }, (_, point): CrashPoint => {
    const at = random();
    const after = point % 2 === 0 ? Math.floor(at * (operations.length + 1)) : (rare[Math.floor(at * rare.length)] ?? 0);
    return { point, after: Math.min(after, operations.length) };
  });
  return points.sort((a, b) => a.after - b.after);
}

function isEveryday(operation: Operation): boolean {
  if (operation.kind === 'mark') return true;
  if (operation.kind === 'write') return operation.name.endsWith('-wal') && operation.offset > 0;
  return operation.kind === 'sync' && operation.name.endsWith('-wal');
}

/** Lets the power fail at every point (`only`: at that one) and starts the real store on what is left each time. */
export async function replay(log: Buffer, count: number, seed: number, only?: number): Promise<Replay> {
  const operations = parseRecord(log);
  const promises = promisesIn(operations);
  const disk = createDisk();
  const damage = noDamage();
  const findings: Finding[] = [];
  const place = await scratch();
  let [made, points] = [0, 0];
  try {
    for (const { point, after } of crashPoints(operations, count, seed)) {
      if (only !== undefined && point !== only) continue;
      for (const operation of operations.slice(made, after)) disk.apply(operation);
      made = after;
      const image = disk.crash(pointRandom(seed, point), damage);
      const folder = await mkdtemp(join(place, 'p'));
      const verdict = await judge(image, folder, promises.at(after));
      await rm(folder, { recursive: true });
      points += 1;
      if (verdict.kind !== 'sound') findings.push({ point, after, verdict });
    }
  } finally {
    await rm(place, { recursive: true });
  }
  const of = (kind: Verdict['kind']): readonly Finding[] => findings.filter(({ verdict }) => verdict.kind === kind);
  return { points, lost: of('lost'), corrupt: of('corrupt'), damage };
}

/** A point's damage depends on the seed and its number alone, so that it can be had again without the others. */
export const pointRandom = (seed: number, point: number): (() => number) => seededRandom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(point + 1, 0x85ebca6b));

/**
 * Keeps the log of a failed run, unless it comes from one, and says how to have its first finding again, exactly.
 * SQLite salts its WAL, so the log itself is needed. Empty where nothing was found.
 */
export async function toReplay(log: Buffer, count: number, seed: number, findings: readonly Finding[], from?: string): Promise<string> {
  if (findings.length === 0) return '';
  const kept = from ?? join(KEPT, `seed-${seed}-${process.pid}.log`);
  await mkdir(KEPT, { recursive: true });
  if (from === undefined) await writeFile(kept, log);
  const [first] = findings;
  const environment = `DOCKWARD_FAULT_LOG=${kept} DOCKWARD_FAULT_SEED=${seed} DOCKWARD_FAULT_POINTS=${count} DOCKWARD_FAULT_POINT=${first?.point}`;
  return [
    ...findings.slice(0, 10).map(({ point, after, verdict }) => `point ${point}, after operation ${after}: ${verdict.kind}, ${verdict.why}`),
    `To have it again: ${environment} npx vitest run -c test/vitest.config.ts test/fault/power-loss.test.ts -t 'the power fails'`,
  ].join('\n');
}
