/**
 * `npm run bench:distil -- <folder> [shape…]`: checkpoints of true shapes with random bf16 weights, written into the folder if
 * they are not there, then distilled a few steps on WASM, each run in a process of its own: seconds of the teacher pass, the
 * factors, compiling and a step, and peak memory. Options: --methods lori,codi,ce, --batches 1,2, --samples 4, --steps 3,
 * --question 64, --latents 5, --threads 2, --storage f32 (or int8), --set a JSON object of the configuration.
 */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { WeightStorage } from '../../../src/contract/weight-storage';
import { SHAPES } from '../checkpoints/shapes';
import { writeCheckpoint } from '../checkpoints/write';
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
const [folder, ...wanted] = positionals;
const names = wanted.length > 0 ? wanted : ['SmolLM2-135M'];
const unknown = names.find((name) => SHAPES[name] === undefined);
if (folder === undefined || unknown !== undefined) {
  const usage = `usage: npm run bench:distil -- <folder> [${Object.keys(SHAPES).join('|')}]…`;
  console.error(unknown === undefined ? usage : `no shape "${unknown}"; ${usage}`);
  process.exit(2);
}

for (const name of names) {
  const at = join(resolve(folder), name);
  const bytes = writeCheckpoint(at, SHAPES[name] as (typeof SHAPES)[string]);
  console.log(`${name}: ${(bytes / 1e6).toFixed(0)} MB in bf16, ${values.threads} thread(s)`);
  for (const method of values.methods.split(','))
    for (const batch of values.batches.split(',').map(Number)) {
      const options: Options = {
        ...{ method, batch },
        samples: Math.max(batch, Number(values.samples)),
        steps: Number(values.steps),
        question: Number(values.question),
        latents: Number(values.latents),
        threads: Number(values.threads),
        storage: values.storage as WeightStorage,
        changes: JSON.parse(values.set) as object,
      };
      const args = ['scripts/tools/run-ts.mjs', 'scripts/bench/distil/measure.ts', at];
      try {
        const out = execFileSync(process.execPath, [...args, JSON.stringify(options)], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        console.log(`  ${method}, B ${batch}: ${out.trim().split('\n').at(-1)}`);
      } catch (error) {
        console.log(`  ${method}, B ${batch}: failed: ${(error as Error).message.split('\n')[0]}`);
      }
    }
}
