/**
 * `npm run bench:finetune -- <folder>`: fine-tunes a checkpoint on text on WASM, as llama.cpp's finetune does in the browser
 * (stories260K, 20 epochs, context 128), and prints tokens/s, seconds and memory beside its estimate; and, for a small model whose
 * weights are all trained, the step beside jax-js in Chromium (not with --alone). Options: --train all (or lora), --epochs 20,
 * --context 128, --batch 4, --windows 16 (of one context each, of word problems unless --text FILE is given), --rate 1e-3,
 * --steps 0 (at most; 0: all epochs), --threads 2, --composition whole (or layerwise; by default what fits), --storage f32 (half,
 * int8, int4).
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { wordProblems } from '../../../src/engine/data/word-problems';
import { megabytes, memoryTaken } from '../checkpoints/memory';
import { type FineTuning, fineTuningFeeds } from './problem';
import { cpuSeconds, openStep, type StepOptions } from './step';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    train: { type: 'string', default: 'all' },
    epochs: { type: 'string', default: '20' },
    context: { type: 'string', default: '128' },
    batch: { type: 'string', default: '4' },
    windows: { type: 'string', default: '16' },
    text: { type: 'string' },
    rate: { type: 'string', default: '1e-3' },
    steps: { type: 'string', default: '0' },
    threads: { type: 'string', default: '2' },
    composition: { type: 'string' },
    storage: { type: 'string', default: 'f32' },
    alone: { type: 'boolean', default: false },
  },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('usage: npm run bench:finetune -- <folder of a checkpoint>');
  process.exit(2);
}
const [context, batch, windows, epochs] = (['context', 'batch', 'windows', 'epochs'] as const).map((key) =>
  Number(values[key]),
) as [number, number, number, number];
const step = await openStep(folder, {
  ...{ batch, tokens: context, latents: 0, threads: Number(values.threads) },
  train: values.train as StepOptions['train'],
  ...(values.composition !== undefined && { composition: values.composition as StepOptions['composition'] }),
  storage: values.storage as StepOptions['storage'],
}).catch((error: { code?: string; message: string; hint?: string }) => {
  if (error.code !== 'memory') throw error;
  console.log(`${folder}, ${values.storage}: ${error.message}. ${error.hint}`);
  process.exit(1);
});
const text =
  values.text === undefined
    ? wordProblems(3, 40 * windows, { minSteps: 1, maxSteps: 3 })
        .map(({ question, steps, answer }) => `${question}\n${steps.join('\n')}\n${answer}\n`)
        .join('\n')
    : readFileSync(values.text, 'utf8');
const ids = step.tokenizer.encode(text).slice(0, windows * context + 1);
const count = Math.floor((ids.length - 1) / context);
if (count < batch) throw new Error(`the text has ${ids.length} tokens; ${batch * context + 1} are a batch`);

/** Values of the largest model that jax-js is asked to train. */
const BESIDE_JAX = 2e6;

/** Prints loss and gradients of one batch beside jax-js, in Chromium. */
function besideJax(fineTuning: FineTuning): void {
  execFileSync('npx', ['vitest', 'run', '--project', 'bench', 'scripts/bench/finetune.bench.ts'], {
    stdio: 'inherit',
    env: {
      ...process.env,
      LORI_SHARED: dirname(resolve(folder as string)),
      VITE_BENCH_FINETUNE: JSON.stringify(fineTuning),
    },
  });
}

/** The windows from `from` on: inputs, and the tokens after them. */
function windowsFrom(from: number) {
  const at = Array.from({ length: batch }, (_, b) => ((from + b) % count) * context);
  const rows = (shift: number) => at.flatMap((a) => ids.slice(a + shift, a + shift + context));
  return { batch, context, text: rows(0), targets: rows(1) };
}

const all = Math.ceil((epochs * count) / batch);
const steps = Number(values.steps) > 0 ? Math.min(all, Number(values.steps)) : all;
const losses: number[] = [];
const [wall, cpu] = [performance.now(), cpuSeconds()];
for (let i = 0; i < steps; i++) {
  const { terms } = await step.run(fineTuningFeeds(windowsFrom(i * batch)), Number(values.rate));
  losses.push(terms[0] as number);
}
const seconds = (performance.now() - wall) / 1000;
const used = cpuSeconds() - cpu;
const tokens = steps * batch * context;
const { rss, peakRss, heap } = memoryTaken();
const mean = (some: readonly number[]): string =>
  (some.reduce((sum, x) => sum + x, 0) / some.length).toFixed(3);
const tail = Math.max(1, Math.min(losses.length, Math.ceil(count / batch)));
for (const line of [
  `${values.train === 'all' ? 'all weights' : 'LoRA'} of ${folder}, ${values.storage}: ${step.parameters} trained values, ${step.programs} program(s) (${step.composition}), compiled in ${step.compiling.toFixed(1)} s`,
  `${steps} steps of ${batch} × ${context} tokens, ${count} windows an epoch: ${seconds.toFixed(1)} s, ${used.toFixed(1)} s CPU; ${(tokens / seconds).toFixed(0)} tokens/s, ${(tokens / used).toFixed(0)} a CPU second`,
  `loss ${mean(losses.slice(0, tail))} in the first epoch, ${mean(losses.slice(-tail))} in the last`,
  `memory: WebAssembly ${heap} MB (estimated ${megabytes(step.estimated.heap)}), process ${rss} MB, at most ${peakRss} MB (${step.before} MB before the checkpoint was opened; outside WebAssembly ${megabytes(step.estimated.outside)} MB estimated); weights, boundary activations, trained values with moments: ${megabytes(step.needed.all)} MB`,
])
  console.log(line);
if (values.train === 'all' && step.parameters <= BESIDE_JAX && !values.alone)
  besideJax({ checkpoint: basename(resolve(folder)), ...windowsFrom(0) });
process.exit(0);
