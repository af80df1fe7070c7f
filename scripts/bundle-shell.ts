import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Bundles the shell and the preload, each into one CommonJS file (a sandboxed preload can be nothing else). `out` defaults to dist/. */
export async function bundleShell(out = join(ROOT, 'dist')): Promise<{ readonly main: string; readonly preload: string }> {
  const main = join(out, 'shell', 'main.cjs');
  const preload = join(out, 'preload', 'preload.cjs');
  await bundle(join(ROOT, 'app/shell/main.ts'), main);
  await bundle(join(ROOT, 'app/preload/preload.ts'), preload);
  return { main, preload };
}

async function bundle(input: string, file: string): Promise<void> {
  const build = await rolldown({ input, platform: 'node', external: ['electron'], cwd: ROOT });
  try {
    await build.write({ file, format: 'cjs', codeSplitting: false });
  } finally {
    await build.close();
  }
}

if (import.meta.main) {
  const { main, preload } = await bundleShell();
  process.stdout.write(`${main}\n${preload}\n`);
}
