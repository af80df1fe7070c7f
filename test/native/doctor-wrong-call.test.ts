import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';

const DOCTOR = fileURLToPath(new URL('../../scripts/doctor.ts', import.meta.url));

function doctor(...args: readonly string[]) {
  return spawnSync(process.execPath, [DOCTOR, ...args], { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' });
}

it('a doctor that is called wrongly says how it is called, with exit code 64', () => {
  for (const args of [['--konfig', 'x'], ['--learn', '8-1']]) {
    const { status, stderr, stdout } = doctor(...args);
    expect({ args, status, stdout }).toEqual({ args, status: 64, stdout: '' });
    expect(stderr).toContain('npm run doctor -- [--config FILE | --data DIR] [--learn 1-16]\n');
  }
  expect(doctor('--help')).toMatchObject({ status: 0, stdout: expect.stringContaining('Exit code: 0 nothing needed is missing, 1 something is') as string });
});

it.each([
  ['not JSON', '{"shelves": [[1]', /configuration \S+ is not JSON\n/],
  ['wrong', '{"shelves": [[1, 2]], "ports": {"1": "1-1.1", "2": "1-1.1"}}', /configuration \S+ is wrong: ports: one USB port is mapped to two slots\n/],
])('a configuration in the data folder that is %s is missing itself, and everything else is described', (_, text, wrong) => {
  const data = mkdtempSync(join(tmpdir(), 'dockward-doctor-'));
  onTestFinished(() => rmSync(data, { recursive: true, force: true }));
  writeFileSync(join(data, 'station.json'), text);
  const { status, stdout } = doctor('--data', data);
  expect(status).toBe(1);
  expect(stdout).toMatch(wrong);
  expect(stdout).toContain('            The station refuses to start with it, and what else is said here is not judged by it.\n            → ');
  expect(stdout).toContain('\nSlots and USB\n');
});
