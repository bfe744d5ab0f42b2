/**
 * `npm run bench:checkpoints -- <folder> [shape…]`: checkpoints of true shapes with random bf16 weights, written into the
 * folder if they are not there, then opened, read by the lens (4 texts of 64 tokens) and continued greedily, each in a
 * process of its own; the median of three. Options: --threads 1, --repeat 3, --what lens,greedy (also text, errors, and sizes:
 * the heap of lens requests of several sizes as a share of the estimate), --storage f32 (half, int8, int4).
 */
import { parseArgs } from 'node:util';
import { chosenCheckpoints, lastLineOf, sayFailure } from './chosen';
import { SHAPES } from './shapes';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    threads: { type: 'string', default: '1' },
    repeat: { type: 'string', default: '3' },
    what: { type: 'string', default: 'lens,greedy' },
    storage: { type: 'string', default: 'f32' },
  },
});
type Figure = number | string | readonly number[] | Figures;
interface Figures {
  readonly [name: string]: Figure;
}

/** The median of every number in results of the same form. */
function medians(results: readonly Figures[]): Figures {
  const [first = {}] = results;
  return Object.fromEntries(
    Object.entries(first).map(([name, value]) => {
      const all = results.map((result) => result[name]);
      if (typeof value === 'number') return [name, (all as number[]).sort((a, b) => a - b)[all.length >> 1]];
      if (typeof value === 'string' || Array.isArray(value)) return [name, value];
      return [name, medians(all as Figures[])];
    }),
  ) as Figures;
}

const { threads, storage } = values;
const chosen = { command: 'bench:checkpoints', usual: Object.keys(SHAPES), threads };
for (const at of chosenCheckpoints(positionals, chosen))
  for (const what of values.what.split(',')) {
    try {
      const results = Array.from({ length: Number(values.repeat) }, () => {
        const args = [at, what, threads, storage];
        return JSON.parse(lastLineOf('scripts/bench/checkpoints/measure.ts', args)) as Figures;
      });
      console.log(`  ${what}: ${JSON.stringify(medians(results))}`);
    } catch (error) {
      sayFailure(what, error);
    }
  }
