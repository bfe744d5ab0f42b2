/**
 * `npm run bench:checkpoints -- <folder> [shape…]`: checkpoints of true shapes with random bf16 weights, written into the
 * folder if they are not there, then opened, read by the lens (4 texts of 64 tokens) and continued greedily, each in a
 * process of its own; the median of three. Options: --threads 1, --repeat 3, --what lens,greedy (also text,
 * errors), --storage f32 (or int8).
 */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SHAPES } from './shapes';
import { writeCheckpoint } from './write';

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
const [folder, ...wanted] = positionals;
const names = wanted.length > 0 ? wanted : Object.keys(SHAPES);
const unknown = names.find((name) => SHAPES[name] === undefined);
if (folder === undefined || unknown !== undefined) {
  const usage = `usage: npm run bench:checkpoints -- <folder> [${Object.keys(SHAPES).join('|')}]…`;
  console.error(unknown === undefined ? usage : `no shape "${unknown}"; ${usage}`);
  process.exit(2);
}

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

for (const name of names) {
  const at = join(resolve(folder), name);
  const bytes = writeCheckpoint(at, SHAPES[name] as (typeof SHAPES)[string]);
  console.log(`${name}: ${(bytes / 1e6).toFixed(0)} MB in bf16, ${values.threads} thread(s)`);
  for (const what of values.what.split(',')) {
    try {
      const results = Array.from({ length: Number(values.repeat) }, () => {
        const args = ['scripts/tools/run-ts.mjs', 'scripts/bench/checkpoints/measure.ts', at, what];
        const out = execFileSync(process.execPath, [...args, values.threads, values.storage], {
          encoding: 'utf8',
          stdio: ['ignore', 'pipe', 'inherit'],
        });
        return JSON.parse(out.trim().split('\n').at(-1) as string) as Figures;
      });
      console.log(`  ${what}: ${JSON.stringify(medians(results))}`);
    } catch (error) {
      console.log(`  ${what}: failed: ${(error as Error).message.split('\n')[0]}`);
    }
  }
}
