/**
 * `npm run bench:generate -- <folder> [shape…]`: greedy text of checkpoints of true shapes with random bf16 weights, written into
 * the folder if they are not there, on WASM in Node: tokens a second after the first two, by the clock and by processor time,
 * and memory; each storage of weights in a process of its own. Options: --storage f32,half,int8,int4, --threads 1, --repeat 1.
 *
 * Other engines are measured beside only where their packages are dependencies of this project; those that are not are named.
 */
import { parseArgs } from 'node:util';
import { chosenCheckpoints, lastLineOf, sayFailure } from '../checkpoints/chosen';
import { missingEngines } from './missing';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    storage: { type: 'string', default: 'f32,half,int8,int4' },
    threads: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '1' },
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

const chosen = { command: 'bench:generate', usual: ['SmolLM2-135M'], threads };
for (const at of chosenCheckpoints(positionals, chosen))
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
for (const line of missingEngines()) console.log(line);
process.exit(0);
