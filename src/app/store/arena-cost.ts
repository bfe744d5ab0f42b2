import { type Arena, type ArenaRun, remaining } from '../../contract/arena';
import type { RunConfig } from '../../contract/config';
import type { RunCost } from '../../contract/run-cost';
import { mean } from '../../contract/statistics';
import type { ArenaCost } from './arena';
import { sentencesOf } from './task';

type Seconds = RunCost['seconds'];

/** Whether a row says how long its run took. */
const isTimed = ({ teacherSeconds, trainSeconds }: ArenaRun): boolean =>
  teacherSeconds !== undefined && trainSeconds !== undefined;

/**
 * Seconds of a finished run. Files of earlier versions do not say what its evaluations took: of these its answers to held-out
 * problems are known, or estimated, and the rest is estimated.
 */
function secondsOf(run: ArenaRun, of: Seconds): number {
  const { teacherSeconds = 0, trainSeconds = 0, evaluateSeconds, answerMilliseconds, total } = run;
  const heldOut = of?.evaluation.heldOut ?? 0;
  const answers =
    answerMilliseconds === undefined || total === undefined ? heldOut : (answerMilliseconds * total) / 1000;
  const others = of ? of.evaluation.all - heldOut : 0;
  return teacherSeconds + trainSeconds + (evaluateSeconds ?? answers + others);
}

/**
 * What the remaining runs take, evaluation included: judged by finished runs of the same contender if there are any, otherwise by
 * the engine's estimate for its configuration. The engine is asked only for what no row says.
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
      const known = arena.runs.filter((run) => run.name === name && isTimed(run));
      const isWhole = known.length > 0 && known.every(({ evaluateSeconds }) => evaluateSeconds !== undefined);
      const of = isWhole ? null : (await estimate({ ...config, seed: first ?? config.seed })).seconds;
      if (known.length > 0) measured += own;
      const one = known.length > 0 ? mean(known.map((run) => secondsOf(run, of))) : (of?.all ?? null);
      seconds = seconds === null || one === null ? null : seconds + own * one;
    }
  } catch (thrown) {
    return { runs: left.length, seconds: null, measured, refused: sentencesOf(thrown) };
  }
  return { runs: left.length, seconds, measured, refused: null };
}
