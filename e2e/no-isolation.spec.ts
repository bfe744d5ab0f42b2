import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { expect, test } from '@playwright/test';

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.mjs': 'text/javascript',
  '.css': 'text/css',
  '.json': 'application/json',
  '.wasm': 'application/wasm',
};

/** The built page, served by a host that sets no headers at all. */
async function plainHost(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://host').pathname;
    const file = path === '/' ? '/index.html' : path;
    readFile(join('dist', file)).then(
      (bytes) => {
        response.writeHead(200, { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream' });
        response.end(bytes);
      },
      () => {
        response.writeHead(404);
        response.end();
      },
    );
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

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
