import { expect, expectAccessible, test } from './support/app';
import { serveTinyPair } from './support/tiny-pair';

// Chromium switches WebGPU off after a few crashes of its GPU process, and other tests crash it too.
test.use({ browserOfItsOwn: true });

test('the GPU is lost while the lens computes: the previous report stays, and WASM continues', {
  tag: '@slow',
}, async ({ page: app }) => {
  await serveTinyPair(app);
  await app.goto('./#/lowrank?samples=2');
  const decompose = app.getByRole('button', { name: 'Decompose', exact: true });
  await decompose.click();
  await expect(app.getByText(/^2 samples of teacher/)).toBeVisible({ timeout: 60_000 });
  await app.getByRole('tab', { name: 'Model' }).click();
  await app.getByRole('radio', { name: 'WebGPU' }).click();
  await expect(app.getByText(/swiftshader.*\(software\)/)).toBeVisible();
  await app.getByRole('tab', { name: 'Low-rank' }).click();
  const samples = app.getByRole('textbox', { name: /^Samples/ });
  await samples.fill('128');
  await decompose.click();
  await expect(app.getByRole('button', { name: 'Cancel decomposition' })).toBeVisible();
  const browser = await app.context().browser()?.newBrowserCDPSession();
  void browser?.send('Browser.crashGpuProcess').catch(() => undefined);
  await expect(app.getByRole('alert').first()).toContainText('the GPU device was lost', { timeout: 60_000 });
  await expect(app.getByText(/^2 samples of teacher/)).toBeVisible();
  await expect(samples).toHaveValue('128');
  await expectAccessible(app);
  await app.getByRole('tab', { name: 'Model' }).click();
  await app.getByRole('button', { name: 'Use WASM' }).click();
  await expect(app.getByText('WASM was chosen.')).toBeVisible();
  await app.getByRole('tab', { name: 'Low-rank' }).click();
  await samples.fill('3');
  await decompose.click();
  await expect(app.getByText(/^3 samples of teacher/)).toBeVisible({ timeout: 60_000 });
});
