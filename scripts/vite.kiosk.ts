import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The kiosk page: only files of its own, nothing inline, so `default-src 'none'` with `'self'` holds. */
export default defineConfig({
  root: here('../app/renderer'),
  base: './',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: here('../dist/kiosk'),
    emptyOutDir: true,
    target: 'chrome140',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
});
