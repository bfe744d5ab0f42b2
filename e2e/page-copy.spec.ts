import type { AddressInfo } from 'node:net';
import { expect, type Page, test } from '@playwright/test';
import { productionHeaders } from '../scripts/tools/headers.mjs';
import { plainHost } from './support/plain-host';

const opened = (page: Page) =>
  expect(page.getByRole('heading', { name: /^Teacher: / })).toBeVisible({ timeout: 60_000 });

test('a kept page opens and computes after its host has gone, and is forgotten when it is deleted', async ({
  page,
}) => {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(error.message));
  const server = await plainHost('/page', productionHeaders);
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  try {
    await page.goto(`http://127.0.0.1:${port}/page/#/model`);
    await opened(page);
    await page.getByRole('tab', { name: 'Stored' }).click();
    const card = page.getByRole('region', { name: 'This page without its host' });
    await expect(card).toContainText('The page itself is not kept: to load it takes its host.');
    // Nothing is kept that was not asked for.
    expect(await page.evaluate(() => caches.keys())).toEqual([]);
    await card.getByRole('button', { name: /^Keep this page \(3\d\.\d MB\)$/ }).click();
    await expect(card).toContainText('This page is kept: it opens without a network', { timeout: 60_000 });
    close();

    await page.reload();
    await opened(page);
    expect(await page.evaluate(() => [crossOriginIsolated, typeof SharedArrayBuffer])).toEqual([
      true,
      'function',
    ]);
    await page.getByRole('tab', { name: 'Low-rank' }).click();
    await page.getByLabel(/^Samples/).fill('2');
    await page.getByRole('button', { name: 'Decompose' }).click();
    await expect(page.getByRole('heading', { name: 'How few directions' })).toBeVisible({ timeout: 60_000 });

    await page.getByRole('tab', { name: 'Model' }).click();
    await page.getByRole('tab', { name: 'Stored' }).click();
    await expect(card).toContainText('This page is kept');
    await card.getByRole('button', { name: /^Delete the kept page/ }).click();
    await expect(card).toContainText('This page cannot be kept: its host');
    expect(await page.evaluate(() => caches.keys())).toEqual([]);
    await expect(page.reload()).rejects.toThrow(/ERR_CONNECTION_REFUSED|ERR_FAILED/);
    expect(errors).toEqual([]);
  } finally {
    close();
  }
});
