import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

/** The whole product in real processes: one file at a time, and patience for a busy machine. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/e2e/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 240_000,
    hookTimeout: 300_000,
    restoreMocks: true,
  },
});
