/**
 * `npm run bench:scaling -- <folder> [shape…]`: how time and memory of a training step grow with tokens and samples, on
 * checkpoints of true shapes with random weights, each point in a process of its own. A question, K latents and an answer,
 * LoRA on every linear, AdamW. Prints a table and the exponents fitted to it: 1 is linear. Options: --tokens 64,128,256
 * --batches 1,2,4 --latents 5 --steps 1 (after one that warms up) --threads 1 --composition layerwise (or whole)
 * --storage f32 (half, int8, int4) --most 1.1 (an exponent above it ends with an error). `memory` is WebAssembly's heap and JavaScript's
 * buffers, `needed` weights in their storage, what is kept of every layer between forward and reverse, adapters and moments.
 */
import { parseArgs } from 'node:util';
import { chosenCheckpoints, lastLineOf, sayFailure } from '../checkpoints/chosen';
import type { StepOptions } from '../finetune/step';
import type { Point } from './measure';

const { values, positionals } = parseArgs({
  args: process.argv.slice(2),
  allowPositionals: true,
  options: {
    tokens: { type: 'string', default: '64,128,256' },
    batches: { type: 'string', default: '1,2,4' },
    latents: { type: 'string', default: '5' },
    steps: { type: 'string', default: '1' },
    threads: { type: 'string', default: '1' },
    composition: { type: 'string', default: 'layerwise' },
    storage: { type: 'string', default: 'f32' },
    most: { type: 'string', default: '1.1' },
  },
});
const { threads } = values;
const [tokens, batches] = [values.tokens, values.batches].map((list) => list.split(',').map(Number)) as [
  number[],
  number[],
];
let isSteep = false;
for (const at of chosenCheckpoints(positionals, {
  command: 'bench:scaling',
  usual: ['SmolLM2-135M'],
  threads,
})) {
  const known = new Map<string, Point>();
  const measure = (own: Pick<StepOptions, 'tokens' | 'batch'>): Point | undefined => {
    const key = JSON.stringify(own);
    const options = {
      ...own,
      ...{ train: 'lora', composition: values.composition, storage: values.storage },
      ...{ latents: Number(values.latents), threads: Number(threads) },
    } as StepOptions;
    try {
      const point =
        known.get(key) ??
        (JSON.parse(
          lastLineOf('scripts/bench/scaling/measure.ts', [at, JSON.stringify(options), values.steps]),
        ) as Point);
      known.set(key, point);
      return point;
    } catch (error) {
      sayFailure(key, error);
      return undefined;
    }
  };
  const first = tokens[0] as number;
  table('tokens of a question, one sample', tokens, (n) => measure({ tokens: n, batch: 1 }));
  table(`samples of ${first} tokens`, batches, (n) => measure({ tokens: first, batch: n }));
}
process.exit(isSteep ? 1 : 0);

function table(what: string, sizes: readonly number[], measure: (size: number) => Point | undefined): void {
  console.log(
    `  ${what.padStart(33)}  CPU s a step  s a step  programs  memory MB  needed MB  ratio  process MB`,
  );
  const points = sizes.flatMap((size) => {
    const point = measure(size);
    if (!point) return [];
    const { cpu, wall, programs, memory, needed, rss } = point;
    const cells = [
      String(size).padStart(35),
      cpu.toFixed(2).padStart(12),
      wall.toFixed(2).padStart(8),
      String(programs).padStart(8),
      String(memory).padStart(9),
      String(needed).padStart(9),
      (memory / needed).toFixed(2).padStart(5),
      String(rss).padStart(10),
    ];
    console.log(cells.join('  '));
    return [{ size, ...point }];
  });
  if (points.length < 2) return;
  const exponent = slope(points.map(({ size, cpu }) => [Math.log(size), Math.log(cpu)]));
  isSteep ||= exponent > Number(values.most);
  console.log(`  time grows with the power ${exponent.toFixed(2)} (at most ${values.most} is asked for)`);
}

/** Of the line with the least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const mean = (i: 0 | 1): number => points.reduce((sum, point) => sum + point[i], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const shared = points.reduce((sum, [a, b]) => sum + (a - x) * (b - y), 0);
  return shared / points.reduce((sum, [a]) => sum + (a - x) ** 2, 0);
}
