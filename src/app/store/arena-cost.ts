import { type Arena, type ArenaRun, remaining } from '../../contract/arena';
import type { RunConfig } from '../../contract/config';
import type { RunCost } from '../../contract/run-cost';
import { mean } from '../../contract/statistics';
import type { ArenaCost } from './arena';
import { sentencesOf } from './task';

type Seconds = RunCost['seconds'];

/** Seconds of a finished run but for what is only estimated of it; undefined where its file does not say. */
function measuredOf({ teacherSeconds, trainSeconds, answerMilliseconds, total }: ArenaRun, of: Seconds) {
  if (teacherSeconds === undefined || trainSeconds === undefined) return undefined;
  const answers =
    answerMilliseconds === undefined || total === undefined
      ? (of?.evaluation.heldOut ?? 0)
      : (answerMilliseconds * total) / 1000;
  return teacherSeconds + trainSeconds + answers;
}

/** A run's evaluations beside the answers to held-out problems. Their time is in no row of an arena. */
const besideAnswers = (of: Seconds): number => (of ? of.evaluation.all - of.evaluation.heldOut : 0);

/**
 * What the remaining runs take, evaluation included: judged by finished runs of the same contender if there are any, otherwise by
 * the engine's estimate for its configuration.
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
      const of = (await estimate({ ...config, seed: first ?? config.seed })).seconds;
      const known = arena.runs.filter((run) => run.name === name).flatMap((run) => measuredOf(run, of) ?? []);
      if (known.length > 0) measured += own;
      const one = known.length > 0 ? mean(known) + besideAnswers(of) : (of?.all ?? null);
      seconds = seconds === null || one === null ? null : seconds + own * one;
    }
  } catch (thrown) {
    return { runs: left.length, seconds: null, measured, refused: sentencesOf(thrown) };
  }
  return { runs: left.length, seconds, measured, refused: null };
}
