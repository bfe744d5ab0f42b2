/**
 * The same measurements in the page: `npm run bench:checkpoints:page -- <folder of a checkpoint> [wasm|webgpu] [tokens]`.
 * The engine runs in its worker, as in the app; memory and processor time are those of the browser's processes.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { chromiumArgs, findChromium } from '../../tools/find-chromium.mjs';

const [folder, provider = 'wasm', tokens = '24'] = process.argv.slice(2);
if (!folder)
  throw new Error('usage: npm run bench:checkpoints:page -- <folder of a checkpoint> [wasm|webgpu] [tokens]');

const root = resolve(import.meta.dirname, '../../..');
const temporary = mkdtempSync(join(tmpdir(), 'bench-checkpoints-'));
const outDir = join(temporary, 'dist');
const profile = join(temporary, 'profile');
const place = 'scripts/bench/checkpoints/page/index.html';
const common = { root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' };

/** Processes of this browser, found by its profile's folder: resident megabytes and seconds of processor time. */
function processes() {
  const found = { renderer: { mb: 0, cpu: 0 }, gpu: { mb: 0, cpu: 0 } };
  const parents = new Map();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const line = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
      const status = readFileSync(`/proc/${pid}/status`, 'utf8');
      parents.set(pid, { line, status, parent: /PPid:\s+(\d+)/.exec(status)?.[1] });
    } catch {
      // It has ended in the meantime.
    }
  }
  const ours = (pid) => {
    for (let at = parents.get(pid); at; at = parents.get(at.parent))
      if (at.line.includes(profile)) return true;
    return false;
  };
  for (const [pid, { line, status }] of parents) {
    const kind = line.includes('--type=renderer') ? 'renderer' : line.includes('--type=gpu') ? 'gpu' : null;
    if (!kind || !ours(pid)) continue;
    const mb = (Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024) / 1e6;
    if (mb < found[kind].mb) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
      found[kind] = { mb, cpu: (Number(stat[11]) + Number(stat[12])) / 100 };
    } catch {
      // It has ended in the meantime.
    }
  }
  return found;
}

await build({
  ...common,
  build: { outDir, emptyOutDir: true, rolldownOptions: { input: join(root, place) } },
});
const server = await preview({ ...common, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
const context = await chromium.launchPersistentContext(profile, {
  executablePath: findChromium(),
  args: chromiumArgs,
});
const peak = { renderer: 0, gpu: 0 };
const watch = setInterval(() => {
  const { renderer, gpu } = processes();
  peak.renderer = Math.max(peak.renderer, renderer.mb);
  peak.gpu = Math.max(peak.gpu, gpu.mb);
}, 200);

try {
  const page = await context.newPage();
  page.setDefaultTimeout(600_000);
  page.on('pageerror', (error) => console.error(error.message));
  await page.goto(`${server.resolvedUrls?.local[0]}${place}`);
  await page.waitForFunction(() => 'bench' in globalThis);
  const call = async (name, ...args) => {
    const before = processes().renderer.cpu;
    const value = await page.evaluate(([fn, rest]) => globalThis.bench[fn](...rest), [name, args]);
    const cpu = processes().renderer.cpu - before;
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
  clearInterval(watch);
  await context.close();
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
