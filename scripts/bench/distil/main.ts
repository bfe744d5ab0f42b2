/**
 * `npm run bench:distil -- <folder> [shape…]`: checkpoints of true shapes with random bf16 weights, written into the folder if
 * they are not there, then distilled a few steps on WASM, each run in a process of its own: seconds of the teacher pass, the
 * factors, compiling and a step, and peak memory. Options: --methods lori,codi,ce, --batches 1,2, --samples 4, --steps 3,
 * --question 64, --latents 5, --threads 2, --storage f32 (half, int8, int4), --set a JSON object of the configuration.
 */
import { parseArgs } from 'node:util';
import type { WeightStorage } from '../../../src/contract/weight-storage';
import { chosenCheckpoints, lastLineOf, sayFailure } from '../checkpoints/chosen';
import type { Options } from './options';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    methods: { type: 'string', default: 'lori,codi,ce' },
    batches: { type: 'string', default: '1,2' },
    samples: { type: 'string', default: '4' },
    steps: { type: 'string', default: '3' },
    question: { type: 'string', default: '64' },
    latents: { type: 'string', default: '5' },
    threads: { type: 'string', default: '2' },
    storage: { type: 'string', default: 'f32' },
    set: { type: 'string', default: '{}' },
  },
});
const { threads } = values;
const chosen = { command: 'bench:distil', usual: ['SmolLM2-135M'], threads };
for (const at of chosenCheckpoints(positionals, chosen))
  for (const method of values.methods.split(','))
    for (const batch of values.batches.split(',').map(Number)) {
      const options: Options = {
        ...{ method, batch },
        samples: Math.max(batch, Number(values.samples)),
        steps: Number(values.steps),
        question: Number(values.question),
        latents: Number(values.latents),
        threads: Number(threads),
        storage: values.storage as WeightStorage,
        changes: JSON.parse(values.set) as object,
      };
      const what = `${method}, B ${batch}`;
      try {
        console.log(
          `  ${what}: ${lastLineOf('scripts/bench/distil/measure.ts', [at, JSON.stringify(options)])}`,
        );
      } catch (error) {
        sayFailure(what, error);
      }
    }
