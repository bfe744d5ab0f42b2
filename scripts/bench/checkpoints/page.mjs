/**
 * The same measurements in the page:
 *
 *     npm run bench:checkpoints:page -- <folder of a checkpoint> [--provider wasm|webgpu] [--storage f32|half|int8|int4]
 *       [--what lens,again,text,text] [--texts 4] [--span 64] [--tokens 24] [--method lori] [--latents 1] [--limit 400]
 *
 * The engine runs in its worker, as in the app; memory and processor time are those of the browser's processes. `--what` says what
 * is done, in order: `lens` and `again` are the lens on other texts of the same length; `states` all hidden states of one text, on the
 * provider and compared with those before; `wasm` and `webgpu` change the provider; `text` is a greedy text of `--tokens`
 * tokens; `figure6` the lens with every control on the rationales of `--texts` GSM8K rows, the first `--span` tokens of each; `step`
 * one training step of `--method` on rows of a few tokens. Every call must end within `--limit` seconds.
 *
 * Of every call it says the peak of the JavaScript heaps of page and worker (a checkpoint of 1 GB may take 300 MB), and how many times
 * the estimate that the page shows the measured peak is (at most 1.15). Measured is the renderer's resident memory, and on WebGPU the
 * buffers of the GPU besides.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { chromiumArgs, findChromium } from '../../tools/find-chromium.mjs';
import { processesOf, watchPeaks } from '../browser-processes.mjs';
import { filesOf } from '../distil/in-page.mjs';
import { within } from '../within.mjs';
import { heapWords, watchHeaps } from './heaps.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    provider: { type: 'string', default: 'wasm' },
    storage: { type: 'string' },
    what: { type: 'string', default: 'lens,again,text,text' },
    texts: { type: 'string', default: '4' },
    span: { type: 'string', default: '64' },
    tokens: { type: 'string', default: '24' },
    method: { type: 'string', default: 'lori' },
    latents: { type: 'string', default: '1' },
    limit: { type: 'string', default: '400' },
  },
});
const [folder] = positionals;
if (!folder)
  throw new Error('usage: npm run bench:checkpoints:page -- <folder of a checkpoint> [--provider webgpu] …');
const [texts, span, tokens, latents, limit] = [
  values.texts,
  values.span,
  values.tokens,
  values.latents,
  values.limit,
].map(Number);

/** The measured peak in MB, and how many times the estimate it is. @param estimate in bytes */
function ratioWords(measured, { total, kept }) {
  const [least, most] = [total / 1e6, (total + kept) / 1e6];
  const times = (mb) => `${(measured / mb).toFixed(2)} times the ${mb.toFixed(0)} MB`;
  const withKept = kept > 0 ? `, ${times(most)} with what earlier requests may have left` : '';
  return `measured ${measured.toFixed(0)} MB: ${times(least)} that are estimated${withKept}`;
}

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
const watched = watchPeaks(profile);
let heaps;

try {
  const page = await context.newPage();
  page.setDefaultTimeout(1000 * limit);
  page.on('pageerror', (error) => console.error(error.message));
  heaps = await watchHeaps(context, page);
  await page.goto(`${server.resolvedUrls?.local[0]}${place}`);
  await page.waitForFunction(() => 'bench' in globalThis);
  const evaluate = (name, ...args) =>
    within(
      limit,
      name,
      page.evaluate(([fn, rest]) => globalThis.bench[fn](...rest), [name, args]),
    );
  const seconds = () => {
    const { renderer, gpu } = processesOf(profile);
    return { renderer: renderer.cpu, gpu: gpu.cpu };
  };
  const call = async (name, ...args) => {
    watched.restart();
    heaps.restart();
    const before = seconds();
    const { estimate, ...value } = await evaluate(name, ...args);
    await heaps.look();
    const after = seconds();
    const { peak } = watched;
    const used = (of) => `${(after[of] - before[of]).toFixed(1)} s of CPU, at most ${peak[of].toFixed(0)} MB`;
    console.log(`${[name, ...args].join(' ')}: ${JSON.stringify(value)}`);
    console.log(`  renderer ${used('renderer')}; GPU process ${used('gpu')}`);
    const counts = await evaluate('counts');
    console.log(`  ${JSON.stringify(counts)}`);
    console.log(`  ${heapWords(heaps.peak)}`);
    if (estimate) console.log(`  ${ratioWords(peak.renderer + counts.buffersPeakMB, estimate)}`);
  };
  const calls = {
    lens: () => (texts === 4 && span === 64 ? call('lens', 'Tom') : call('small', texts, span)),
    again: () => (texts === 4 && span === 64 ? call('lens', 'Ann') : call('small', texts, span - 1)),
    figure6: () => call('figure6', texts, span),
    states: () => call('states', `${span} tokens`, span),
    text: () => call('generate', tokens),
    step: () => call('step', values.method, latents),
    wasm: () => call('device', 'wasm'),
    webgpu: () => call('device', 'webgpu'),
  };
  await call('device', values.provider);
  await page.locator('input').setInputFiles(filesOf(folder));
  await call('open');
  if (values.storage) await call('storage', values.storage);
  for (const what of values.what.split(',')) {
    if (!Object.hasOwn(calls, what))
      throw new Error(`no "${what}"; --what may name ${Object.keys(calls).join(', ')}`);
    await calls[what]();
  }
} finally {
  watched.end();
  heaps?.end();
  await context.close();
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
