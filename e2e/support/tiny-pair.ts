import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import { runnerImport } from 'vite';

type TinyPair = typeof import('../../src/engine/testing/tiny-pair.testing');

/** A pair with random weights: the shaders of a useful model would take a software adapter minutes. */
export async function serveTinyPair(app: Page): Promise<void> {
  const { module } = await runnerImport<TinyPair>(
    fileURLToPath(new URL('../../src/engine/testing/tiny-pair.testing.ts', import.meta.url)),
    { configFile: false, logLevel: 'error' },
  );
  const files = await module.tinyPair(module.SMALLEST);
  await app.route('**/models/**', (route) => {
    const path = new URL(route.request().url()).pathname.replace(/^.*\/models\//, '');
    const bytes = files.get(path);
    return bytes ? route.fulfill({ body: Buffer.from(bytes) }) : route.fulfill({ status: 404 });
  });
}
