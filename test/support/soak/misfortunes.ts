import { between } from '../../../app/simulator/world/random.ts';
import { killPcscd, startPcscd } from '../pcsc/pcscd.ts';
import type { PcscTestbed } from '../pcsc/testbed.ts';
import type { Delivered } from './delivered.ts';
import type { News } from './news.ts';
import type { PhysicalCart } from './physical-cart.ts';
import type { Trouble } from './trouble.ts';
import type { WatchedStation } from './watched-station.ts';

export const MISFORTUNES = ['pcscd', 'adb', 'host', 'wedge'] as const;
export type Misfortune = (typeof MISFORTUNES)[number];

const LONGEST_DARK_MS = 1_200;
/** A new host is killed again before it is through with its start. */
const TWICE_SHARE = 0.25;
const LONGEST_START_MS = 700;
const RECOVERY_DEADLINE_MS = 60_000;
/** Levels that policy lets go out. */
const [LOW, FULL] = [40, 99];

export interface Fate {
  readonly testbed: PcscTestbed;
  readonly physical: PhysicalCart;
  readonly cart: WatchedStation;
  readonly delivered: Delivered;
  readonly trouble: Trouble;
  readonly news: News;
  readonly pcscd: { life: number };
  /** How many device hosts have been killed or frozen: no others may end. */
  readonly hosts: { struck: number };
  readonly random: () => number;
}

/** Lets it happen, and waits until the cart has all its senses back. */
export async function strike(misfortune: Misfortune, { testbed, physical, cart, delivered, trouble, news, pcscd, hosts, random }: Fate): Promise<void> {
  const dark = (): Promise<void> => pause(between(random, 0, LONGEST_DARK_MS));
  const hasReaders = (): boolean => delivered.life()?.readers.size === testbed.readers.length;

  await trouble.nothingOverdue();
  switch (misfortune) {
    case 'pcscd': {
      const end = trouble.begin('readers');
      const life = delivered.life();
      await killPcscd(testbed);
      pcscd.life += 1;
      await dark();
      // A host that freezes meanwhile tells nothing more.
      await news.until('every reader to be gone', () => life?.readers.size === 0 || delivered.life() !== life, RECOVERY_DEADLINE_MS);
      await startPcscd(testbed);
      await news.until('every reader after pcscd was killed', hasReaders, RECOVERY_DEADLINE_MS);
      return end();
    }
    case 'adb': {
      await physical.adb.kill();
      const [serial] = [...physical.at.keys()].slice(between(random, 0, physical.at.size - 1));
      if (serial !== undefined) physical.charge(serial, between(random, LOW, FULL));
      await dark();
      return physical.adb.start();
    }
    case 'host':
    case 'wedge': {
      const end = trouble.begin('readers', 'sight');
      const pid = await endHost(misfortune === 'host' ? 'SIGKILL' : 'SIGSTOP');
      if (random() < TWICE_SHARE) {
        await aHost(pid);
        await pause(between(random, 0, LONGEST_START_MS));
        await endHost('SIGKILL');
      }
      await news.until('a device host that sees the whole cart', () => (delivered.life()?.whole ?? false) && (hasReaders() || !isAlone()), RECOVERY_DEADLINE_MS);
      return end();
    }
  }

  /** Another misfortune with the readers goes on beside this one, and waits for them. */
  function isAlone(): boolean {
    return trouble.count('readers') === 1;
  }

  async function endHost(signal: 'SIGKILL' | 'SIGSTOP'): Promise<number> {
    const pid = await aHost();
    const life = delivered.life()?.number;
    hosts.struck += 1;
    process.kill(pid, signal);
    await news.until(`the end of the device host after ${signal}`, () => delivered.life()?.number !== life, RECOVERY_DEADLINE_MS);
    return pid;
  }

  async function aHost(other?: number): Promise<number> {
    for (;;) {
      const pid = cart.hostPid();
      if (pid !== undefined && pid !== other) return pid;
      await pause(20);
    }
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
