import { readFile } from 'node:fs/promises';
import { expect, expectAccessible, test } from './support/app';

test('checks every kernel, on the CPU and on the GPU, and lets the figures be downloaded', {
  tag: '@slow',
}, async ({ app }) => {
  const check = app.getByRole('button', { name: /^Check (this device|again)$/ });
  const table = app.getByRole('table', { name: /Largest errors over the stored cases/ });
  await expect(app.getByRole('heading', { name: /^Base:/ })).toBeVisible({ timeout: 60_000 });

  await test.step('on the CPU, where the only adapter is a software one', async () => {
    await check.click();
    await expect(
      app.getByText(/All \d+ kernels reproduce the stored float64 results on the CPU/),
    ).toBeVisible({
      timeout: 60_000,
    });
    await expect(table.getByRole('row')).not.toHaveCount(1);
    await expect(table.getByText('✕')).toHaveCount(0);
    await expectAccessible(app);
    const [file] = await Promise.all([
      app.waitForEvent('download'),
      app.getByRole('button', { name: 'The check: save as CSV' }).click(),
    ]);
    const lines = (await readFile(await file.path(), 'utf8')).trim().split('\n');
    expect(lines[0]).toMatch(/^kernel,error of,largest error,tolerance,passed,runs on/);
    expect(lines).toHaveLength(await table.getByRole('row').count());
  });

  await test.step('on the GPU, when it is chosen', async () => {
    await app.getByRole('radio', { name: 'WebGPU' }).click();
    await expect(app.getByText(/on the device that was open before/)).toBeVisible({ timeout: 60_000 });
    await check.click();
    await expect(
      app.getByText(/All \d+ kernels reproduce the stored float64 results, \d+ on the GPU/),
    ).toBeVisible({
      timeout: 90_000,
    });
    for (const kernel of ['Tucker projection', 'Moment loss', 'Anchor loss', 'AdamW'])
      await expect(
        table.getByRole('row', { name: new RegExp(`${kernel}.*✓ passed.*GPU`) }).first(),
      ).toBeVisible();
    await expect(
      table.getByRole('row', { name: /svd \(WGSL, Lanczos\).*✓ passed.*GPU/ }).first(),
    ).toBeVisible();
  });
});
