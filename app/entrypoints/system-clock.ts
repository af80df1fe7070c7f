import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { Clock } from '../station/clock.ts';

/** The machine's own clock; with a simulator, that of its world. */
export async function systemClock(simulator?: string): Promise<Clock & { close(): void }> {
  const after = (ms: number, call: () => void): (() => void) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  };
  if (simulator !== undefined) {
    const { worldClock } = await import('../simulator/world-clock.ts');
    const world = await worldClock(simulator);
    return { wallMs: () => Math.floor(world.wallMs()), monoMs: () => Math.floor(world.monoMs()), bootId: world.bootId, after, close: () => world.close() };
  }
  return { wallMs: Date.now, monoMs: bootTimeMs, bootId: bootId(), after, close: () => undefined };
}

/** CLOCK_BOOTTIME through the system's uptime: suspended time counts, as trusted time needs it. */
const bootTimeMs = (): number => Math.floor(uptime() * 1_000);

/** Linux names every boot; elsewhere no two starts of the program count as one boot. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return randomUUID();
    throw error;
  }
}
