import type { RunResult } from '../contract/events';
import { methodOf } from '../contract/methods/index';
import { type BySeed, comparePaired, ENOUGH_SEEDS, summariseSeeds } from '../contract/seeds';
import { RESAMPLES } from '../contract/statistics';
import { type Command, type CommandInput, type Contender, orFailed, unobserved } from './command';
import { type EvalFile, type EvalRun, evalFile } from './eval-file';
import { evalTable } from './eval-table';
import { asksForItems, evaluateItems } from './evaluation';

/**
 * Runs every contender on every seed: the accuracy of each run, and for each contender its statistics over
 * seeds and its difference, paired by seed, from each reference. Seeds are the outer loop, so that contenders
 * can be compared on the same seeds after an interruption. After each run everything so far is saved. For
 * single problems, see `evaluateItems`.
 */
export const evaluate: Command = async (input) => {
  if (asksForItems(input.evaluation)) return evaluateItems(input);
  const { workbench, contenders, seeds, threads, pair, say, save, onEvent } = input;
  const models = Object.fromEntries(pair.models.map(({ name, sha256 }) => [name, sha256]));
  const file = { models, ...evalFile(input.earlier, { contenders, models, threads, say }) };
  const { runs } = file;
  const references = referencesOf(input);
  if (seeds.length < ENOUGH_SEEDS)
    say(
      `${seeds.length} ${seeds.length === 1 ? 'seed' : 'seeds'}: ${ENOUGH_SEEDS} or more are recommended, since runs differ more between seeds than between problems`,
    );
  const outcome = () => report(contenders, references, seeds, file);
  for (const [i, seed] of seeds.entries())
    for (const { name, config } of contenders) {
      if (runs.some((run) => run.name === name && run.seed === seed)) continue;
      say(`${name}, seed ${seed} (${i + 1} of ${seeds.length})`);
      const made = await orFailed(() =>
        workbench.distil(unobserved({ ...config, seed }), { report: onEvent }),
      );
      const run = 'failed' in made ? made : figuresOf(made);
      runs.push({ name, seed, ...run });
      say(`${name}, seed ${seed}: ${'failed' in run ? run.failed : percent(run.accuracy)}`);
      await save(outcome());
    }
  return outcome();
};

/** @throws an error if no held-out problems were answered */
function figuresOf({ heldOut, teacher, seconds, steps }: RunResult): Omit<EvalRun, 'name' | 'seed'> {
  if (!heldOut || !teacher)
    throw new Error('data.heldOut is 0; eval needs held-out problems, for example --set data.heldOut=1000');
  return {
    accuracy: heldOut.share,
    correct: heldOut.correct,
    total: heldOut.total,
    teacher: teacher.share,
    steps,
    seconds,
  };
}

/** What the others are compared with: the baseline, and every preset of the method under study. */
function referencesOf({ contenders, baseline, methods, say }: CommandInput): Contender[] {
  const role = ({ config }: Contender) => methodOf(config.method, methods).comparedAs;
  const base = contenders.find((contender) =>
    baseline === undefined ? role(contender) === 'baseline' : contender.name === baseline,
  );
  if (!base && baseline !== undefined)
    throw new Error(
      `--baseline ${JSON.stringify(baseline)} is not among what is run: ${contenders.map(({ name }) => name).join(', ')}`,
    );
  if (!base) {
    const usual = methods.filter(({ comparedAs }) => comparedAs === 'baseline').map(({ label }) => label);
    say(`no baseline: ${usual.join(' or ')} is not among what is run; name another with --baseline`);
  }
  const subjects = contenders.filter((contender) => role(contender) === 'subject' && contender !== base);
  return base ? [base, ...subjects] : subjects;
}

function report(
  contenders: readonly Contender[],
  references: readonly Contender[],
  seeds: readonly number[],
  file: EvalFile,
) {
  const { runs } = file;
  // If a file is continued with fewer seeds or contenders, only those requested are summarised; the rest is kept.
  const figures = (name: string): BySeed =>
    new Map(
      runs.flatMap((run) =>
        run.name === name && run.accuracy !== undefined && seeds.includes(run.seed)
          ? [[run.seed, run.accuracy] as const]
          : [],
      ),
    );
  const methods = contenders.map(({ name }) => {
    const bySeed = figures(name);
    return {
      name,
      accuracy: Object.fromEntries(bySeed),
      failed: runs.filter((run) => run.name === name && run.failed !== undefined && seeds.includes(run.seed)),
      overSeeds: bySeed.size > 0 ? summariseSeeds(bySeed) : null,
      differences: references.flatMap((reference) => {
        const paired = reference.name === name ? null : comparePaired(bySeed, figures(reference.name));
        return paired ? [{ from: reference.name, ...paired }] : [];
      }),
    };
  });
  const teacher = runs.find((run) => run.teacher !== undefined)?.teacher ?? null;
  const problems = runs.find((run) => run.total !== undefined)?.total ?? 0;
  const summary = {
    seeds,
    problems,
    statistics: {
      unit: 'seed',
      interval: '95 % percentile bootstrap over seeds',
      resamples: RESAMPLES,
    },
    teacher,
    methods,
  };
  return { ...summary, ...file, table: evalTable(summary) };
}

const percent = (share: number | undefined): string =>
  share === undefined ? 'no figure' : `${(100 * share).toFixed(1)} %`;
