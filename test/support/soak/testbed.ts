import { fileURLToPath } from 'node:url';
import { whyNoAdb } from '../adb/adb-server.ts';
import { namespaceCommand } from '../pcsc/in-namespace.ts';
import { whyNoTestbed } from '../pcsc/testbed.ts';
import { whyNoUsbTestbed } from '../usb/testbed.ts';

/** Two slots each: six badges may lie on readers at once. */
const READERS = 3;
/**
 * Everything native in one set of namespaces: pcscd's /run, and a /sys that is ours as well. The ports of virtual readers lie where
 * the kernel picks those of outgoing connections; while pcscd is dead, none of these may take one.
 */
const OWN_SYS = 'mount -t tmpfs -o mode=755 tmpfs /sys && echo 35900-36400 > /proc/sys/net/ipv4/ip_local_reserved_ports && exec "$@"';

/** Else each thread keeps what it has once freed, and resident memory tells of chance. */
const ONE_HEAP = 'MALLOC_ARENA_MAX=1';

const here = (file: string): string => fileURLToPath(new URL(file, import.meta.url));

/** What the soak is told: how much work, in how many rounds, with which misfortunes. */
export interface SoakPlan {
  readonly seed: number;
  readonly rounds: number;
  /** At least so many taps and dock/undock cycles in each round: both go on for as long as its misfortunes last. */
  readonly tapsPerRound: number;
  readonly cyclesPerRound: number;
  readonly misfortunesPerRound: number;
  /** Left out: nothing is measured. */
  readonly measuring?: {
    /** After so many rounds everything is warm. */
    readonly warmUpRounds: number;
    /** In so many rounds, the last ones, the device host is left alone, to grow old. */
    readonly longLifeRounds: number;
    /** Quiet work before each measurement, so that all of them are of processes that have just done the same. */
    readonly taps: number;
    readonly cycles: number;
  };
  /** Also freezes the host, which the supervisor notices after five seconds. */
  readonly wedges: boolean;
}

/** Why the soak cannot run here, in words; undefined where it can. */
export function whyNoSoak(): string | undefined {
  return whyNoTestbed() ?? whyNoUsbTestbed() ?? whyNoAdb();
}

/** The command line of the soak, which needs an open standard input; its last line on standard output is the report. */
export function soakCommand(plan: SoakPlan): [string, ...string[]] {
  const node = ['env', ONE_HEAP, process.execPath];
  return namespaceCommand(READERS, ['sh', '-c', OWN_SYS, 'sh', ...node, here('inside.ts'), JSON.stringify(plan)]);
}
