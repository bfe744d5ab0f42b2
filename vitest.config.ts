import './scripts/tools/node20.mjs';
import { availableParallelism } from 'node:os';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig, mergeConfig } from 'vitest/config';
import { browserCpu } from './scripts/tools/browser-cpu.mjs';
import { chromiumArgs, findChromium } from './scripts/tools/find-chromium.mjs';
import { sharedFiles } from './scripts/tools/folders.mjs';
import vite from './vite.config.ts';

const browserTests = ['src/**/*.browser.test.{ts,tsx}', 'scripts/**/*.browser.test.ts'];

/** What fills the heap of ONNX Runtime, which its process then keeps. */
const aloneTests = ['src/**/*.alone.test.ts'];

const inChromium = (name: string, include: string[], testTimeout: number) =>
  mergeConfig(vite, {
    plugins: [sharedFiles()],
    // Found only at run time otherwise, and the reload that follows fails the test that asked for it.
    optimizeDeps: {
      include: [
        'react',
        'react-dom/client',
        'react/jsx-dev-runtime',
        'zustand',
        'zustand/vanilla',
        'zod',
        'idb',
        'katex',
        'react-aria-components',
        'plotly.js/lib/core',
        'plotly.js/lib/heatmap',
        'plotly.js/lib/scatter3d',
        'plotly.js/src/traces/scattergl/strict',
      ],
    },
    test: {
      name,
      include,
      testTimeout,
      hookTimeout: testTimeout,
      setupFiles: 'scripts/tools/patient-waits.mjs',
      // Charts are drawn at most once a second, and a loaded machine takes its time: the default second is too short.
      expect: { poll: { timeout: 15_000 } },
      fileParallelism: false,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({ launchOptions: { executablePath: findChromium(), args: chromiumArgs } }),
        instances: [{ browser: 'chromium' }],
        commands: { browserCpu },
      },
    },
  });

export default defineConfig({
  test: {
    reporters: ['default', './scripts/tools/unit-failures.mjs'],
    projects: [
      {
        extends: './vite.config.ts',
        // Node takes onnxruntime-web's own build for Node.
        resolve: { alias: [] },
        test: {
          name: 'node',
          environment: 'node',
          include: ['src/**/*.test.{ts,tsx}', 'scripts/**/*.test.ts'],
          exclude: [...browserTests, ...aloneTests],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: { poll: { timeout: 15_000 } },
          setupFiles: ['scripts/tools/one-thread.mjs', 'scripts/tools/patient-waits.mjs'],
          // Files share a process a core: each would otherwise start ONNX Runtime anew, and run it while it is still being
          // compiled. What a file changes of its process it therefore changes back.
          isolate: false,
          maxWorkers: availableParallelism(),
        },
      },
      {
        extends: './vite.config.ts',
        resolve: { alias: [] },
        test: {
          name: 'alone',
          environment: 'node',
          include: aloneTests,
          testTimeout: 120_000,
          setupFiles: ['scripts/tools/one-thread.mjs'],
        },
      },
      inChromium('browser', browserTests, 180_000),
      // Measurements in Chromium, run by name only: `npm run bench:…`; they print tables.
      mergeConfig(inChromium('bench', ['src/**/*.bench.{ts,tsx}', 'scripts/bench/**/*.bench.ts'], 900_000), {
        optimizeDeps: { include: ['@jax-js/jax', 'ml-matrix'] },
      }),
    ],
  },
});
