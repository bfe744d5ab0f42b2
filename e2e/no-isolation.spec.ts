import type { AddressInfo } from 'node:net';
import { expect, test } from '@playwright/test';
import { productionHeaders } from '../scripts/tools/headers.mjs';
import { plainHost } from './support/plain-host';

test('without cross-origin isolation: no SharedArrayBuffer, one thread, and the page says what to do', async ({
  page,
}) => {
  const server = await plainHost();
  try {
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/#/model`);
    await expect(page.getByRole('heading', { name: /^Teacher: / })).toBeVisible({ timeout: 60_000 });
    expect(await page.evaluate(() => typeof SharedArrayBuffer)).toBe('undefined');
    await expect(
      page.getByText(/no SharedArrayBuffer and WASM runs on one thread\. Serve it with/),
    ).toBeVisible();
    await page.getByRole('tab', { name: 'Low-rank' }).click();
    await page.getByLabel(/^Samples/).fill('2');
    await page.getByRole('button', { name: 'Decompose' }).click();
    await expect(page.getByRole('heading', { name: 'How few directions' })).toBeVisible({ timeout: 60_000 });
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('case 13: over plain http on a network the page works, and says what a browser withholds there', {
  tag: '@slow',
}, async ({ page }) => {
  const server = await plainHost();
  try {
    await page.goto(`http://plain.test:${(server.address() as AddressInfo).port}/#/model`);
    expect(
      await page.evaluate(() => [isSecureContext, typeof crypto.randomUUID, 'gpu' in navigator]),
    ).toEqual([false, 'undefined', false]);
    await expect(page.getByRole('heading', { name: /^Teacher: / })).toBeVisible({ timeout: 60_000 });
    await expect(page.getByText(/opened over plain http from another machine/)).toBeVisible();
    await page.getByRole('tab', { name: 'Distil' }).click();
    for (const [group, name, value] of [
      ['Data and seed', /^Training samples/, '8'],
      ['Data and seed', /^Validation problems/, '0'],
      ['Data and seed', /^Held-out problems/, '4'],
      ['Optimiser (AdamW)', /^Steps/, '2'],
    ] as const) {
      const trigger = page.getByRole('button', { name: group });
      if ((await trigger.getAttribute('aria-expanded')) === 'false') await trigger.click();
      await page.getByRole('textbox', { name }).fill(value);
    }
    await page.getByRole('button', { name: 'Start LoRi' }).click();
    await expect(page.getByText(/of 4 held-out problems right/)).toBeVisible({ timeout: 120_000 });
    // The run is kept: IndexedDB is there without https.
    await page.reload();
    await expect(page.getByRole('heading', { name: 'Kept runs' })).toBeVisible();
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test('an address without its last slash is given it, under the policy, and keeps what it asks for', {
  tag: '@slow',
}, async ({ page }) => {
  const server = await plainHost('/lori', productionHeaders);
  const blocked: string[] = [];
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) blocked.push(message.text());
  });
  try {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await page.goto(`${origin}/lori?from=here#/model`);
    await expect(page.getByRole('heading', { name: /^Teacher: / })).toBeVisible({ timeout: 60_000 });
    expect(page.url()).toBe(`${origin}/lori/?from=here#/model`);
    expect(blocked).toEqual([]);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
