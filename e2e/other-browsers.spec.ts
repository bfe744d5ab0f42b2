import type { Page } from '@playwright/test';
import { expect, test } from './support/app';

/** Runs `change` before the engine's own script: page scripts do not reach the worker that it lives in. */
async function withEngine(page: Page, change: () => void): Promise<void> {
  await page.route(/\/assets\/host-[^/]*\.js$/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `(${change})();\n${await response.text()}` });
  });
}

/** [what, how a browser comes to do it, what the page then says] */
const BROWSERS: readonly (readonly [string, () => void, RegExp])[] = [
  [
    'has no adapter.info, as Chrome before 127',
    () => {
      Object.defineProperty(GPUAdapter.prototype, 'info', { get: () => undefined });
      Object.defineProperty(GPUAdapter.prototype, 'isFallbackAdapter', { get: () => true });
    },
    /^The only GPU adapter is a software one, which is slower than WASM\.$/,
  ],
  [
    'never answers for an adapter',
    () => {
      GPU.prototype.requestAdapter = () => new Promise(() => undefined);
    },
    /did not answer the request for a graphics adapter within \d+ seconds/,
  ],
  [
    'throws instead of an adapter',
    () => {
      GPU.prototype.requestAdapter = async () => {
        throw new DOMException('Failed to create WebGPU context provider', 'OperationError');
      };
    },
    /Failed to create WebGPU context provider/,
  ],
  [
    'refuses raised limits',
    () => {
      const request = GPUAdapter.prototype.requestDevice;
      GPUAdapter.prototype.requestDevice = function (descriptor) {
        return Object.keys(descriptor?.requiredLimits ?? {}).length > 0
          ? Promise.reject(new DOMException('A limit is not supported', 'OperationError'))
          : request.call(this, descriptor);
      };
    },
    /A limit is not supported/,
  ],
];

for (const [what, change, why] of BROWSERS)
  test(`case 30: a browser that ${what}: WASM is used, and the page says why`, async ({ page }) => {
    await withEngine(page, change);
    await page.goto('./#/model');
    await expect(page.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 120_000 });
    const said = page.locator('dt', { hasText: 'Why not WebGPU' }).locator('xpath=following-sibling::dd[1]');
    await expect(said).toHaveText(why);
    await expect(said).not.toHaveText(/undefined|destructure|is not a function|\(\)/);
  });

test('case 30: a GPU without adapter.info that is not known for a software one is used', async ({ page }) => {
  await withEngine(page, () => {
    Object.defineProperty(GPUAdapter.prototype, 'info', { get: () => undefined });
  });
  await page.goto('./#/model');
  await expect(page.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 120_000 });
  await expect(
    page.locator('dt', { hasText: 'Provider' }).locator('xpath=following-sibling::dd[1]'),
  ).toHaveText('WebGPU');
});
