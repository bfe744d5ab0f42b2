import type { Page } from '@playwright/test';
import { parseRunConfig } from '../src/contract/config';
import { expect, expectAccessible, test } from './support/app';
import { serveTinyPair } from './support/tiny-pair';

const run = (steps: number, every: number): string =>
  JSON.stringify(
    parseRunConfig({
      data: { samples: 3, validation: 2, heldOut: 0 },
      latent: { steps: 2 },
      lora: { rank: 2 },
      factors: { layerRank: 1, hiddenRank: 4, anchor: { sampleRank: 3, layerRank: 1, hiddenRank: 3 } },
      optimiser: { steps, batch: 2 },
      evaluation: { every },
    }),
  );

async function start(app: Page, config: string, method = 'LoRi'): Promise<void> {
  await app.getByRole('tab', { name: 'Distil' }).click();
  const file = { name: 'tiny.json', mimeType: 'application/json', buffer: Buffer.from(config) };
  await app.locator('input[type=file]').setInputFiles(file);
  await expect(app.getByText(/tiny\.json is loaded into the form/)).toBeVisible();
  await app.getByRole('button', { name: `Start ${method}` }).click();
}

test('the method on WebGPU; the GPU is lost; the student continues on WASM', { tag: '@slow' }, async ({
  page: app,
}) => {
  await serveTinyPair(app);
  await app.goto('./#/model');
  await expect(app.getByRole('heading', { name: 'Base: tiny-base' })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('radio', { name: 'WebGPU' }).click();
  await expect(app.getByText(/swiftshader.*\(software\)/)).toBeVisible();
  await expect(app.getByRole('heading', { name: 'Base: tiny-base' })).toBeVisible({ timeout: 60_000 });

  await test.step('a short distillation', async () => {
    await start(app, run(2, 2));
    await expect(app.getByText(/^Done\./)).toBeVisible({ timeout: 240_000 });
    // A chart is drawn when it comes into view. The total, covariance, mean and answer: the anchor's weight is 0.
    await app.locator('.plot').first().scrollIntoViewIfNeeded();
    await expect(app.locator('.plot').first().locator('.scatterlayer .trace')).toHaveCount(4);
    await expect(app.getByText(/on WebGPU$/)).toBeVisible();
  });

  await test.step('the lens, on states made by the GPU', async () => {
    await app.getByRole('tab', { name: 'Low-rank' }).click();
    await app.getByRole('textbox', { name: /^Samples/ }).fill('2');
    await app.getByRole('button', { name: 'Decompose' }).click();
    await expect(app.getByText(/^2 samples of teacher/)).toBeVisible({ timeout: 60_000 });
  });

  await test.step('one thought', async () => {
    await app.getByRole('tab', { name: 'Latents' }).click();
    await app.getByRole('button', { name: /Held-out problem/ }).click();
    await app.getByRole('option', { name: /^held-out-0/ }).click();
    await app.getByRole('button', { name: 'Open question' }).click();
    await app.getByRole('button', { name: 'Next thought' }).click();
    await expect(app.getByText(/1 of 2 latent thoughts made/)).toBeVisible({ timeout: 60_000 });
  });

  await test.step('the GPU is lost while a second run is paused', async () => {
    await start(app, run(10_000, 1));
    await expect(app.getByText(/^Running\./)).toBeVisible();
    // The chart of the run before may go meanwhile.
    const chart = app.locator('.plot').first();
    await expect(() => chart.scrollIntoViewIfNeeded({ timeout: 5000 })).toPass({ timeout: 60_000 });
    await expect(app.locator('.plot').first().locator('.scatterlayer .trace')).toHaveCount(4, {
      timeout: 240_000,
    });
    await app.getByRole('button', { name: 'Pause' }).click();
    await expect(app.getByText(/^Paused\./)).toBeVisible();
    const browser = await app.context().browser()?.newBrowserCDPSession();
    // The command never returns: the process it is sent to is gone.
    void browser?.send('Browser.crashGpuProcess').catch(() => undefined);
    await expect(app.getByRole('alert').first()).toContainText('the GPU device was lost', {
      timeout: 30_000,
    });
    const alert = app.getByRole('alert').filter({ hasText: 'The run failed' });
    await expect(alert).toContainText('WASM');
    await expect(alert).toContainText('It does not resume by itself: it was paused.');
    await expectAccessible(app);
  });

  await test.step('WASM goes on with the pair and the student', async () => {
    const fetched: string[] = [];
    app.on('request', (request) => fetched.push(request.url()));
    await app.getByRole('tab', { name: 'Model' }).click();
    await expect(app.getByText('There is no usable device')).toBeVisible();
    await expectAccessible(app);
    await app.getByRole('button', { name: 'Use WASM' }).click();
    await expect(app.getByText('WASM was chosen.')).toBeVisible();
    await expect(app.getByRole('heading', { name: 'Base: tiny-base' })).toBeVisible({ timeout: 60_000 });
    await app.getByRole('tab', { name: 'Latents' }).click();
    await expect(app.getByRole('radio', { name: 'Trained' })).toBeChecked();
    await expect(app.getByText('Trained with 2.')).toBeVisible();
    await app.getByRole('button', { name: 'Open question' }).click();
    await app.getByRole('button', { name: 'Next thought' }).click();
    await expect(app.getByText(/1 of 2 latent thoughts made/)).toBeVisible({ timeout: 60_000 });
    expect(fetched.filter((url) => url.includes('/models/'))).toEqual([]);
  });
});

test('a run whose GPU is lost resumes by itself on a new device, once', { tag: '@slow' }, async ({
  page: app,
}) => {
  await serveTinyPair(app);
  await app.goto('./#/model');
  await expect(app.getByRole('heading', { name: 'Base: tiny-base' })).toBeVisible({ timeout: 60_000 });
  await app.getByRole('radio', { name: 'WebGPU' }).click();
  await expect(app.getByText(/swiftshader.*\(software\)/)).toBeVisible();
  // Without a teacher, and few shapes: each start compiles the shaders again.
  const config = parseRunConfig({
    ...{ method: 'nocot', data: { samples: 2, validation: 0, heldOut: 0 }, lora: { rank: 2 } },
    ...{ optimiser: { steps: 100_000, batch: 1 }, observation: { every: 0 }, keeping: { every: 2 } },
  });
  await start(app, JSON.stringify(config), 'No-CoT');
  const isKept = app.getByText(/^Kept at step \d+ /);
  await expect(isKept).toBeVisible({ timeout: 240_000 });

  const crash = async () => {
    const browser = await app.context().browser()?.newBrowserCDPSession();
    // The command never returns: the process it is sent to is gone.
    void browser?.send('Browser.crashGpuProcess').catch(() => undefined);
    await expect(app.getByRole('alert').filter({ hasText: 'The run failed' })).toContainText(
      'the GPU device was lost',
    );
  };
  await crash();
  await expect(
    app.getByText(/^The GPU was lost after step \d+; .* It resumes from there on a new device\.$/),
  ).toBeVisible();
  await expect(isKept).toBeVisible({ timeout: 240_000 });
  await expect(app.getByRole('alert')).toHaveCount(0);

  await crash();
  const alert = app.getByRole('alert').filter({ hasText: 'The run failed' });
  // A start of more than a minute is not taken for the cause of the second loss.
  const prevent = alert.getByRole('button', { name: 'Do not resume by itself' });
  if (await prevent.isVisible()) await prevent.click();
  await expect(alert).toContainText('It does not resume by itself:');
  await expect(alert.getByRole('button', { name: /^Resume from step \d+$/ })).toBeVisible();
  await expectAccessible(app);
});
