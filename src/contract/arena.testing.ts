import type { Arena, ArenaRun } from './arena';
import { parseRunConfig } from './config';

/** Seeds of the arenas of tests. */
export const SEEDS = [1, 2, 3, 4, 5, 6];

/** An arena in which every contender's accuracy is a little different on each seed. */
export function arenaOf(accuracy: Readonly<Record<string, number>>, baseline: string): Arena {
  const config = parseRunConfig({ method: 'ce' });
  const names = Object.keys(accuracy);
  const runs = names.flatMap((name) =>
    SEEDS.map((seed): ArenaRun => {
      return { name, seed, correct: 1000 * (accuracy[name] as number) + seed, total: 1000 };
    }),
  );
  return { contenders: names.map((name) => ({ name, config })), seeds: SEEDS, baseline, runs };
}
