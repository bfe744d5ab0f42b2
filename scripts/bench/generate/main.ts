/**
 * `npm run bench:generate -- <folder> [shape…]`: greedy text of checkpoints of true shapes with random bf16 weights, written into
 * the folder if they are not there, on WASM in Node: tokens a second after the first two, by the clock and by processor time,
 * and memory; each storage of weights in a process of its own. Options: --storage f32,half,int8,int4, --threads 1, --repeat 1.
 *
 * With --rivals, transformers.js and wllama are measured beside on the same weights, and this engine with them, all in headless
 * Chromium. Their packages are no dependencies of this project: they are installed from the npm registry into a folder of
 * their own (--cache, by default one in the system's folder for temporary files), which also takes the checkpoints in their formats.
 * --tokens 64: how many each generates.
 */
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chosenCheckpoints, lastLineOf, sayFailure } from '../checkpoints/chosen';
import { Comparison } from './rivals/compare';
import { RIVALS } from './rivals/packages';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    storage: { type: 'string', default: 'f32,half,int8,int4' },
    threads: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '1' },
    rivals: { type: 'boolean', default: false },
    cache: { type: 'string', default: join(tmpdir(), 'lori-bench-rivals') },
    tokens: { type: 'string', default: '64' },
  },
});

interface Greedy {
  readonly tokensPerSecond: number;
  readonly tokensPerCpuSecond: number;
  readonly compile: { readonly cpu: number };
  readonly heap: number;
  readonly peakRss: number;
}

const { threads } = values;
const middle = (results: readonly Greedy[]): Greedy =>
  [...results].sort((a, b) => a.tokensPerCpuSecond - b.tokensPerCpuSecond)[results.length >> 1] as Greedy;

/** This engine in Node. */
function printOwn(at: string): void {
  for (const storage of values.storage.split(','))
    try {
      const args = [at, 'greedy', threads, storage];
      const results = Array.from(
        { length: Number(values.repeat) },
        () => JSON.parse(lastLineOf('scripts/bench/checkpoints/measure.ts', args)) as Greedy,
      );
      const { tokensPerSecond, tokensPerCpuSecond, compile, heap, peakRss } = middle(results);
      console.log(
        `  this engine, ${storage}: ${tokensPerSecond} tokens/s, ${tokensPerCpuSecond} a CPU second; programs ${compile.cpu} CPU s; heap ${heap} MB, process ${peakRss} MB`,
      );
    } catch (error) {
      sayFailure(`this engine, ${storage}`, error);
    }
}

/** Nothing where the other engines are not asked for or cannot be had: this one is then measured in Node, as without them. */
async function startComparison(): Promise<Comparison | undefined> {
  if (!values.rivals) {
    const names = Object.entries(RIVALS).map(([name, version]) => `${name} ${version}`);
    console.log(`${names.join(' and ')} are measured beside with --rivals`);
    return undefined;
  }
  const comparison = await Comparison.start({
    cache: resolve(values.cache),
    threads: Number(threads),
    limit: Number(values.tokens),
    repeat: Number(values.repeat),
    storages: values.storage.split(','),
  }).catch((error: Error) => {
    console.log(error.message);
  });
  if (!comparison) return undefined;
  const named = Object.entries(comparison.versions).map(([name, version]) => `${name} ${version}`);
  console.log(`beside ${named.join(', ')}`);
  return comparison;
}

const chosen = { command: 'bench:generate', usual: ['SmolLM2-135M'], threads };
const checkpoints = chosenCheckpoints(positionals, chosen);
const comparison = await startComparison();
try {
  for (const at of checkpoints) await (comparison ? comparison.print(at) : printOwn(at));
} finally {
  comparison?.end();
}
process.exit(0);
