import react from '@vitejs/plugin-react';
import { defaultClientConditions, defineConfig } from 'vite';
import { modelsFolder } from './scripts/tools/folders.mjs';
import { isolationHeaders, productionHeaders } from './scripts/tools/headers.mjs';
import { pageFilesList } from './scripts/tools/page-files.mjs';

/** Hosts that do not know .mjs send it as octet-stream, which browsers refuse to run: ONNX Runtime's goes out as .js. */
const assetFileNames = ({ names }: { readonly names: readonly string[] }) =>
  names.some((name) => name.endsWith('.mjs')) ? 'assets/[name]-[hash].js' : 'assets/[name]-[hash][extname]';

export default defineConfig({
  base: './',
  // Not a single-page application: a missing file answers 404, never the page with status 200.
  appType: 'mpa',
  plugins: [react(), modelsFolder(), pageFilesList()],
  define: { global: 'globalThis' }, // plotly.js
  resolve: {
    // The build of onnxruntime-web whose WASM files are loaded from URLs we pass:
    // the bundled variant hangs in a production build under cross-origin isolation.
    conditions: ['onnxruntime-web-use-extern-wasm', ...defaultClientConditions],
    alias: [{ find: /^onnxruntime-web$/, replacement: 'onnxruntime-web/webgpu' }],
    dedupe: ['onnxruntime-web', 'onnxruntime-common', 'react', 'react-dom'],
  },
  // Served as it is: rewriting it would break the URLs of its own assets.
  optimizeDeps: { exclude: ['onnxruntime-web'] },
  worker: { format: 'es', rolldownOptions: { output: { assetFileNames } } },
  // Nothing inlined: the production policy takes no data: fonts.
  build: {
    target: 'es2023',
    chunkSizeWarningLimit: 2000,
    assetsInlineLimit: 0,
    rolldownOptions: { output: { assetFileNames } },
    // A file loaded late brings its stylesheets along, but no scripts that it imports: browsers remember those that they could
    // not preload, and then no other attempt helps (app/ui/late-module.ts).
    modulePreload: {
      resolveDependencies: (_file, imported, { hostType }) =>
        hostType === 'js' ? imported.filter((file) => file.endsWith('.css')) : imported,
    },
  },
  server: { headers: isolationHeaders },
  preview: { headers: productionHeaders },
});
