import { defineConfig } from 'vite';

export default defineConfig({
  // Vite copies packages into one file before it serves them, where their workers and WebAssembly
  // are no longer beside them.
  optimizeDeps: { exclude: ['cipherloom', 'node-seal', '@jsquash/jpeg', '@jsquash/png'] },
  build: {
    target: 'esnext',
    // Relative, so that the page works under any path.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  base: './',
  worker: { format: 'es' },
  server: { fs: { allow: ['../..'] } },
});
