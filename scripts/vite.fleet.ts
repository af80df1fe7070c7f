import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The server's web page → dist/fleet. Every script, style and font is a file of its own, so the page needs no inline in its security policy. */
export default defineConfig({
  root: here('../app/fleet'),
  base: '/',
  publicDir: false,
  plugins: [react()],
  build: {
    outDir: here('../dist/fleet'),
    emptyOutDir: true,
    target: 'chrome120',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
});
