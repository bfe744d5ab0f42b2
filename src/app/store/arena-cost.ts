import { type Arena, type ArenaRun, remaining } from '../../contract/arena';
import type { RunConfig } from '../../contract/config';
import type { RunCost } from '../../contract/run-cost';
import { mean } from '../../contract/statistics';
import type { ArenaCost } from './arena';
import { sentencesOf } from './task';

const secondsOf = ({ teacherSeconds, trainSeconds }: ArenaRun): number | undefined =>
  teacherSeconds === undefined || trainSeconds === undefined ? undefined : teacherSeconds + trainSeconds;

const trained = (seconds: RunCost['seconds']): number | null =>
  seconds && seconds.all - seconds.evaluation.all;

/**
 * What the remaining runs take: judged by finished runs of the same contender if there are any, otherwise by
 * the engine's estimate for its configuration. Neither includes evaluation.
 */
export async function arenaCost(
  arena: Arena,
  estimate: (config: RunConfig) => Promise<Pick<RunCost, 'seconds'>>,
): Promise<ArenaCost> {
  const left = remaining(arena);
  const [first] = arena.seeds;
  let [seconds, measured] = [0 as number | null, 0];
  try {
    for (const { name, config } of arena.contenders) {
      const own = left.filter(({ contender }) => contender.name === name).length;
      if (own === 0) continue;
      const known = arena.runs.filter((run) => run.name === name).flatMap((run) => secondsOf(run) ?? []);
      if (known.length > 0) measured += own;
      const one =
        known.length > 0
          ? mean(known)
          : trained((await estimate({ ...config, seed: first ?? config.seed })).seconds);
      seconds = seconds === null || one === null ? null : seconds + own * one;
    }
  } catch (thrown) {
    return { runs: left.length, seconds: null, measured, refused: sentencesOf(thrown) };
  }
  return { runs: left.length, seconds, measured, refused: null };
}
