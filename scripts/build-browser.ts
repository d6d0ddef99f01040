/**
 * Bundle the browser client for pages without a bundler: `<script type="module">` and a worker that
 * import nothing from packages.
 *
 *   npm run build:browser                  dist/browser/{index.js,worker-….js,seal_allows-….wasm}
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const root = path.join(import.meta.dirname, '..');

/** Write `index.js`, its worker and SEAL's WebAssembly into a folder; `npm run build` comes first. */
export async function buildBrowser(outDir: string): Promise<void> {
  await build({
    root,
    configFile: false,
    publicDir: false,
    logLevel: 'error',
    // Relative, so that the files work under any path.
    base: './',
    worker: {
      format: 'es',
      rolldownOptions: {
        output: {
          entryFileNames: '[name]-[hash].js',
          chunkFileNames: '[name]-[hash].js',
          assetFileNames: '[name]-[hash][extname]',
        },
      },
    },
    build: {
      outDir,
      emptyOutDir: true,
      target: 'esnext',
      assetsInlineLimit: 0,
      modulePreload: false,
      rolldownOptions: {
        input: path.join(root, 'dist/client/browser/index.js'),
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: 'index.js', assetFileNames: '[name]-[hash][extname]' },
      },
    },
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildBrowser(path.join(root, 'dist/browser'));
}
