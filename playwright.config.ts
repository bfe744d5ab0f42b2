import { defineConfig } from '@playwright/test';
import { chromiumArgs, findChromium } from './scripts/tools/find-chromium.mjs';

const port = Number(process.env.LORI_E2E_PORT ?? 4319);

export default defineConfig({
  testDir: 'e2e',
  testMatch: '**/*.spec.ts',
  // No test measures time, and a page leaves half of two cores idle.
  workers: 2,
  // One more try, so that a machine that stalls fails nothing; a test that needs it is listed as flaky, with its error.
  retries: 1,
  // Generous: a wait that ends well costs nothing, and machines differ by a factor of ten.
  timeout: 600_000,
  expect: { timeout: 30_000 },
  reporter: [['list'], ['./scripts/tools/e2e-failures.mjs']],
  use: {
    actionTimeout: 90_000,
    // Contrast is not measured half-way between two colours.
    contextOptions: { reducedMotion: 'reduce' },
    baseURL: `http://127.0.0.1:${port}/`,
    // Actions, requests and the console of a test that failed, and what it showed then. Pictures of the page after every
    // action would cost as much time as everything else: `npm run test:e2e -- --trace retain-on-failure` for those.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: false },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: findChromium(),
      // A name that is not this machine’s own, for pages over plain http: browsers trust 127.0.0.1 without https.
      args: [...chromiumArgs, '--host-resolver-rules=MAP plain.test 127.0.0.1'],
    },
  },
  webServer: {
    // Started from node_modules/.bin itself: a wrapper would survive the signal that ends the server.
    command: `node_modules/.bin/vite preview --strictPort --host 127.0.0.1 --port ${port}`,
    url: `http://127.0.0.1:${port}/`,
    reuseExistingServer: false,
    stdout: 'ignore',
  },
});
