import { expect, test } from './support/app';

const RUNTIME = /ort-wasm.*\.js$/;

test('case 15: without the runtime the page says so immediately, and a restart fetches it', async ({
  page,
  complaints,
}) => {
  complaints.allow(/404|Failed to fetch|ort-wasm/);
  await page.route(RUNTIME, (route) => route.fulfill({ status: 404, body: 'gone' }));
  await page.goto('./#/model');
  const alert = page
    .getByRole('alert')
    .filter({ hasText: 'the inference runtime could not be loaded' })
    .first();
  await expect(alert).toBeVisible({ timeout: 200_000 });
  await expect(alert).toContainText(/the host answered 404 for ort-wasm/);
  await page.unroute(RUNTIME);
  await page
    .getByRole('button', { name: /Restart/ })
    .first()
    .click();
  await expect(page.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 200_000 });
  await page.getByRole('tab', { name: 'Low-rank' }).click();
  await page.getByLabel(/^Samples/).fill('2');
  await page.getByRole('button', { name: 'Decompose' }).click();
  await expect(page.locator('.js-plotly-plot .main-svg').first()).toBeVisible({ timeout: 200_000 });
});

test('case 15: without the charts’ files the page says so, and draws them when they can be had again', {
  tag: '@slow',
}, async ({ app, complaints }) => {
  complaints.allow(/404|Failed to fetch|core-|cartesian-/);
  // The file that is asked for, and one that it imports.
  const CHARTS = /\/assets\/(core|cartesian)-.*\.js$/;
  await app.route(CHARTS, (route) => route.fulfill({ status: 404, body: 'gone' }));
  await app.goto('./#/lowrank?samples=2');
  await app.getByRole('button', { name: 'Decompose' }).click();
  const alert = app.getByRole('alert').filter({ hasText: 'reload the page' }).first();
  await expect(alert).toBeVisible({ timeout: 200_000 });
  await app.unroute(CHARTS);
  await app.getByRole('button', { name: 'Try again' }).first().click();
  await expect(app.locator('.js-plotly-plot .main-svg').first()).toBeVisible({ timeout: 200_000 });
});
