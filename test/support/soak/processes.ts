import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** One process of the testbed, as the kernel tells it. */
export interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
  readonly threads: number;
}

/** Those of this process namespace; a process may end while it is looked at. */
export function processes(): readonly Process[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // From the third field on: what stands before may hold spaces.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      return [{ pid: Number(name), parent: Number(fields[1]), command: readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' '), threads: Number(fields[17]) }];
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
  });
}

/** What a process holds open: files, sockets, pipes. The look at them is none of it. */
export function handles(pid: number): readonly string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch (error) {
      if (isGone(error)) return [];
      throw error;
    }
  });
}

/** What of a process is in memory now, garbage included. */
export function residentMiB(pid: number): number {
  return Math.round(Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_024);
}

/** The device host that this station has forked; undefined between two of them. */
export function deviceHostPid(station: number): number | undefined {
  return processes().find(({ parent, command }) => parent === station && command.includes('entrypoints/device-host.ts'))?.pid;
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH');
}
