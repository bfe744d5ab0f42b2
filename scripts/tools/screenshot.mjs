/**
 * The README's pictures, taken from the app: the whole first run on the bundled pair, then the places Distil and Latents, and
 * the causal test of the Low-rank place.
 * `npm start`, then `node scripts/tools/screenshot.mjs http://localhost:4173 docs/screenshot.png`.
 */
import { chromium } from 'playwright';
import { chromiumArgs, findChromium } from './find-chromium.mjs';

const [address, file = 'docs/screenshot.png'] = process.argv.slice(2);
if (!address)
  throw new Error('usage: node scripts/tools/screenshot.mjs <address of the running app> [file.png]');

const browser = await chromium.launch({ executablePath: findChromium(), args: chromiumArgs });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1000 }, colorScheme: 'light' });
  /** The whole place in one window: charts below its edge are not drawn. */
  const whole = async (path) => {
    const height = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width: 1280, height });
    await page.waitForTimeout(3000);
    await page.screenshot({ path });
    await page.setViewportSize({ width: 1280, height: 1000 });
  };
  await page.goto(address);
  await page.getByRole('button', { name: 'Run LoRi on 128 samples' }).click();
  await page.getByRole('button', { name: 'Run it again' }).waitFor({ timeout: 600_000 });
  for (const [name, path] of [
    ['Distil', file],
    ['Latents', file.replace(/\.png$/, '-latents.png')],
  ]) {
    await page.getByRole('tab', { name }).click();
    await whole(path);
  }
  await page.getByRole('tab', { name: 'Low-rank' }).click();
  await page.getByRole('tab', { name: 'Causal test' }).click();
  await page.getByRole('button', { name: 'Run the causal test' }).click();
  await page.getByRole('slider').waitFor({ timeout: 300_000 });
  await page
    .getByRole('button', { name: 'Cancel the causal test' })
    .waitFor({ state: 'detached', timeout: 300_000 });
  await whole(file.replace(/\.png$/, '-causal.png'));
} finally {
  await browser.close();
}
