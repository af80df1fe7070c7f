import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { AdbDeps } from '../../native/tablets/adb.ts';
import { freePort } from '../support/adb/adb-server.ts';
import { playedServer } from '../support/adb/scripted-server.ts';
import { virtualTablet } from '../support/adb/virtual-tablet.ts';
import { watchedAdapter } from '../support/adb/watched-adapter.ts';
import { waitFor } from '../support/pcsc/wait-for.ts';

const cleanUps: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function detailOf(deps: Omit<AdbDeps, 'clock'>): Promise<{ readonly state: string; readonly detail: string }> {
  const watched = watchedAdapter(deps);
  cleanUps.push(() => watched.stop());
  const { state, detail } = await waitFor('a state', () => watched.states()[0]);
  return { state, detail: detail ?? '' };
}

describe('a cart without adb', () => {
  it('is told which server is missing and how to start it', async () => {
    const port = await freePort();
    const { state, detail } = await detailOf({ port });
    expect(state).toBe('absent');
    expect(detail).toContain(`127.0.0.1:${port}`);
    expect(detail).toContain('adb start-server');
  });

  it('that may start a server but has no program is told to install it', async () => {
    const { state, detail } = await detailOf({ port: await freePort(), start: true, program: '/nowhere/adb' });
    expect(state).toBe('absent');
    expect(detail).toContain('apt-get install adb');
  });

  it('whose program fails is told what it said, cut to what the host takes', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dockward-adb-program-'));
    cleanUps.push(() => rmSync(folder, { recursive: true }));
    const program = join(folder, 'adb');
    writeFileSync(program, '#!/bin/sh\nseq 1 10000 >&2\necho "cannot bind" >&2\nexit 1\n', { mode: 0o755 });
    const { state, detail } = await detailOf({ port: await freePort(), start: true, program });
    expect(state).toBe('failing');
    expect(detail).toMatch(/^the adb server could not be started: .* cannot bind$/);
    expect(detail.length).toBeLessThanOrEqual(300);
  });

  it('never starts a server for another machine', async () => {
    const { state, detail } = await detailOf({ host: '127.0.0.2', port: await freePort(), start: true, program: '/nowhere/adb' });
    expect(state).toBe('absent');
    expect(detail).toContain('no adb server answers on 127.0.0.2');
  });

  it('on which it is started later reads its tablets then', async () => {
    const port = await freePort();
    const watched = watchedAdapter({ port });
    cleanUps.push(() => watched.stop());
    await waitFor('absence', () => watched.states()[0]?.state === 'absent');
    const server = await playedServer([virtualTablet('R52T100ABCD')], port);
    cleanUps.push(() => server.close());
    await watched.until('R52T100ABCD', 'read');
    expect(watched.states().map(({ state }) => state)).toEqual(['absent', 'working']);
  });
});
