import { readFile } from 'node:fs/promises';
import { ablationsOf, planOf } from '../contract/ablations';
import {
  type Arena,
  type ArenaRun,
  readArenaFile,
  remaining,
  rowOf,
  type Standing,
  standings,
} from '../contract/arena';
import { axisPoints, offAxis, PARTS, UNITS } from '../contract/arena-axis';
import { onSameProblems, otherModels } from '../contract/arena-checks';
import { remainingKept } from '../contract/arena-kept';
import { arenaNote, markdownOf } from '../contract/arena-table';
import type { EvaluationEvent, RunEvent } from '../contract/events';
import type { Methods } from '../contract/methods/method';
import type { SeedSummary } from '../contract/seeds';
import { markdownRows } from '../text/markdown';
import { type Command, orFailed, unobserved } from './command';
import { override } from './configuration';
import { evalTable } from './eval-table';

/**
 * Runs every contender of an arena file, or of an ablation, on every seed that has no run yet. --out is an
 * arena file again, which the page opens and which can be continued.
 */
export const arena: Command = async (input) => {
  const { workbench, pair, say, save, onEvent } = input;
  const { arena: planned, notes } = await plannedOf(input);
  for (const note of notes) say(note);
  const runs: ArenaRun[] = [...planned.runs];
  const soFar = (): Arena => ({ ...planned, runs });
  const checkModels = (models: Parameters<typeof otherModels>[1]): void => {
    const other = otherModels(runs, models);
    if (other) throw Object.assign(new Error(`--plan: ${other.message}`), { hint: other.hint });
  };
  checkModels(pair.models);
  const left = remaining(soFar());
  say(`${runs.length} runs done, ${left.length} left`);
  for (const { name, run } of remainingKept(planned))
    say(
      `${name} is a student that a browser keeps (run ${run}): it answers in that browser, and has no figures here`,
    );
  for (const [i, { contender, seed }] of left.entries()) {
    const { name, config } = contender;
    const evaluations: EvaluationEvent[] = [];
    const report = (event: RunEvent): void => {
      onEvent(event);
      if (event.kind === 'evaluation') evaluations.push(event);
    };
    const made = await orFailed(() => workbench.distil(unobserved({ ...config, seed }), { report }));
    const row: ArenaRun =
      'failed' in made
        ? { name, seed, ...made }
        : onSameProblems(rowOf(name, seed, made, evaluations), { runs });
    checkModels(Object.entries(row.models ?? {}).map(([model, sha256]) => ({ name: model, sha256 })));
    runs.push(row);
    const share =
      row.correct !== undefined && row.total
        ? `${((100 * row.correct) / row.total).toFixed(1)} %`
        : row.failed;
    say(`${i + 1} of ${left.length}: ${name}, seed ${seed}: ${share}`);
    await save({ arena: 1, ...soFar() });
  }
  const whole = soFar();
  const found = standings(whole);
  return {
    arena: 1,
    ...whole,
    standings: found.map(plainly),
    table: [
      markdownOf(found, arenaNote(whole, found)),
      '',
      bySeedTable(whole, found),
      ...axisTable(whole),
    ].join('\n'),
  };
};

type Planned = { readonly arena: Arena; readonly notes: readonly string[] };

async function plannedOf({
  methods,
  plan,
  ablation,
  seeds,
  isSeeded,
  training,
}: Parameters<Command>[0]): Promise<Planned> {
  if ((plan === undefined) === (ablation === undefined))
    throw new Error(
      'arena needs --plan with a file that was downloaded from the Arena, or --ablation with the name of a paper’s ablation',
    );
  if (plan !== undefined) {
    if (isSeeded || training.set.length > 0)
      throw new Error('--plan contains its own seeds and settings: --seeds and --set are for --ablation');
    return readPlan(plan, await readFile(plan), methods);
  }
  const found = ablationsOf(methods).find(({ id }) => id === ablation);
  if (!found)
    throw new Error(
      `--ablation ${JSON.stringify(ablation)}; there are ${ablationsOf(methods)
        .map(({ id }) => id)
        .join(', ')}`,
    );
  const filled = planOf(found, methods, isSeeded ? seeds : undefined);
  const changed = filled.contenders.map(({ name, config }) => ({
    name,
    ...override(config, training.set, methods),
  }));
  return {
    arena: {
      ...filled,
      contenders: changed.map(({ name, config }) => ({ name, config })),
      runs: [],
    },
    notes: [`${found.name}: ${found.about}`, ...new Set(changed.flatMap(({ notes }) => notes))],
  };
}

function readPlan(path: string, bytes: Uint8Array, methods: Methods) {
  try {
    return readArenaFile(bytes, methods);
  } catch (error) {
    throw new Error(`--plan ${path}: ${(error as Error).message}`, { cause: error });
  }
}

const plainly = ({ accuracy, ...rest }: Standing) => ({
  ...rest,
  accuracy: Object.fromEntries(accuracy),
});

/** The results of an ablation, point by point, as Markdown. */
function axisTable(arena: Arena): string[] {
  const { axis } = arena;
  if (!axis) return [];
  const unit = UNITS[axis.measure];
  const write = (value: number) =>
    axis.measure === 'accuracy' ? (100 * value).toFixed(1) : Number(value.toPrecision(3)).toString();
  const cell = (s: SeedSummary | null): string =>
    s === null
      ? '–'
      : `${write(s.median)}${s.medianInterval ? ` [${write(s.medianInterval.low)}, ${write(s.medianInterval.high)}]` : ''}`;
  const rows = axisPoints(arena).map(({ name, parts }) => [
    name,
    ...parts.map(({ overSeeds }) => cell(overSeeds)),
  ]);
  const head = [axis.label, ...PARTS[axis.measure].map(({ label }) => `${label}, median [95 %] (${unit})`)];
  const missing = offAxis(arena);
  return ['', ...markdownRows(head, rows), ...(missing ? ['', missing] : [])];
}

/** The same with every seed's accuracy, as `eval` prints it. */
const bySeedTable = (arena: Arena, found: readonly Standing[]): string =>
  evalTable({
    seeds: arena.seeds,
    problems: arena.runs.find(({ total }) => total !== undefined)?.total ?? 0,
    teacher: null,
    methods: found.map(({ name, kept, accuracy, failed, overSeeds, against }) => ({
      ...{ name: kept ? `${name}, kept student of seed ${kept.seed}` : name, overSeeds },
      // Why a kept student did not answer is said below the first table.
      failed: kept ? [] : failed,
      accuracy: Object.fromEntries(accuracy),
      differences: against ? [{ from: arena.baseline, ...against }] : [],
    })),
  });
