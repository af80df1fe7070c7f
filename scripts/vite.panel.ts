import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The virtual cart's panel → dist/panel, served by the simulator. */
export default defineConfig({
  root: here('../app/simulator/panel'),
  base: '/',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: here('../dist/panel'),
    emptyOutDir: true,
    target: 'chrome120',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
