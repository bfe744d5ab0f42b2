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

test('a missing file is 404 and not the page', async ({ app }) => {
  expect((await app.request.get('./models/absent.json')).status()).toBe(404);
});

test('complaints of the page are seen', async ({ app, complaints }) => {
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
