import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { stateFile } from '../../app/simulator/state-file.ts';

let folder = '';
afterEach(async () => {
  vi.useRealTimers();
  await rm(folder, { recursive: true, force: true });
});

it('a change after the end is not saved: a removed folder stays removed', async () => {
  folder = await mkdtemp(join(tmpdir(), 'dockward-sim-'));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const take = vi.fn(() => ({ slot: 4 }));
  const file = stateFile(join(folder, 'world.json'), take, () => {});
  file.touch();
  await file.close();
  expect(await readFile(join(folder, 'world.json'), 'utf8')).toBe('{"slot":4}');
  file.touch();
  await vi.runAllTimersAsync();
  // Queues behind whatever the late change may have begun: one save at the end, one now.
  await file.flush();
  expect(take).toHaveBeenCalledTimes(2);
});
