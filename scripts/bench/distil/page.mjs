/**
 * Runs on a checkpoint of real size in the page, each stopped half-way and resumed after a reload:
 *
 *     npm run bench:distil:page -- <folder of a checkpoint> [--methods lori,codi,cot-sft] [--samples 128] [--batch 4] [--latents 5] [--straight]
 *
 * `bench:distil` writes such folders. The samples are word problems whose questions have about 96 tokens (--question), or rows of
 * --data file.jsonl, read once. Prints for each method what the page says beforehand,
 * seconds a step by the clock and of processor time, the renderer's peak, the first and last losses, and the hash of the adapter that
 * is exported; with --straight the same run without the stop as well, whose losses and adapter must be equal to the bit.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright';
import { countSteps, fillFrom, start } from '../../../e2e/support/run-page.mjs';
import { chromiumArgs, findChromium } from '../../tools/find-chromium.mjs';
import { processesOf, watchPeaks } from '../browser-processes.mjs';
import { importOf, openAll, saved, serveBuild } from './in-page.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    methods: { type: 'string', default: 'lori' },
    samples: { type: 'string', default: '128' },
    batch: { type: 'string', default: '4' },
    latents: { type: 'string', default: '5' },
    question: { type: 'string', default: '96' },
    data: { type: 'string' },
    straight: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (!folder)
  throw new Error(
    'usage: npm run bench:distil:page -- <folder of a checkpoint> [--methods lori] [--samples 128] …',
  );
const [samples, batch, latents, question] = [
  values.samples,
  values.batch,
  values.latents,
  values.question,
].map(Number);
const steps = Math.floor(samples / batch);

/** Milliseconds that a wait may take: the teacher pass over all samples, or half of the steps. */
const LONG = 3_600_000;
const configOf = (method) => ({
  version: 2,
  method,
  roles: { student: 'opened', teacher: 'self', data: 'opened' },
  data: { samples, validation: 0, heldOut: 0 },
  // A method without latents has no such group.
  ...(method.includes('cot') ? {} : { latent: { steps: latents } }),
  // Of results that the checkpoint's tokenizer has no token for nothing would be left.
  ...(method === 'lori' ? { factors: { rationale: 'steps' } } : {}),
  optimiser: { steps, batch },
  observation: { every: 0 },
  keeping: { every: 4 },
});

const temporary = mkdtempSync(join(tmpdir(), 'bench-distil-'));
const { rowsOf } = await importOf('scripts/bench/distil/rows.ts');
const data = values.data ?? join(temporary, 'rows.jsonl');
if (!values.data)
  writeFileSync(
    data,
    rowsOf(samples, question)
      .map((row) => JSON.stringify(row))
      .join('\n'),
  );
const { server, address } = await serveBuild(join(temporary, 'dist'));
const opened = { address, folder, data, limit: LONG };
const { readEntry, readZip } = await importOf('src/engine/checkpoint/zip.ts');
const { blobSource } = await importOf('src/engine/checkpoint/source.ts');

/** The run's losses by step, once it has ended, and the hash of its adapter. */
async function outcomeOf(page) {
  const { observed } = JSON.parse(readFileSync(await saved(page, 'Download run file'), 'utf8'));
  const zip = blobSource(new Blob([readFileSync(await saved(page, 'Adapter (PEFT)'))]));
  const entry = [...(await readZip(zip)).values()].find(({ name }) => name.endsWith('.safetensors'));
  const adapter = createHash('sha256')
    .update(await readEntry(zip, entry, 1e9))
    .digest('hex');
  return { losses: observed.losses, adapter };
}

/** What the page says of memory, time and room before Start. Nothing is shown of the form as it was before: its models were others. */
async function estimateOf(page) {
  const said = page.getByRole('region', { name: 'What this run takes' });
  const refused = page.getByText(/^This run would be refused/);
  await said.or(refused).waitFor();
  if (await refused.isVisible()) throw new Error(await refused.textContent());
  return (await said.locator('p').allTextContents()).join('\n  ');
}

/** Of the memory that a step was said to take, how much the renderer had at most. */
function shareOf(said, mb) {
  const [, number, unit] = /about ([\d.,]+)\s(kB|MB|GB)/.exec(said) ?? [];
  const estimated = Number(number?.replace(',', '')) * { kB: 1e-3, MB: 1, GB: 1e3 }[unit];
  return `${mb.toFixed(0)} MB, ${(mb / estimated).toFixed(2)} times the estimate`;
}

/** Trains, with a stop and a reload after step `stop` if one is given. */
async function train(method, name, stop) {
  const profile = join(temporary, `${method}-${name}`);
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
    let page = await openAll(context, opened);
    const begun = performance.now();
    await fillFrom(page, configOf(method));
    const said = await estimateOf(page);
    console.log(`${method}, ${name}: ${said}`);
    await start(page);
    if (stop) {
      await leg(page, stop);
      await page.getByRole('button', { name: 'Stop and keep' }).click();
      await page.getByText(/^Stopped\./).waitFor();
      await page.close();
      page = await openAll(context, opened);
      await page
        .getByRole('button', { name: /^Resume from step \d+/ })
        .first()
        .click();
    }
    await leg(page, steps);
    await page.getByText(/^Done\./).waitFor();
    const { losses, adapter } = await outcomeOf(page);
    const [count, seconds, cpu] = ['count', 'seconds', 'cpu'].map((key) =>
      legs.reduce((sum, one) => sum + one[key], 0),
    );
    console.log(
      `${method}, ${name}: ${losses.length} of ${steps} steps in ${((performance.now() - begun) / 1000).toFixed(0)} s, ${(seconds / count).toFixed(2)} s a step (${(cpu / count).toFixed(2)} s of processor time), renderer at most ${shareOf(said, peak.renderer)}, loss ${losses[0]} to ${losses.at(-1)}, adapter ${adapter.slice(0, 16)}`,
    );
    return { losses, adapter };
  } finally {
    end();
    await context.close();
  }
}

try {
  for (const method of values.methods.split(',')) {
    const resumed = await train(method, 'stopped', Math.floor(steps / 2));
    if (!values.straight) continue;
    const straight = await train(method, 'straight');
    const different = straight.losses.filter((loss, i) => loss !== resumed.losses[i]).length;
    const isSame =
      different === 0 &&
      straight.losses.length === resumed.losses.length &&
      straight.adapter === resumed.adapter;
    console.log(
      isSame
        ? `${method}: losses and adapter equal to the bit`
        : `${method}: ${different} losses differ; the adapters are ${straight.adapter === resumed.adapter ? 'equal' : 'not'}`,
    );
    if (!isSame) process.exitCode = 1;
  }
} finally {
  await server.close();
  rmSync(temporary, { recursive: true, force: true });
}
