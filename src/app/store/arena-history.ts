import type { ArenaRun } from '../../contract/arena';
import { onSameProblems, otherModels } from '../../contract/arena-checks';
import type { Preset } from '../../contract/presets';
import { type ArenaPlanState, contending } from './arena';
import { type History, stepBack, stepForward } from './history';

/**
 * Undo and redo of the arena's form. Undo brings back the results that a change dropped, keeps those that were measured since, and
 * ends where it would lose one.
 */

/** What a name stands for in a plan, with the number of problems; undefined where it stands for nothing. */
function meaningOf(
  name: string,
  { others, kept, heldOut }: ArenaPlanState,
  presets: readonly Preset[],
): string | undefined {
  const other = others.find((one) => one.name === name);
  if (other) return JSON.stringify(contending(other.config, heldOut));
  const student = kept.find((one) => one.name === name);
  if (student) return JSON.stringify([student.run, heldOut]);
  // Whether or not it takes part at the moment: a preset's name stands for nothing else.
  return presets.some(({ id }) => id === name) ? JSON.stringify([name, heldOut]) : undefined;
}

/** The results of a plan that are results of another one too: of the same contender, on the same number of problems. */
export const heldIn = (
  { runs, ...plan }: ArenaPlanState,
  other: ArenaPlanState,
  presets: readonly Preset[],
): readonly ArenaRun[] =>
  runs.filter(({ name }) => meaningOf(name, { ...plan, runs }, presets) === meaningOf(name, other, presets));

const isSameRun = (one: ArenaRun, other: ArenaRun): boolean =>
  one.name === other.name && one.seed === other.seed;

/** Why results could not stand beside others; `null` if they could. */
function conflict(runs: readonly ArenaRun[], beside: readonly ArenaRun[]): string | null {
  for (const run of runs) {
    const models = Object.entries(run.models ?? {}).map(([name, sha256]) => ({ name, sha256 }));
    const other = otherModels(beside, models, run.storage)?.message ?? onSameProblems(run, { runs: beside });
    if (typeof other === 'string') return other;
    if (other !== run) return other.failed ?? null;
  }
  return null;
}

interface Step {
  readonly plan: ArenaPlanState;
  readonly history: History<ArenaPlanState>;
}

/**
 * The plan one step back; a sentence where that would lose results, and `null` where there is no step.
 * @param isMeasured whether a result was measured here since, not read from a file
 */
export function stepArenaBack(
  now: ArenaPlanState,
  history: History<ArenaPlanState>,
  presets: readonly Preset[],
  isMeasured: (run: ArenaRun) => boolean,
): Step | string | null {
  const step = stepBack(history, now);
  if (step === null) return null;
  const { settings: before, history: next } = step;
  const fresh = now.runs.filter((run) => isMeasured(run) && !before.runs.includes(run));
  const kept = heldIn({ ...now, runs: fresh }, before, presets);
  const lost = fresh.length - kept.length;
  if (lost > 0)
    return `Undo ends here: ${lost === 1 ? '1 result was' : `${lost} results were`} measured since, of contenders or on a number of problems that the arena did not have before. Download the arena to keep them, and change the form by hand.`;
  const back = before.runs.filter((run) => !kept.some((one) => isSameRun(one, run)));
  const why = conflict(back, kept);
  if (why !== null)
    return `Undo ends here: the results that it would bring back cannot stand beside those measured since (${why}).`;
  return { plan: { ...before, runs: [...back, ...kept] }, history: next };
}

/** The plan one step forward, with the results that it had. */
export function stepArenaForward(now: ArenaPlanState, history: History<ArenaPlanState>): Step | null {
  const step = stepForward(history, now);
  return step && { plan: step.settings, history: step.history };
}
