/**
 * Runs one command in two or more checkouts in alternation, and prints its processor time and its time by the clock in each:
 *
 *     node scripts/bench/paired.mjs [--runs 3] base=/path/to/checkout head=. -- npm run --silent lab -- lens --out /dev/null
 *
 * The best run of each checkout is compared, because other work on the machine only ever adds time; the median is printed
 * beside it. Processor time is that of the command and all its children.
 */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

const split = process.argv.indexOf('--');
const args = process.argv.slice(2, split < 0 ? undefined : split);
const command = split < 0 ? [] : process.argv.slice(split + 1);
const at = args.indexOf('--runs');
const runs = at < 0 ? 3 : Number(args.splice(at, 2)[1]);
const checkouts = args.map((arg) => arg.split('=', 2));
if (
  command.length === 0 ||
  checkouts.length === 0 ||
  checkouts.some(([, folder]) => !folder) ||
  !(Number.isInteger(runs) && runs > 0)
) {
  console.error('usage: node scripts/bench/paired.mjs [--runs 3] name=checkout … -- command …');
  process.exit(2);
}

/** Milliseconds that one run may take. */
const LIMIT = 600_000;

/** Seconds by the clock and of the processor. bash's `time` counts children, which Node does not. */
function timed(folder) {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" > /dev/null';
  const { status, signal, stderr } = spawnSync('bash', ['-c', script, 'paired', ...command], {
    cwd: resolve(folder),
    encoding: 'utf8',
    timeout: LIMIT,
  });
  const told = /([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(stderr ?? '');
  if (status !== 0 || !told)
    throw new Error(`the command ended with ${signal ?? status} in ${folder}:\n${stderr}`);
  const [clock, user, system] = told.slice(1).map(Number);
  return { clock, processor: user + system };
}

const results = new Map(checkouts.map(([name]) => [name, []]));
for (let run = 1; run <= runs; run++)
  for (const [name, folder] of checkouts) {
    const result = timed(folder);
    results.get(name).push(result);
    console.log(
      `run ${run}, ${name}: ${result.processor.toFixed(2)} s of processor, ${result.clock.toFixed(2)} s`,
    );
  }

const middle = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
for (const [name, all] of results)
  for (const of of ['processor', 'clock']) {
    const values = all.map((result) => result[of]);
    console.log(
      `${name}, ${of}: best ${Math.min(...values).toFixed(2)} s, median ${middle(values).toFixed(2)} s`,
    );
  }
