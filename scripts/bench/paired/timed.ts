import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { bootstrapInterval, median } from '../../../src/contract/statistics';

/** Milliseconds that one run may take. */
const LIMIT = 600_000;

/** Seconds: of the processor (of a command and all its children), by the clock, or whatever a program measures itself. */
export type Times = Readonly<Record<string, number>>;

/** Runs a command in a folder. bash's `time` counts children, which Node does not. @throws where it fails, with what it said */
export function timed(folder: string, command: readonly string[]): Times {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" > /dev/null';
  const { status, signal, stderr } = spawnSync('bash', ['-c', script, 'paired', ...command], {
    cwd: resolve(folder),
    encoding: 'utf8',
    timeout: LIMIT,
  });
  const told = /([\d.]+) ([\d.]+) ([\d.]+)\s*$/.exec(stderr ?? '');
  if (status !== 0 || !told)
    throw new Error(`the command ended with ${signal ?? status} in ${folder}:\n${stderr}`);
  const [clock = 0, user = 0, system = 0] = told.slice(1).map(Number);
  return { processor: user + system, clock };
}

/** One round after another, in each of them every contender once; the first in turn is another one each round. */
export async function inAlternation(
  names: readonly string[],
  runs: number,
  once: (name: string) => Times | Promise<Times>,
): Promise<ReadonlyMap<string, readonly Times[]>> {
  const found = new Map(names.map((name): [string, Times[]] => [name, []]));
  for (let run = 0; run < runs; run++)
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + run) % names.length] as string;
      const times = await once(name);
      found.get(name)?.push(times);
      const all = Object.entries(times).map(([of, seconds]) => `${of} ${seconds.toFixed(3)} s`);
      console.log(`run ${run + 1}, ${name}: ${all.join(', ')}`);
    }
  return found;
}

const percent = (ratio: number): string =>
  `${ratio < 1 ? '−' : '+'}${Math.abs(100 * (ratio - 1)).toFixed(1)} %`;

/**
 * Best and median of each contender, and the change from the first one: the median over rounds of the ratio within a round,
 * with its 95 % bootstrap interval. Other work on the machine only ever adds time, to both sides of a round alike or to one.
 */
export function summary(found: ReadonlyMap<string, readonly Times[]>): string[] {
  const [first = ['', []], ...others] = found;
  const lines: string[] = [];
  for (const of of Object.keys(first[1][0] ?? {})) {
    const values = (all: readonly Times[]) => all.map((times) => times[of] as number);
    for (const [name, all] of found)
      lines.push(
        `${of}, ${name}: best ${Math.min(...values(all)).toFixed(3)} s, median ${median(values(all)).toFixed(3)} s`,
      );
    const before = values(first[1]);
    for (const [name, all] of others) {
      const ratios = values(all).map((seconds, i) => seconds / (before[i] as number));
      const interval = bootstrapInterval(ratios, median);
      const between = interval ? ` [${percent(interval.low)}, ${percent(interval.high)}]` : '';
      lines.push(
        `${of}, ${name} against ${first[0]}: ${percent(median(ratios))}${between}, ${ratios.length} rounds`,
      );
    }
  }
  return lines;
}
