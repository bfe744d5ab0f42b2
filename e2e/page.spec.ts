import { productionHeaders } from '../scripts/tools/headers.mjs';
import { expect, expectAccessible, test, violationsOf } from './support/app';

test('the page opens under the production headers and is accessible', async ({ app }) => {
  await expect(app.getByRole('heading', { level: 1, name: 'LoRi Playground' })).toBeVisible();
  const response = await app.request.get('./');
  for (const [name, value] of Object.entries(productionHeaders)) {
    expect(response.headers()[name.toLowerCase()], name).toBe(value);
  }
  expect(await app.evaluate(() => globalThis.crossOriginIsolated)).toBe(true);
  await expectAccessible(app);
});

test('a first visit shows the guided run, the next one does not; a link opens what it names', async ({
  page,
}) => {
  await page.goto('./');
  await expect(page.getByRole('button', { name: 'Run LoRi on 128 samples' })).toBeVisible();
  await expect(page.getByRole('tab', { name: 'Tour', selected: true })).toBeVisible();
  await expectAccessible(page);
  await page.goto('./#/distil?preset=ce-128');
  await page.reload();
  await expect(page.getByRole('button', { name: 'Start CE only' })).toBeVisible();
  await page.goto('about:blank');
  await page.goto('./');
  await expect(page.getByRole('tab', { name: 'Model', selected: true })).toBeVisible();
  await page.getByRole('tab', { name: 'Tour' }).click();
  await expect(page.getByRole('button', { name: 'Run LoRi on 128 samples' })).toBeVisible();
});

test('the status bar shows model, device, memory and that no task is running', async ({ app }) => {
  const bar = app.getByRole('banner');
  await expect(bar).toContainText('bundled pair', { timeout: 60_000 });
  await expect(bar).toContainText(/WASM, \d+ threads?/);
  await expect(bar).toContainText(/Memory\s*(measuring|not reported|[\d.]+ [kMG]B)/);
  await expect(bar).toContainText('No task running');
});

test('a missing file is 404 and not the page', async ({ app }) => {
  expect((await app.request.get('./models/absent.json')).status()).toBe(404);
});

test('complaints of the page are noticed', async ({ app, complaints }) => {
  complaints.allow(/planted/);
  await app.evaluate(() => {
    console.error('planted');
    document.createElement('img').src = 'https://planted.invalid/x.png';
    setTimeout(() => {
      throw new Error('planted');
    });
  });
  for (const kind of [
    /^console error: planted/,
    /^page error: .*planted/,
    /^console error: .*Content Security Policy/,
  ]) {
    await expect.poll(() => complaints.seen.filter((line) => kind.test(line)).length).toBe(1);
  }
  expect(await violationsOf(app)).toEqual([
    expect.stringContaining('img-src blocked https://planted.invalid/x.png'),
  ]);
});
