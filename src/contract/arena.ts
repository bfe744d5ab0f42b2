import { z } from 'zod';
import { readJson } from '../text/json';
import { quote, shorten } from '../text/quote';
import { unequalTerms } from './arena-terms';
import { type RunConfig, readConfigSchema } from './config';
import type { EvaluationEvent, RunResult } from './events';
import { AROUND_LATENTS, meanLength } from './lengths';
import { MEASURES, type Measure } from './methods/ablations/ablation';
import { METHODS } from './methods/index';
import type { Methods } from './methods/method';
import { holm } from './paired';
import {
  type BySeed,
  comparePaired,
  type PairedSummary,
  pairedDifferences,
  type SeedSummary,
  signFlip,
  summariseSeeds,
} from './seeds';
import { count } from './settings';
import { mean } from './statistics';
import { WEIGHT_STORAGES, type WeightStorage } from './weight-storage';

/** Methods compared on equal terms: every contender on every seed, on the same samples and problems. */
export interface ArenaPlan {
  readonly contenders: readonly ArenaContender[];
  readonly seeds: readonly number[];
  /** Name of the contender that the others are compared with. */
  readonly baseline: string;
  /** Of an ablation: what is drawn against what. */
  readonly axis?: ArenaAxis | undefined;
  /** Kept students beside the contenders: they answer the same problems, and are not trained. */
  readonly kept?: readonly KeptContender[] | undefined;
}

export interface ArenaAxis {
  /** Id of the ablation. */
  readonly ablation: string;
  /** What is varied. */
  readonly label: string;
  readonly measure: Measure;
  /** Where each contender stands on the axis, by name; without it they stand in their order. */
  readonly places?: Readonly<Record<string, number>> | undefined;
  readonly log?: boolean | undefined;
}

export interface ArenaContender {
  readonly name: string;
  readonly config: RunConfig;
}

/** The student of a run that a browser keeps, beside the contenders. It stands for one seed, that of its run. */
export interface KeptContender {
  readonly name: string;
  /** Id of the run. */
  readonly run: string;
  /** That it was trained with. */
  readonly seed: number;
  /** Values that were trained, if its run ended. */
  readonly trainable?: number | undefined;
}

/** One run: a contender on a seed. */
export interface ArenaRun {
  readonly name: string;
  readonly seed: number;
  /** Held-out accuracy; absent if the run failed. */
  readonly correct?: number | undefined;
  readonly total?: number | undefined;
  /** Why there is no figure. */
  readonly failed?: string | undefined;
  /** Seconds of reading the teacher and its factors, and of the steps. */
  readonly teacherSeconds?: number | undefined;
  readonly trainSeconds?: number | undefined;
  /** Of everything that was answered meanwhile and at the end; absent from files of earlier versions. */
  readonly evaluateSeconds?: number | undefined;
  readonly trainable?: number | undefined;
  /** Thoughts before the answer; the mean where their number depends on the problem. */
  readonly thoughts?: number | undefined;
  /** Tokens of a rationale that it writes before its answer, the mean over held-out problems; absent where it writes none. */
  readonly written?: number | undefined;
  /** Of the held-out problems, those right while the student writes its rationale (LoRi-E), where that was asked for. */
  readonly explicit?: number | undefined;
  /** Milliseconds of an answer to a held-out problem, of those answered at once. */
  readonly answerMilliseconds?: number | undefined;
  /** Weights of the pair, by name. */
  readonly models?: Readonly<Record<string, string>> | undefined;
  /** How the layers' matrices of an opened base were kept meanwhile. */
  readonly storage?: WeightStorage | undefined;
  /** Identifies the problems that were held out. */
  readonly problems?: string | undefined;
}

export interface Arena extends ArenaPlan {
  readonly runs: readonly ArenaRun[];
}

export const MAX_CONTENDERS = 24;
export const MAX_ARENA_SEEDS = 100;
/** Seeds that a run may have. */
export const SEED_ENDS = [0, 2 ** 31 - 1] as const;

const seed = count(...SEED_ENDS);
const share = z.int().min(0).max(1e6);
const seconds = z.number().min(0).max(1e9);
const runSchema = z
  .object({
    name: z.string().max(200),
    seed,
    correct: share.optional(),
    total: share.optional(),
    failed: z.string().max(2000).optional(),
    teacherSeconds: seconds.optional(),
    trainSeconds: seconds.optional(),
    evaluateSeconds: seconds.optional(),
    trainable: z.int().min(0).optional(),
    thoughts: z.number().min(0).max(1e6).optional(),
    written: z.number().min(0).max(1e6).optional(),
    explicit: share.optional(),
    answerMilliseconds: seconds.optional(),
    models: z.record(z.string(), z.string()).optional(),
    storage: z.enum(WEIGHT_STORAGES).optional(),
    problems: z.string().max(64).optional(),
  })
  .refine(
    // A run that was stopped has no total.
    ({ correct = 0, explicit = 0, total = Number.POSITIVE_INFINITY }) => Math.max(correct, explicit) <= total,
    { message: 'more right answers than problems' },
  );

const keptSchema = z.object({
  name: z.string().min(1).max(200),
  run: z.string().min(1).max(100),
  seed,
  trainable: z.int().min(0).optional(),
});

const axisSchema = z.object({
  ablation: z.string().max(200),
  label: z.string().max(200),
  measure: z.enum(MEASURES),
  places: z.record(z.string(), z.number()).optional(),
  log: z.boolean().optional(),
});

/** What a file of an arena holds: what repeats it, and what it found. */
const fileSchemaOf = (methods: Methods) =>
  z
    .object({
      arena: z.literal(1),
      contenders: z
        .array(z.object({ name: z.string().min(1).max(200), config: readConfigSchema(methods) }))
        .max(MAX_CONTENDERS),
      seeds: z.array(seed).max(MAX_ARENA_SEEDS),
      baseline: z.string().max(200),
      axis: axisSchema.optional(),
      kept: z.array(keptSchema).max(MAX_CONTENDERS).default([]),
      runs: z.array(runSchema).default([]),
    })
    .superRefine(({ contenders, kept, seeds, baseline, runs }, context) => {
      const refuse = (message: string, ...path: (string | number)[]) =>
        context.addIssue({ code: 'custom', message, path });
      const names = contenders.map(({ name }) => name);
      const all = [...names, ...kept.map(({ name }) => name)];
      const twice = all.findIndex((name, i) => all.indexOf(name) !== i);
      const place = twice - names.length;
      if (twice >= 0 && place < 0) refuse(`${quote(all[twice])} occurs twice`, 'contenders', twice, 'name');
      if (place >= 0) refuse(`${quote(all[twice])} occurs twice`, 'kept', place, 'name');
      const again = seeds.findIndex((one, i) => seeds.indexOf(one) !== i);
      if (again >= 0) refuse(`${seeds[again]} occurs twice`, 'seeds', again);
      const keys = runs.map((run) => `${quote(run.name)} on seed ${run.seed}`);
      const repeated = keys.findIndex((key, i) => keys.indexOf(key) !== i);
      if (repeated >= 0) refuse(`${keys[repeated]} occurs twice`, 'runs', repeated);
      // What others are compared with has every seed, which a kept student has not.
      if (names.length > 0 && !names.includes(baseline))
        refuse(`${quote(baseline)} is not among the contenders`, 'baseline');
      // Figures on different problems, or on different bases, cannot be compared.
      const other = unequalTerms(contenders.map(({ config }) => config.config));
      if (other) refuse(other.message, 'contenders', other.at, 'config', ...other.path);
    });

/**
 * Reads an arena's file. `notes` say what was left out of its configurations.
 * @throws Error with code `file`, naming the place, for anything that is not one
 */
export function readArenaFile(
  source: Uint8Array | string,
  methods: Methods = METHODS,
): { readonly arena: Arena; readonly notes: readonly string[] } {
  const parsed = fileSchemaOf(methods).safeParse(readJson(source));
  if (!parsed.success) {
    const { path = [], message = 'not readable' } = parsed.error.issues[0] ?? {};
    throw Object.assign(new Error(`${path.join('.') || 'the file'}: ${shorten(message, 200)}`), {
      code: 'file',
      hint: 'Choose a file that was downloaded from the Arena.',
    });
  }
  const { contenders, seeds, baseline, axis, kept, runs } = parsed.data;
  return {
    arena: {
      contenders: contenders.map(({ name, config }) => ({ name, config: config.config })),
      ...{ seeds, baseline, runs },
      ...(axis && { axis }),
      ...(kept.length > 0 && { kept }),
    },
    notes: contenders.flatMap(({ name, config }) => config.notes.map((note) => `${name}: ${note}`)),
  };
}

/** Whether a run that fails with this code is a result of its own among others: it diverged, or its method refuses the settings. */
export const isResult = (code: unknown): boolean => code === 'numeric' || code === 'config';

/** The text of an arena’s file. */
export const formatArena = ({ contenders, seeds, baseline, axis, kept, runs }: Arena): string =>
  `${JSON.stringify({ arena: 1, contenders, seeds, baseline, axis, kept, runs }, null, 1)}\n`;

/** The runs that are still to be done, in order: seeds are the outer loop, so that an arena broken off can be compared. */
export const remaining = ({
  contenders,
  seeds,
  runs,
}: Arena): { readonly contender: ArenaContender; readonly seed: number }[] =>
  seeds.flatMap((one) =>
    contenders
      .filter(({ name }) => !runs.some((run) => run.name === name && run.seed === one))
      .map((contender) => ({ contender, seed: one })),
  );

/** A finished run as a row. @param evaluations of the run */
export function rowOf(
  name: string,
  seed: number,
  result: RunResult,
  evaluations: readonly EvaluationEvent[] = [],
): ArenaRun {
  const { config, heldOut, explicit, seconds, trainable, models, status } = result;
  const answered = evaluations.findLast(({ set }) => set === 'held-out');
  const measured = answered?.lengths && meanLength(answered.lengths) - AROUND_LATENTS;
  const thoughts =
    measured ??
    result.student?.thoughts?.latentSteps ??
    ('latent' in config ? config.latent.steps : undefined);
  return {
    ...{ name, seed, trainable, models, thoughts },
    ...(result.data?.problems && { problems: result.data.problems }),
    ...(heldOut && status === 'done'
      ? { correct: heldOut.correct, total: heldOut.total }
      : { failed: status === 'done' ? 'no held-out problems were answered' : 'the run was stopped' }),
    teacherSeconds: seconds.teacher,
    trainSeconds: seconds.train,
    evaluateSeconds: seconds.evaluate,
    ...(explicit && { explicit: explicit.correct }),
    ...(answered?.written !== undefined && { written: answered.written }),
    ...(answered && { answerMilliseconds: answered.milliseconds / answered.accuracy.total }),
  };
}

/** A contender's figures over the seeds of the plan, or a kept student's on its own. */
export interface Standing {
  readonly name: string;
  /** Of a kept student. */
  readonly kept?: KeptContender | undefined;
  /** Held-out accuracy by seed. */
  readonly accuracy: BySeed;
  readonly failed: readonly ArenaRun[];
  readonly overSeeds: SeedSummary | null;
  /**
   * Against the baseline, paired by seed; `null` for the baseline itself and without a seed in common. p is `null` for a kept
   * student: on its one seed there is nothing to test.
   */
  readonly against: (PairedSummary & { readonly p: number | null }) | null;
  /** Means over the runs that did not fail; NaN without any. */
  readonly trainSeconds: number;
  readonly teacherSeconds: number;
  readonly trainable: number;
  /** Thoughts and written tokens before the answer. */
  readonly reasoning: number;
  /** Share of held-out problems right while it writes its rationale. */
  readonly explicit: number;
  readonly answerMilliseconds: number;
}

/** Thoughts and written tokens before an answer; undefined where neither is known. */
export const reasoningIn = ({ thoughts, written }: ArenaRun): number | undefined =>
  thoughts === undefined && written === undefined ? undefined : (thoughts ?? 0) + (written ?? 0);

/** A run's held-out accuracy; undefined of one that failed. */
export const accuracyIn = ({ correct, total }: ArenaRun): number | undefined =>
  correct === undefined || !total ? undefined : correct / total;

/** A figure by seed, of the runs that have it. */
export const figuresOf = (runs: readonly ArenaRun[], figure: (run: ArenaRun) => number | undefined): BySeed =>
  new Map(
    runs.flatMap((run) => {
      const value = figure(run);
      return value === undefined ? [] : [[run.seed, value] as const];
    }),
  );

/**
 * Every contender's figures, then those of the kept students. p is the exact sign-flip test of the paired differences over seeds,
 * two-sided, corrected by Holm for the number of contenders compared; kept students are not tested.
 */
export function standings({ contenders, kept = [], seeds, baseline, runs }: Arena): Standing[] {
  const ownOf = (name: string) => runs.filter((run) => run.name === name);
  const onSeeds = (name: string) => ownOf(name).filter((run) => seeds.includes(run.seed));
  const base = figuresOf(onSeeds(baseline), accuracyIn);
  const found = contenders.map(({ name }) => {
    const figures = figuresIn(name, onSeeds(name));
    const paired = name === baseline ? null : comparePaired(figures.accuracy, base);
    const p = paired ? signFlip(pairedDifferences(figures.accuracy, base)) : Number.NaN;
    return { figures, paired, p };
  });
  const compared = found.filter(({ paired }) => paired !== null);
  const adjusted = holm(compared.map(({ p }) => p));
  return [
    ...found.map((one) => ({
      ...one.figures,
      against: one.paired && { ...one.paired, p: adjusted[compared.indexOf(one)] as number },
    })),
    ...kept.map((one) => {
      const figures = figuresIn(one.name, ownOf(one.name));
      const paired = comparePaired(figures.accuracy, base);
      return { ...figures, kept: one, against: paired && { ...paired, p: null } };
    }),
  ];
}

function figuresIn(name: string, own: readonly ArenaRun[]): Omit<Standing, 'against'> {
  const accuracy = figuresOf(own, accuracyIn);
  // What a run took that was stopped, or answered nothing, is not what one takes.
  const whole = own.filter(({ failed }) => failed === undefined);
  const meanOf = (of: (run: ArenaRun) => number | undefined): number =>
    mean(whole.flatMap((run) => of(run) ?? []));
  return {
    ...{ name, accuracy },
    failed: own.filter(({ failed }) => failed !== undefined),
    overSeeds: accuracy.size > 0 ? summariseSeeds(accuracy) : null,
    trainSeconds: meanOf((run) => run.trainSeconds),
    teacherSeconds: meanOf((run) => run.teacherSeconds),
    trainable: meanOf((run) => run.trainable),
    reasoning: meanOf(reasoningIn),
    explicit: meanOf(({ explicit, total }) =>
      explicit === undefined || !total ? undefined : explicit / total,
    ),
    answerMilliseconds: meanOf((run) => run.answerMilliseconds),
  };
}

/** Seeds as `readSeeds` reads them, those in a row as a range. */
export function writeSeeds(seeds: readonly number[]): string {
  const sorted = [...new Set(seeds)].sort((a, b) => a - b);
  const starts = sorted.filter((seed, i) => sorted[i - 1] !== seed - 1);
  return starts
    .map((from, i) => {
      const next = starts[i + 1];
      const to = sorted[(next === undefined ? sorted.length : sorted.indexOf(next)) - 1] as number;
      return from === to ? `${from}` : `${from}-${to}`;
    })
    .join(', ');
}

/** `1-10, 20`: seeds as typed. `error` names what is not one. */
export function readSeeds(text: string): { readonly seeds: number[]; readonly error: string | null } {
  const seeds = new Set<number>();
  for (const part of text.split(/[\s,;]+/).filter(Boolean)) {
    const found = /^(\d{1,10})(?:-(\d{1,10}))?$/.exec(part);
    const [from, to] = [Number(found?.[1]), Number(found?.[2] ?? found?.[1])];
    if (!found || to < from || to > SEED_ENDS[1] || to - from >= MAX_ARENA_SEEDS)
      return {
        seeds: [],
        error: `“${part.slice(0, 20)}” is not a seed; write numbers from ${SEED_ENDS[0]} to ${SEED_ENDS[1]} and ranges such as 1-10.`,
      };
    for (let one = from; one <= to; one++) seeds.add(one);
  }
  if (seeds.size === 0) return { seeds: [], error: 'Give one seed at least.' };
  if (seeds.size > MAX_ARENA_SEEDS)
    return { seeds: [], error: `${seeds.size} seeds; at most ${MAX_ARENA_SEEDS} are run.` };
  return { seeds: [...seeds].sort((a, b) => a - b), error: null };
}
