import type { Server } from 'node:http';
import { resolve } from 'node:path';
import { chromium } from 'playwright';
import { preview } from 'vite';
import { chromiumArgs, findChromium } from '../../tools/find-chromium.mjs';
import { productionHeaders } from '../../tools/headers.mjs';
import type { Times } from './timed';

/** Milliseconds that the page may take to appear, and that a run may take. */
const PATIENCE = 60_000;
const LIMIT = 240_000;

/**
 * Times the guided run of a build: from the press of the one button to the first training step that is shown, and to the end. The
 * browser's profile is fresh, so that nothing is cached.
 */
export async function timeFirstRun(build: string): Promise<Times> {
  const server = await preview({
    configFile: false,
    root: resolve(build, '..'),
    build: { outDir: resolve(build) },
    logLevel: 'warn',
    preview: { host: '127.0.0.1', port: 0, headers: productionHeaders },
  });
  try {
    return await firstRun(server.resolvedUrls?.local[0] ?? '');
  } finally {
    // Otherwise a connection that a browser has left open holds the end up.
    (server.httpServer as Server).closeAllConnections();
    await server.close();
  }
}

async function firstRun(url: string): Promise<Times> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArgs });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 1000 } });
    await page.goto(url, { timeout: PATIENCE });
    const button = page.getByRole('button', { name: 'Run LoRi on 128 samples' });
    await button.waitFor({ timeout: PATIENCE });
    const times = page.evaluate(
      () =>
        new Promise<{ step: number | null; end: number }>((resolve) => {
          let from = 0;
          let step: number | null = null;
          const isTraining = () => /[1-9]\d* of \d+ steps/.test(document.body.textContent ?? '');
          const isDone = () =>
            [...document.querySelectorAll('button')].some((one) => one.textContent === 'Run it again');
          // While it is captured: the page's buttons let no click through.
          addEventListener(
            'click',
            () => {
              from ||= performance.now();
            },
            true,
          );
          const timer = setInterval(() => {
            if (from === 0) return;
            const now = (performance.now() - from) / 1000;
            if (step === null && isTraining()) step = now;
            if (!isDone()) return;
            clearInterval(timer);
            resolve({ step, end: now });
          }, 50);
        }),
    );
    await button.click();
    const told = await Promise.race([times, page.waitForTimeout(LIMIT)]);
    if (!told)
      throw new Error(`no end after ${LIMIT / 1000} s; the page says: ${await page.textContent('#root')}`);
    return { 'to the first step': told.step ?? Number.NaN, 'to the end': told.end };
  } finally {
    await browser.close();
  }
}
