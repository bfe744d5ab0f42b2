/**
 * The same measurements in the page: `npm run bench:checkpoints:page -- <folder of a checkpoint> [wasm|webgpu] [tokens]`.
 * The engine runs in its worker, as in the app; memory and processor time are those of the browser's processes.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { chromiumArgs, findChromium } from '../../tools/find-chromium.mjs';
import { processesOf, watchPeaks } from '../browser-processes.mjs';

const [folder, provider = 'wasm', tokens = '24'] = process.argv.slice(2);
if (!folder)
  throw new Error('usage: npm run bench:checkpoints:page -- <folder of a checkpoint> [wasm|webgpu] [tokens]');

const root = resolve(import.meta.dirname, '../../..');
const temporary = mkdtempSync(join(tmpdir(), 'bench-checkpoints-'));
const outDir = join(temporary, 'dist');
const profile = join(temporary, 'profile');
const place = 'scripts/bench/checkpoints/page/index.html';
const common = { root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' };

await build({
  ...common,
  build: { outDir, emptyOutDir: true, rolldownOptions: { input: join(root, place) } },
});
const server = await preview({ ...common, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
const context = await chromium.launchPersistentContext(profile, {
  executablePath: findChromium(),
  args: chromiumArgs,
});
const { peak, end } = watchPeaks(profile);

try {
  const page = await context.newPage();
  page.setDefaultTimeout(600_000);
  page.on('pageerror', (error) => console.error(error.message));
  await page.goto(`${server.resolvedUrls?.local[0]}${place}`);
  await page.waitForFunction(() => 'bench' in globalThis);
  const call = async (name, ...args) => {
    const before = processesOf(profile).renderer.cpu;
    const value = await page.evaluate(([fn, rest]) => globalThis.bench[fn](...rest), [name, args]);
    const cpu = processesOf(profile).renderer.cpu - before;
    console.log(
      `${[name, ...args].join(' ')}: ${JSON.stringify(value)}, CPU ${cpu.toFixed(1)} s, peak of the renderer ${peak.renderer.toFixed(0)} MB, of the GPU process ${peak.gpu.toFixed(0)} MB`,
    );
  };
  await call('device', provider);
  await page.locator('input').setInputFiles(readdirSync(folder).map((name) => join(folder, name)));
  await call('open');
  await call('lens', 'Tom');
  await call('lens', 'Ann');
  await call('generate', Number(tokens));
  await call('generate', Number(tokens));
} finally {
  end();
  await context.close();
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
