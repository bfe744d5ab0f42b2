import { z } from 'zod';
import { RULE_IDS, type RuleId } from './answer-rules';
import type { LengthCount } from './events';
import { type Share, wilson } from './interval';
import { countLengths } from './lengths';
import { MAX_LATENT_STEPS } from './methods/shared';
import { once } from './once';
import { compareOutcomes, type Discordant, discordant, type PairedComparison } from './paired';
import { problemSource } from './problem-source';
import { median, quantile } from './statistics';

/**
 * How a subject answers: `latent`, after its thoughts (implicit); `explicit`, after a rationale that it writes itself; `direct`,
 * at once, with nothing between question and answer prompt (no-CoT).
 */
export const EVALUATION_MODES = ['latent', 'explicit', 'direct'] as const;
export type EvaluationMode = (typeof EVALUATION_MODES)[number];
/** As it was trained to, whichever of them that is: so a run measures its student. */
export const OWN_MODE = 'own';

const MODE_WORDS: Readonly<Record<EvaluationMode | typeof OWN_MODE, string>> = {
  latent: 'after its thoughts',
  explicit: 'after a written rationale',
  direct: 'at once',
  own: 'as it was trained to',
};

/** Most problems of one evaluation, and most that are answered at once. */
export const MAX_EVALUATED = 8192;
export const MAX_TOGETHER = 50;

/** Name of the error of an evaluation that is to go on with other weights, or other problems, than it was begun with. */
export const BEGUN_OTHERWISE = 'BegunOtherwiseError';

const id = z.string().min(1).max(200);
const identity = z.strictObject({ base: z.string(), student: z.string().nullable() });
/** Of the problems: the name of their data set, and its SHA-256, if it was opened. */
const data = z.strictObject({ name: z.string(), sha256: z.string().nullable() });

/** One subject, in one mode, on problems. */
export const evaluationRequest = once(() =>
  z.strictObject({
    subject: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('teacher') }),
      z.strictObject({ kind: z.literal('base') }),
      z.strictObject({ kind: z.literal('student'), checkpoint: z.int().optional() }),
      z.strictObject({ kind: z.literal('opened') }),
    ]),
    mode: z.enum([...EVALUATION_MODES, OWN_MODE]),
    /** Of mode `latent`: another number of thoughts than its own. */
    thoughts: z.int().min(0).max(MAX_LATENT_STEPS).optional(),
    source: problemSource,
    problems: z.int().min(1).max(MAX_EVALUATED),
    /** `set`: that of the data set. */
    rule: z.enum([...RULE_IDS, 'set']),
    /** Problems answered at once. Only alone does a problem have a time of its own. */
    together: z.int().min(1).max(MAX_TOGETHER),
    /** To go on with what was begun: problems that have been answered, and the weights and the data that the answers are of. */
    known: z.array(id).max(MAX_EVALUATED).optional(),
    identity: identity.optional(),
    data: data.optional(),
  }),
);
export type EvaluationRequest = z.infer<ReturnType<typeof evaluationRequest>>;

/** Who answers what, before the first answer. */
export interface EvaluationHead {
  /** Without what was known. */
  readonly request: Omit<EvaluationRequest, 'known' | 'identity' | 'data'>;
  /** `student`, … */
  readonly label: string;
  readonly model: string;
  readonly identity: Readonly<z.infer<typeof identity>>;
  /** K, or the most of a student that stops by itself; `null` in other modes. */
  readonly thoughts: number | null;
  /** Its own number of thoughts, and the numbers that it can be given instead; empty in other modes. */
  readonly counts: readonly number[];
  /** Whether it decides on every problem how many thoughts it takes. */
  readonly stopsByItself: boolean;
  readonly rule: RuleId;
  readonly data: Readonly<z.infer<typeof data>>;
  /** How many problems there are in all. */
  readonly total: number;
  readonly notes: readonly string[];
}

/** One problem, answered. */
export interface EvaluatedItem {
  readonly id: string;
  readonly question: string;
  /** Steps of the reference rationale. */
  readonly steps: number;
  /** The reference answer. */
  readonly answer: string;
  /** What was written, and what the rule read in it; `null` if it found nothing. */
  readonly text: string;
  readonly value: string | null;
  readonly right: boolean;
  /** Thoughts fed before it was written. */
  readonly thoughts: number;
  /** Tokens written, with the rationale where it is written, without the end token. */
  readonly tokens: number;
  /** Of these, those of a rationale that it writes. */
  readonly written?: number | undefined;
  /** From the question to the end of the answer; `null` if other problems were answered at the same time. */
  readonly milliseconds: number | null;
}

export interface Evaluation extends EvaluationHead {
  /** As far as they are answered. */
  readonly items: readonly EvaluatedItem[];
}

/** What the engine answered of an evaluation: the items that were not known, and how long they took. */
export interface Evaluated extends Evaluation {
  /** Milliseconds of answering them, without reading the model and building its programs. */
  readonly milliseconds: number;
}

export type EvaluationEvent =
  | { readonly kind: 'evaluation'; readonly head: EvaluationHead }
  | { readonly kind: 'items'; readonly items: readonly EvaluatedItem[] };

/** `its 6 thoughts`, `3 thoughts`, `at once`, … */
export function modeWords({
  request: { mode, thoughts },
  thoughts: K,
  stopsByItself,
}: EvaluationHead): string {
  if (mode !== 'latent') return MODE_WORDS[mode];
  const count = thoughts ?? K ?? 0;
  const many = `${count} ${count === 1 ? 'thought' : 'thoughts'}`;
  if (thoughts !== undefined) return `after ${thoughts === 0 ? 'no thoughts' : many}`;
  return stopsByItself ? `after at most ${many}, as it decides` : `after its ${many}`;
}

export interface EvaluationSummary {
  readonly accuracy: Share;
  /** Milliseconds of those that were answered alone; NaN without any. */
  readonly latency: { readonly count: number; readonly median: number; readonly p95: number };
  /** Medians over problems. */
  readonly tokens: number;
  readonly thoughts: number;
}

export function summarise(items: readonly EvaluatedItem[]): EvaluationSummary {
  const times = items.flatMap(({ milliseconds }) => milliseconds ?? []).sort((a, b) => a - b);
  return {
    accuracy: wilson(items.filter(({ right }) => right).length, items.length),
    latency: { count: times.length, median: median(times), p95: quantile(times, 0.95) },
    tokens: median(items.map(({ tokens }) => tokens)),
    thoughts: median(items.map(({ thoughts }) => thoughts)),
  };
}

/** Accuracy of the problems whose reference rationale has so many steps. */
export interface StepsAccuracy {
  readonly steps: number;
  readonly accuracy: Share;
}

/** Accuracy by number of steps, ascending. */
export function accuracyBySteps(items: readonly EvaluatedItem[]): StepsAccuracy[] {
  const counts = [...new Set(items.map(({ steps }) => steps))].sort((a, b) => a - b);
  return counts.map((steps) => {
    const own = items.filter((one) => one.steps === steps);
    return { steps, accuracy: wilson(own.filter(({ right }) => right).length, own.length) };
  });
}

/** How many problems took how many reasoning tokens, thoughts and written ones, ascending (adaptive latent reasoning, figure 2). */
export const reasoningLengths = (items: readonly EvaluatedItem[]): LengthCount[] =>
  countLengths(items.map(({ thoughts, written = 0, right }) => ({ length: thoughts + written, right })));

/** An evaluation with what another one of the same `evaluationKey` has answered beyond it: two tabs may answer the same. */
export function withAnswersOf(evaluation: Evaluation, other: Evaluation | undefined): Evaluation {
  const known = new Set(evaluation.items.map(({ id }) => id));
  const more = other?.items.filter((item) => !known.has(item.id)) ?? [];
  return more.length === 0 ? evaluation : { ...evaluation, items: [...evaluation.items, ...more] };
}

/** Two evaluations on the problems that both answered; p is corrected for no other comparison. */
export interface EvaluationComparison extends Discordant, PairedComparison {
  readonly bothRight: number;
  readonly bothWrong: number;
  /** Ids of the problems that only one of them gets right. */
  readonly differ: ReadonlySet<string>;
}

/** @returns `null` if no problem was answered by both, with the same question and reference answer */
export function compareEvaluations(
  first: readonly EvaluatedItem[],
  second: readonly EvaluatedItem[],
): EvaluationComparison | null {
  const byId = new Map(second.map((item) => [item.id, item]));
  const pairs = first.flatMap((one) => {
    const other = byId.get(one.id);
    return other && other.question === one.question && other.answer === one.answer ? [{ one, other }] : [];
  });
  if (pairs.length === 0) return null;
  const counts = discordant(
    pairs.map(({ one }) => Number(one.right)),
    pairs.map(({ other }) => Number(other.right)),
  );
  const bothRight = pairs.filter(({ one, other }) => one.right && other.right).length;
  return {
    ...counts,
    ...(compareOutcomes([counts])[0] as PairedComparison),
    bothRight,
    bothWrong: counts.problems - bothRight - counts.gained - counts.lost,
    differ: new Set(pairs.filter(({ one, other }) => one.right !== other.right).map(({ one }) => one.id)),
  };
}

/** Which items are shown. */
export interface ItemFilter {
  /** In question, answer or text, or the whole id; case does not matter. */
  readonly search: string;
  readonly outcome: 'all' | 'right' | 'wrong' | 'differ';
  /** Steps of the reference rationale; `null` for any number. */
  readonly steps: number | null;
}

export const NO_ITEM_FILTER: ItemFilter = { search: '', outcome: 'all', steps: null };

/** @param differ of a comparison with another evaluation */
export function filterItems(
  items: readonly EvaluatedItem[],
  { search, outcome, steps }: ItemFilter,
  differ: ReadonlySet<string> = new Set(),
): EvaluatedItem[] {
  const wanted = search.trim().toLowerCase();
  return items.filter(
    (item) =>
      (outcome === 'all' ||
        (outcome === 'differ' ? differ.has(item.id) : item.right === (outcome === 'right'))) &&
      (steps === null || item.steps === steps) &&
      (wanted === '' ||
        item.id.toLowerCase() === wanted ||
        [item.question, item.answer, item.text].some((text) => text.toLowerCase().includes(wanted))),
  );
}

const ITEM_COLUMNS = [
  'id',
  'steps',
  'question',
  'reference',
  'answer',
  'right',
  'thoughts',
  'tokens',
  'milliseconds',
  'text',
] as const;

const itemRow = (item: EvaluatedItem): (string | number | null)[] => [
  item.id,
  item.steps,
  item.question,
  item.answer,
  item.value,
  item.right ? 1 : 0,
  item.thoughts,
  item.tokens,
  item.milliseconds,
  item.text,
];

/** All items of evaluations as a table with who answered how, for a CSV file. */
export const evaluationRows = (evaluations: readonly Evaluation[]): (string | number | null)[][] => [
  ['subject', 'model', 'mode', 'asked thoughts', 'rule', ...ITEM_COLUMNS],
  ...evaluations.flatMap(({ label, model, request, rule, items }) =>
    items.map((item) => [label, model, request.mode, request.thoughts ?? null, rule, ...itemRow(item)]),
  ),
];

const item = once(() =>
  z.strictObject({
    id,
    question: z.string(),
    steps: z.int().min(0),
    answer: z.string(),
    text: z.string(),
    value: z.string().nullable(),
    right: z.boolean(),
    thoughts: z.int().min(0),
    tokens: z.int().min(0),
    written: z.int().min(0).optional(),
    milliseconds: z.number().min(0).nullable(),
  }),
);

export const evaluationSchema = once(() =>
  z.strictObject({
    request: evaluationRequest().omit({ known: true, identity: true, data: true }),
    label: z.string(),
    model: z.string(),
    identity,
    thoughts: z.int().min(0).nullable(),
    counts: z.array(z.int().min(0)),
    stopsByItself: z.boolean(),
    rule: z.enum(RULE_IDS),
    data,
    total: z.int().min(0),
    notes: z.array(z.string()),
    items: z.array(item()),
  }),
);

/** A file of evaluations, finished or not. */
export const evaluationFile = once(() => z.looseObject({ evaluations: z.array(evaluationSchema()) }));

/** Equal for equal requests, whatever the order of their parts. */
export const requestKey = (of: EvaluationHead['request']): string => {
  const { subject, mode, thoughts, source, problems, rule, together } = of;
  return JSON.stringify([
    ...[subject.kind, 'checkpoint' in subject ? subject.checkpoint : null, mode, thoughts ?? null],
    ...[source.kind, source.kind === 'rows' ? source.seed : null, problems, rule, together],
  ]);
};

/** Equal for the same weights, rule and problems. */
export const answererKey = ({ identity, rule, data, total }: EvaluationHead): string =>
  JSON.stringify([identity.base, identity.student, rule, data.name, data.sha256, total]);

/** Equal for evaluations of the same weights and problems on the same request: one can go on where the other was. */
export const evaluationKey = (of: EvaluationHead): string => `${requestKey(of.request)} ${answererKey(of)}`;
