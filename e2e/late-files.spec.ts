import { expect, test } from './support/app';

test.setTimeout(120_000);

const RUNTIME = /ort-wasm.*\.js$/;

test('without the runtime the page says so immediately, and a restart fetches it', async ({
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
  await expect(alert).toBeVisible({ timeout: 60_000 });
  await expect(alert).toContainText(/the host answered 404 for ort-wasm/);
  await page.unroute(RUNTIME);
  await page
    .getByRole('button', { name: /Restart/ })
    .first()
    .click();
  await expect(page.getByRole('heading', { name: /^Base: / })).toBeVisible({ timeout: 60_000 });
});
