import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { hostMessage } from '../../app/contract/device-host.ts';
import { forkedHost, superviseDeviceHost } from '../../app/transport/device-host-process.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const ENTRYPOINT = fileURLToPath(new URL('../../app/entrypoints/device-host.ts', import.meta.url));
const PATIENCE_MS = 20_000;
const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

/** The real host program under the real supervisor; every word of each of its lives. */
function supervised() {
  const lives: z.infer<typeof hostMessage>[][] = [];
  const told: string[] = [];
  const ends: number[] = [];
  const supervisor = superviseDeviceHost({
    launch: forkedHost(ENTRYPOINT, { NODE_OPTIONS: '', DOCKWARD_HOST_CONFIG: JSON.stringify({ readers: 'none', slots: 'usb', ports: { 1: '9-9.9' } }) }),
    attach: (transport) => {
      const words: z.infer<typeof hostMessage>[] = [];
      const life = lives.push(words);
      transport.onMessage((message) => words.push(hostMessage.parse(message)));
      transport.onClose(() => ends.push(life));
      // A command for each life: one that is wedged never answers, and one after it must.
      transport.send({ id: life, request: { command: 'light', slot: 1, light: 'take' } });
    },
    told: (what) => told.push(what),
  });
  cleanUps.push(() => supervisor.stop());
  const pidOf = (life: number): number | undefined => lives[life - 1]?.flatMap((word) => ('event' in word && word.event === 'hello' ? [word.pid] : []))[0];
  const answered = (life: number): boolean => lives[life - 1]?.some((word) => 'ok' in word && word.id === life) === true;
  return { ends, told, pidOf, answered };
}

describe('a device host that is wedged', () => {
  it('with all its threads stopped, deaf to SIGTERM: it is ended hard after 5 s of silence, and a new one answers', async () => {
    const { ends, told, pidOf, answered } = supervised();
    const first = await waitFor('the first life', () => (answered(1) ? pidOf(1) : undefined), PATIENCE_MS);
    process.kill(first, 'SIGSTOP');
    const second = await waitFor('the second life', () => (answered(2) ? pidOf(2) : undefined), PATIENCE_MS);
    expect(second).not.toBe(first);
    expect(ends).toEqual([1]);
    expect(told).toEqual(['the device host has not said a word; it is ended', 'the device host has ended; it is started again']);
    // A stopped process hears only SIGKILL: nothing of it is left, so it holds no reader and no port.
    expect(existsSync(`/proc/${first}`)).toBe(false);
  });

  it('that dies at once every time is started again ever more slowly, and each end is told', async () => {
    const { ends, told, pidOf, answered } = supervised();
    for (const life of [1, 2, 3]) process.kill(await waitFor(`life ${life}`, () => (answered(life) ? pidOf(life) : undefined), PATIENCE_MS), 'SIGKILL');
    await waitFor('the fourth life', () => answered(4), PATIENCE_MS);
    expect(ends).toEqual([1, 2, 3]);
    expect(told).toEqual(Array.from({ length: 3 }, () => 'the device host has ended; it is started again'));
  });
});
