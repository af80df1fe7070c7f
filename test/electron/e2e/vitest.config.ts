import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** Runs where Electron's binary is present; elsewhere every test is counted as skipped, with the reason. */
export default defineConfig({
  root: fileURLToPath(new URL('../../..', import.meta.url)),
  test: { include: ['test/electron/e2e/**/*.e2e.ts'], pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 },
});
