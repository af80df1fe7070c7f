import { fork, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DIRECTORY_WITHOUT_PINS } from './demo-central.ts';

const PROGRAM = fileURLToPath(new URL('../../app/entrypoints/central-node.ts', import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly output: { text: string };
  readonly gone: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
  ready(): Promise<{ url: string; stationUrl: string; admin: { user: string; password: string }; auditorToken: string }>;
}

let folder: string;
const started: Running[] = [];

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'dockward-central-process-'));
  await writeFile(path.join(folder, 'ward.json'), JSON.stringify(DIRECTORY_WITHOUT_PINS));
});
afterEach(async () => {
  for (const { child, gone } of started.splice(0)) {
    child.kill('SIGTERM');
    await gone;
  }
  await rm(folder, { recursive: true, force: true });
});

function start(...flags: string[]): Running {
  const { DATABASE_URL: _elsewhere, ...env } = process.env;
  const child = fork(PROGRAM, ['--data', path.join(folder, 'data'), '--seed', path.join(folder, 'ward.json'), '--port', '0', '--station-port', '0', ...flags], { silent: true, env, execArgv: [] });
  const output = { text: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.text += chunk.toString('utf8')));
  child.stderr?.on('data', (chunk: Buffer) => (output.text += chunk.toString('utf8')));
  const gone = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
  const running: Running = {
    child,
    output,
    gone,
    async ready() {
      const line = (): string | undefined => /^central (\{.*\})$/m.exec(output.text)?.[1];
      await expect.poll(() => line() ?? child.exitCode, { timeout: 25_000, message: output.text }).toEqual(expect.anything());
      const found = line();
      if (found === undefined) throw new Error(output.text);
      return JSON.parse(found) as Awaited<ReturnType<Running['ready']>>;
    },
  };
  started.push(running);
  return running;
}

const postmasterPid = async (): Promise<number> => Number((await readFile(path.join(folder, 'data', 'postgres', 'data', 'postmaster.pid'), 'utf8')).split('\n')[0]);
const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

describe('the central process', () => {
  it('tells where it listens, gives its parent a code, and takes its database with it when the parent hangs up', async () => {
    const central = start();
    const { url, admin } = await central.ready();
    expect((await fetch(`${url}/health`)).status).toBe(200);
    const answer = new Promise((resolve) => central.child.once('message', resolve));
    central.child.send({ want: 'code', ward: '7e', cart: 'Cart A' });
    expect(await answer).toEqual({ code: expect.stringMatching(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}~[0-9a-f]{64}$/) });
    const pid = await postmasterPid();
    central.child.disconnect();
    expect(await central.gone).toEqual({ code: 0, signal: null });
    expect(alive(pid)).toBe(false);
    expect((await start().ready()).admin).toEqual(admin);
  });

  it('killed together with its database starts again with everything it had', async () => {
    const central = start();
    const { admin, auditorToken } = await central.ready();
    const pid = await postmasterPid();
    process.kill(pid, 'SIGKILL');
    central.child.kill('SIGKILL');
    await central.gone;
    expect(await start().ready()).toMatchObject({ admin, auditorToken });
  });

  it('killed alone leaves no database running', async () => {
    const central = start();
    await central.ready();
    const pid = await postmasterPid();
    central.child.kill('SIGKILL');
    await central.gone;
    await expect.poll(() => alive(pid), { timeout: 10_000 }).toBe(false);
  });

  it('says which port is taken and what to do', async () => {
    const holder = createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as AddressInfo;
    const central = start('--port', String(port));
    expect((await central.gone).code).toBe(1);
    await expect.poll(() => central.output.text).toMatch(new RegExp(`Port ${port} on 127.0.0.1 is already in use.*--port N`));
    holder.close();
  });

  it('refuses to let people sign in over the network without encryption', async () => {
    const central = start('--host', '0.0.0.0');
    expect((await central.gone).code).toBe(1);
    await expect.poll(() => central.output.text).toMatch(/without encryption.*--tls-cert/);
  });

  it('names a seed file that is not a directory', async () => {
    await writeFile(path.join(folder, 'ward.json'), '{"tenant":"X Y"}');
    const central = start();
    expect((await central.gone).code).toBe(1);
    await expect.poll(() => central.output.text).toMatch(/ward\.json is not as expected: tenant/);
  });
});
