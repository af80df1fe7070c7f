import { spawnSync, type ForkOptions } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** A processor for this process alone, so that what plays another machine takes none of its time. */
export interface Apart {
  /** For `fork`: that child and all it starts keep to the other processors. */
  readonly elsewhere: ForkOptions;
  /** This process has all of its processors again. */
  release(): void;
}

/** By `taskset` (util-linux). Where there is none, or one processor only, nothing is set apart and both share. */
export function setApart(): Apart {
  const allowed = allowedProcessors();
  const [own, ...others] = allowed;
  if (own === undefined || others.length === 0 || !keepTo([own])) return { elsewhere: {}, release: () => undefined };
  return {
    elsewhere: { execPath: 'taskset', execArgv: ['--cpu-list', others.join(','), process.execPath] },
    release: () => {
      if (!keepTo(allowed)) throw new Error('the bench could not take its processors back');
    },
  };
}

/** Of this process with all its threads. */
function keepTo(processors: readonly number[]): boolean {
  return spawnSync('taskset', ['--all-tasks', '--cpu-list', '--pid', processors.join(','), String(process.pid)]).status === 0;
}

/** As `Cpus_allowed_list` of proc_pid_status(5) names them: `0-3,8`. */
function allowedProcessors(): readonly number[] {
  if (process.platform !== 'linux') return [];
  const list = /^Cpus_allowed_list:\s*(\S+)$/mu.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, n) => first + n);
  });
}
