/**
 * A run on a checkpoint of real size in the page, stopped half-way and resumed after a reload:
 *
 *     npm run bench:distil:page -- <folder of a checkpoint> [--method lori] [--samples 128] [--batch 4] [--latents 5] [--straight]
 *
 * `bench:distil` writes such folders. The samples are rows of GSM8K (--data file.jsonl for others), read once. Prints seconds a step
 * by the clock and of processor time, the renderer's peak, and the first and last losses; with --straight the same run without
 * the stop as well, whose losses must be equal to the bit.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { build, preview } from 'vite';
import { countSteps, startFrom } from '../../../e2e/support/run-page.mjs';
import { chromiumArgs, findChromium } from '../../tools/find-chromium.mjs';
import { processesOf, watchPeaks } from '../browser-processes.mjs';

const root = resolve(import.meta.dirname, '../../..');
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    method: { type: 'string', default: 'lori' },
    samples: { type: 'string', default: '128' },
    batch: { type: 'string', default: '4' },
    latents: { type: 'string', default: '5' },
    data: { type: 'string', default: join(root, 'models/data/gsm8k-train-128.jsonl') },
    straight: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (!folder)
  throw new Error(
    'usage: npm run bench:distil:page -- <folder of a checkpoint> [--method lori] [--samples 128] …',
  );
const [samples, batch, latents] = [values.samples, values.batch, values.latents].map(Number);
const steps = Math.floor(samples / batch);

/** Milliseconds that a wait may take: the teacher pass over all samples, or half of the steps. */
const LONG = 3_600_000;
const config = {
  version: 2,
  method: values.method,
  roles: { student: 'opened', teacher: 'self', data: 'opened' },
  data: { samples, validation: 0, heldOut: 0 },
  // A method without latents has no such group.
  ...(values.method.includes('cot') ? {} : { latent: { steps: latents } }),
  // Of results that the checkpoint's tokenizer has no token for nothing would be left.
  ...(values.method === 'lori' ? { factors: { rationale: 'steps' } } : {}),
  optimiser: { steps, batch },
  observation: { every: 0 },
  keeping: { every: 4 },
};

const temporary = mkdtempSync(join(tmpdir(), 'bench-distil-'));
const outDir = join(temporary, 'dist');
const common = { root, configFile: join(root, 'vite.config.ts'), logLevel: 'warn' };
await build({ ...common, build: { outDir, emptyOutDir: true } });
const server = await preview({ ...common, build: { outDir }, preview: { port: 0, host: '127.0.0.1' } });
const address = server.resolvedUrls?.local[0] ?? '';

/** A page with the checkpoint and the rows opened, in the Distil place. */
async function openAll(context) {
  const page = await context.newPage();
  page.setDefaultTimeout(LONG);
  page.on('pageerror', (error) => console.error(error.message));
  await page.goto(`${address}#/model`);
  await page.getByRole('radio', { name: 'WASM' }).click();
  await page.getByRole('tab', { name: 'Your files' }).click();
  const files = readdirSync(folder).map((name) => join(folder, name));
  await page.locator('.model-drop input[type=file]').nth(1).setInputFiles(files);
  await page.getByRole('heading', { name: /^Opened: / }).waitFor();
  await page.getByRole('tab', { name: 'Data' }).click();
  await page.locator('.data-drop input[type=file]').setInputFiles(values.data);
  await page.getByText(/rows pass the filter/).waitFor();
  await page.getByRole('tab', { name: 'Distil' }).click();
  return page;
}

/** The run's losses by step, once it has ended. */
async function lossesOf(page) {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Download run file' }).click(),
  ]);
  return JSON.parse(readFileSync(await file.path(), 'utf8')).observed.losses;
}

/** Trains, with a stop and a reload after step `stop` if one is given. */
async function train(name, stop) {
  const profile = join(temporary, name);
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: chromiumArgs,
  });
  const { peak, end } = watchPeaks(profile);
  const counted = countSteps();
  const legs = [];
  /** Waits for a step, or for the page to say that the run failed. */
  const reach = async (page, step) => {
    const failure = page.getByText('The run failed').waitFor();
    failure.catch(() => {});
    const failed = failure.then(async () => {
      throw new Error(await page.getByRole('alert').first().textContent());
    });
    return Promise.race([counted.reach(step, LONG), failed]);
  };
  /** Times the steps from the next one that is reported to `to`. */
  const leg = async (page, to) => {
    const from = await reach(page, counted.last + 1);
    const [start, cpu] = [performance.now(), processesOf(profile).renderer.cpu];
    const last = await reach(page, to);
    if (last > from)
      legs.push({
        count: last - from,
        seconds: (performance.now() - start) / 1000,
        cpu: processesOf(profile).renderer.cpu - cpu,
      });
  };
  try {
    await counted.watch(context);
    let page = await openAll(context);
    const begun = performance.now();
    await startFrom(page, config);
    if (stop) {
      await leg(page, stop);
      await page.getByRole('button', { name: 'Stop and keep' }).click();
      await page.getByText(/^Stopped\./).waitFor();
      await page.close();
      page = await openAll(context);
      await page
        .getByRole('button', { name: /^Resume from step \d+/ })
        .first()
        .click();
    }
    await leg(page, steps);
    await page.getByText(/^Done\./).waitFor();
    const losses = await lossesOf(page);
    const [count, seconds, cpu] = ['count', 'seconds', 'cpu'].map((key) =>
      legs.reduce((sum, one) => sum + one[key], 0),
    );
    console.log(
      `${name}: ${losses.length} of ${steps} steps in ${((performance.now() - begun) / 1000).toFixed(0)} s, ${(seconds / count).toFixed(2)} s a step (${(cpu / count).toFixed(2)} s of processor time), renderer at most ${peak.renderer.toFixed(0)} MB, loss ${losses[0]} to ${losses.at(-1)}`,
    );
    return losses;
  } finally {
    end();
    await context.close();
  }
}

try {
  const resumed = await train('stopped', Math.floor(steps / 2));
  if (values.straight) {
    const straight = await train('straight');
    const different = straight.filter((loss, i) => loss !== resumed[i]).length;
    console.log(different === 0 ? 'losses equal to the bit' : `${different} losses differ`);
    if (different > 0 || straight.length !== resumed.length) process.exitCode = 1;
  }
} finally {
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
