import { readFile } from 'node:fs/promises';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { RunConfig } from '../contract/config';
import type { Methods } from '../contract/methods/method';
import { Rng } from '../engine/base/rng';
import { readJson } from '../text/json';
import { type Command, orFailed, unobserved } from './command';
import { configurationOf } from './configuration';

/**
 * A search space: every method gets the same number of trials, drawn from lists of values. All trials train
 * on the first seed, the best of each method also on the others. Only validation problems are ever answered.
 */
const spaceSchema = z.strictObject({
  seeds: z
    .array(z.int().min(0))
    .min(1)
    .refine((seeds) => new Set(seeds).size === seeds.length, 'each seed may occur only once'),
  /** Number of trials per method. */
  trials: z.int().min(1).max(1000),
  /** Number of trials per method that are trained on every seed. */
  finalists: z.int().min(1),
  /** Seed for drawing the trials' values. */
  seed: z.int().min(0).default(1),
  /** Settings of all runs, by path. */
  set: z.record(z.string(), z.unknown()).default({}),
  methods: z.record(
    z.string(),
    z.strictObject({
      preset: z.string(),
      /** Values to draw from, by path of the setting. */
      choices: z.record(z.string(), z.array(z.unknown()).min(1)),
    }),
  ),
});
type Space = z.infer<typeof spaceSchema>;

const runSchema = z.object({
  method: z.string(),
  trial: z.int(),
  seed: z.int(),
  set: z.record(z.string(), z.unknown()),
  /** Share of validation problems answered correctly at the end; absent if the run failed. */
  accuracy: z.number().optional(),
  /** The same at every evaluation during training. */
  curve: z.array(z.tuple([z.int(), z.number()])).optional(),
  seconds: z.number().optional(),
  failed: z.string().optional(),
});
type SearchRun = z.infer<typeof runSchema>;

/** What is saved after every run. */
const fileSchema = z.object({
  models: z.record(z.string(), z.string()),
  space: z.unknown(),
  runs: z.array(runSchema),
});

interface Trial {
  readonly set: Readonly<Record<string, unknown>>;
  readonly config: RunConfig;
}

/** All trials, before any is trained. @throws an error for a setting that the method lacks, or a value outside its range */
async function trialsOf(space: Space, methods: Methods): Promise<ReadonlyMap<string, readonly Trial[]>> {
  const trials = new Map<string, Trial[]>();
  for (const [name, { preset }] of Object.entries(space.methods)) {
    const of: Trial[] = [];
    for (let trial = 0; trial < space.trials; trial++) {
      const set = drawn(space, name, trial);
      const changes = Object.entries({ ...space.set, ...set }).map(
        ([at, value]) => `${at}=${JSON.stringify(value)}`,
      );
      const { config } = await configurationOf({ preset: [preset], set: changes }, methods);
      if (config.data.validation === 0 || config.evaluation.every === 0)
        throw new Error(
          `${name} has no validation problems to be compared by; set data.validation, for example to 200, and evaluation.every above 0`,
        );
      // Held-out problems stay unseen.
      of.push({ set, config: unobserved({ ...config, data: { ...config.data, heldOut: 0 } }) });
    }
    trials.set(name, of);
  }
  return trials;
}

/** The trial's values: the preset's own for the first, then drawn; the same space gives the same draws. */
function drawn(space: Space, method: string, trial: number): Record<string, unknown> {
  if (trial === 0) return {};
  const rng = new Rng(space.seed).fork(`${method} ${trial}`);
  const { choices } = space.methods[method] as Space['methods'][string];
  return Object.fromEntries(Object.entries(choices).map(([path, values]) => [path, rng.pick(values)]));
}

/**
 * A random search over settings, with one round of successive halving; `--resume` continues from the file of
 * --out.
 */
export const search: Command = async (input) => {
  const { workbench, methods, pair, space: path, say, save, onEvent } = input;
  if (path === undefined) throw new Error('search needs --space with a file that describes the search space');
  const space = await readSpace(path);
  const models = Object.fromEntries(pair.models.map(({ name, sha256 }) => [name, sha256]));
  const runs = earlierRuns(input.earlier, { models, space });
  const names = Object.keys(space.methods);
  const trials = await trialsOf(space, methods);
  const run = async (method: string, trial: number, seed: number): Promise<void> => {
    if (runs.some((known) => known.method === method && known.trial === trial && known.seed === seed)) return;
    const { set, config } = (trials.get(method) as readonly Trial[])[trial] as Trial;
    const made = await trained(workbench, { ...config, seed }, onEvent);
    runs.push({ method, trial, seed, set, ...made });
    const told = made.failed ?? `${((made.accuracy ?? 0) * 100).toFixed(1)} %`;
    say(`${method}, trial ${trial}, seed ${seed}: ${told} ${JSON.stringify(set)}`);
    await save({ models, space, runs });
  };
  const [first, ...others] = space.seeds as [number, ...number[]];
  for (let trial = 0; trial < space.trials; trial++) for (const name of names) await run(name, trial, first);
  const ofTrial = (method: string, trial: number): SearchRun[] =>
    runs.filter((each) => each.method === method && each.trial === trial && space.seeds.includes(each.seed));
  /** The mean over its seeds; a failed run counts as 0. */
  const score = (method: string, trial: number): number => {
    const of = ofTrial(method, trial);
    return of.reduce((sum, { accuracy = 0 }) => sum + accuracy, 0) / Math.max(1, of.length);
  };
  const best = (name: string, among: readonly number[]): number[] =>
    [...among].sort((a, b) => score(name, b) - score(name, a));
  const all = Array.from({ length: space.trials }, (_, trial) => trial);
  const finalists = names.map((name) => [name, best(name, all).slice(0, space.finalists)] as const);
  for (const seed of others)
    for (const [name, trials] of finalists) for (const trial of trials) await run(name, trial, seed);
  const chosen = finalists.map(([method, trials]) => {
    const [trial = 0] = best(method, trials);
    const accuracy = ofTrial(method, trial).map((each) => [each.seed, each.accuracy ?? null] as const);
    return { method, trial, set: drawn(space, method, trial), mean: score(method, trial), accuracy };
  });
  return { models, space, runs, chosen };
};

async function readSpace(path: string): Promise<Space> {
  let json: unknown;
  try {
    json = readJson(await readFile(path));
  } catch (cause) {
    throw new Error(`--space ${path} cannot be read: ${(cause as Error).message}`, { cause });
  }
  const parsed = spaceSchema.safeParse(json);
  if (!parsed.success) throw new Error(`--space ${path}:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** The runs saved by an earlier search. @throws an error if that had another space or other models */
function earlierRuns(earlier: unknown, now: { readonly models: object; readonly space: Space }): SearchRun[] {
  if (earlier === undefined) return [];
  const parsed = fileSchema.safeParse(earlier);
  if (!parsed.success)
    throw new Error(`--resume: the file is not one that search wrote:\n${z.prettifyError(parsed.error)}`);
  const { runs, ...then } = parsed.data;
  for (const what of ['models', 'space'] as const)
    if (!isDeepStrictEqual(then[what], now[what]))
      throw new Error(
        `--resume: the runs of the file were made with another ${what === 'space' ? 'space' : 'pair of models'}; choose another --out`,
      );
  return runs;
}

/** The validation accuracy of one run. A run that diverges, or a method that cannot use its settings, is a result. */
async function trained(
  workbench: Parameters<Command>[0]['workbench'],
  config: RunConfig,
  onEvent: Parameters<Command>[0]['onEvent'],
): Promise<Pick<SearchRun, 'accuracy' | 'curve' | 'seconds' | 'failed'>> {
  const curve: [number, number][] = [];
  return orFailed(async () => {
    const { seconds } = await workbench.distil(config, {
      report: (event) => {
        onEvent(event);
        if (event.kind === 'evaluation' && event.set === 'validation')
          curve.push([event.step, event.accuracy.share]);
      },
    });
    return { accuracy: curve.at(-1)?.[1], curve, seconds: seconds.train };
  });
}
