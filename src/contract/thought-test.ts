import type { Accuracy } from './events';
import type { CausalDirections, Subject } from './lens';
import { ALPHA, compareOutcomes, discordant, MARGIN, type PairedComparison } from './paired';
import type { ProblemSource } from './problem-source';
import { bootstrapInterval, type Interval, mean } from './statistics';

/**
 * Do a student's thoughts matter? The same problems are answered with its thoughts as they are and with thoughts changed in
 * many ways, and every problem is compared with itself. In all conditions but `count` and `one`, the thoughts that are fed
 * are those of the straight run, changed: nothing is made anew in between, so that only what is fed differs.
 */
export type ThoughtCondition =
  /** K thoughts as the student makes them. */
  | { readonly kind: 'straight' }
  /** Another number of thoughts, made by the student, before the answer prompt. */
  | { readonly kind: 'count'; readonly thoughts: number }
  /** All thoughts are replaced. */
  | { readonly kind: 'replaced'; readonly by: Replacement }
  /** Thought k is replaced by its mean over the problems; those after it are made anew where they are made from it. */
  | { readonly kind: 'one'; readonly thought: number }
  /** Every thought is projected onto `rank` directions around the mean thought; the leading ones are the thoughts' own. */
  | { readonly kind: 'directions'; readonly of: CausalDirections; readonly rank: number };

/**
 * zero: nothing is fed but zeros. mean: each thought's mean over the problems. noise: normal noise of the same norm.
 * permuted: the same thoughts in another order. same-answer, other-answer: the thoughts of another problem with the same or
 * with another answer. pause: the embedding of one and the same token at every place.
 */
export const REPLACEMENTS = [
  'zero',
  'mean',
  'noise',
  'permuted',
  'same-answer',
  'other-answer',
  'pause',
] as const;
export type Replacement = (typeof REPLACEMENTS)[number];

/** Replacements after which nothing of the problem is left in what is fed, and which are vectors that a model is used to. */
export const TELLING: readonly Replacement[] = ['mean', 'noise', 'other-answer', 'pause'];

export interface ThoughtTestRequest {
  /** A student, one of its checkpoints, or an opened model. */
  readonly subject: Subject;
  readonly source: ProblemSource;
  readonly problems: number;
  /** Of noise, permutations, partners and random directions. */
  readonly seed: number;
  /** Numbers of directions. */
  readonly ranks: readonly number[];
}

/** One condition on the problems it could be applied to. */
export interface ThoughtTestPoint {
  readonly condition: ThoughtCondition;
  /** Positions in the list of problems: all, unless some have no partner. */
  readonly problems: readonly number[];
  /** By problem: 1 for right, 0 for wrong. */
  readonly outcomes: Uint8Array;
  /** By problem: 1 where another answer is given than straight. */
  readonly changed: Uint8Array;
  /** By problem: KL(straight ‖ condition) of the answer's first token, in nats. */
  readonly divergence: Float32Array;
  readonly accuracy: Accuracy;
  /** Number of directions kept: more than `rank` where as many random ones are needed for the same energy. */
  readonly directions?: number;
}

export interface ThoughtTestReport {
  readonly request: ThoughtTestRequest;
  /** `student`, … */
  readonly label: string;
  readonly model: string;
  /** K, or the most of a student that stops by itself. */
  readonly thoughts: number;
  /** By problem, of a student that stops by itself: how many it takes. */
  readonly lengths?: readonly number[];
  /** Whether the thoughts are fixed tokens, the same for every problem. */
  readonly fixed: boolean;
  /** Ids of the problems. */
  readonly ids: readonly string[];
  /** The token whose embedding is the pause. */
  readonly pause: string;
  readonly straight: ThoughtTestPoint;
  readonly points: readonly ThoughtTestPoint[];
  /** What was not tried, and why. */
  readonly notes: readonly string[];
  readonly results: IntermediateResults;
  readonly milliseconds: number;
}

/** Results of reference steps, and how many of them are seen at the thoughts. */
export interface ResultsFound {
  readonly results: number;
  /** In the thoughts of their problem. */
  readonly found: number;
  /** When each problem is given another’s thoughts: what chance and common numbers give. */
  readonly foundElsewhere: number;
}

/**
 * How often a reference result of a step is seen at the thoughts: among the five most probable tokens where it is one token
 * (CODI, table 3), and among the numbers that greedy decoding writes from those tokens on where it is more.
 */
export interface IntermediateResults {
  /** Tokens looked at for each thought. */
  readonly top: number;
  /** By steps of the reference rationale: problems of so many that are answered rightly, and their results of one token. */
  readonly bySteps: readonly (ResultsFound & {
    readonly steps: number;
    readonly problems: number;
    /** Their results of several tokens. */
    readonly long: ResultsFound;
  })[];
  /** Steps of these problems that have no result to look for. */
  readonly leftOut: number;
  /** Every problem, answered rightly or not. */
  readonly items: readonly {
    /** Its position in the list of problems. */
    readonly problem: number;
    /** At each thought, and after the last: the most probable tokens, and the numbers written from them on. */
    readonly thoughts: readonly { readonly tokens: readonly string[]; readonly numbers: readonly string[] }[];
    readonly results: readonly {
      readonly result: string;
      /** Whether it is more than one token. */
      readonly isLong: boolean;
      /** At which thoughts it is seen, from 1; after the last is one more. */
      readonly found: readonly number[];
      /** Whether it is seen in the thoughts that the problem is given as a control. */
      readonly isElsewhere: boolean;
    }[];
  }[];
}

/** What a comparison with the straight run says. */
export type Finding = 'loss' | 'gain' | 'none' | 'undecided';

/** A condition against the straight run on the same problems. */
export interface ThoughtComparison extends PairedComparison {
  readonly condition: ThoughtCondition;
  /** 95 % bootstrap interval of `difference` over problems; `null` for fewer than two. `interval`, by which is judged, is Tango's. */
  readonly bootstrap: Interval | null;
  /** Share of problems that are answered differently. */
  readonly changed: number;
  /** Mean divergence in nats, with its 95 % bootstrap interval over problems; `null` for fewer than two problems. */
  readonly divergence: number;
  readonly divergenceInterval: Interval | null;
  /**
   * A loss or gain is found where p < `ALPHA`; none is established where the interval excludes a loss of `MARGIN`; all else
   * is undecided.
   */
  readonly finding: Finding;
}

/** Every condition against the straight run, problem by problem. */
export function compareThoughts({
  straight,
  points,
}: Pick<ThoughtTestReport, 'straight' | 'points'>): ThoughtComparison[] {
  const compared = compareOutcomes(
    points.map(({ problems, outcomes }) =>
      discordant(
        outcomes,
        problems.map((i) => straight.outcomes[i] as number),
      ),
    ),
  );
  return points.map(({ condition, changed, divergence, problems, outcomes }, i) => {
    const paired = compared[i] as PairedComparison;
    const values = Array.from(divergence);
    const differences = problems.map((at, j) => (outcomes[j] as number) - (straight.outcomes[at] as number));
    return {
      ...{ condition, ...paired },
      bootstrap: bootstrapInterval(differences, mean, 2000),
      changed: mean(Array.from(changed)),
      divergence: mean(values),
      divergenceInterval: bootstrapInterval(values, mean, 2000),
      finding: findingOf(paired),
    };
  });
}

function findingOf({ difference, interval, p }: PairedComparison): Finding {
  if (p < ALPHA) return difference < 0 ? 'loss' : 'gain';
  return interval.low > -MARGIN ? 'none' : 'undecided';
}

/** What the report establishes about a student's thoughts. */
export interface ThoughtVerdict {
  /**
   * used: every telling replacement costs answers; unused: for every one of them a loss is excluded; partly: some cost
   * answers and for others a loss is excluded; undecided: anything else.
   */
  readonly content: 'used' | 'unused' | 'partly' | 'undecided';
  readonly byReplacement: Readonly<Partial<Record<Replacement, Finding>>>;
  /** Answering without any thought, against K of them. */
  readonly without: Finding | undefined;
  /** Thoughts, from 1, whose replacement alone costs answers, and those for which a loss is excluded. */
  readonly matter: readonly number[];
  readonly spare: readonly number[];
}

/** @param comparisons of `compareThoughts`: of fixed tokens there are fewer telling replacements */
export function verdictOf(comparisons: readonly ThoughtComparison[]): ThoughtVerdict {
  const byReplacement: Partial<Record<Replacement, Finding>> = {};
  let without: Finding | undefined;
  const [matter, spare]: [number[], number[]] = [[], []];
  for (const { condition, finding } of comparisons) {
    if (condition.kind === 'replaced') byReplacement[condition.by] = finding;
    if (condition.kind === 'count' && condition.thoughts === 0) without = finding;
    if (condition.kind === 'one' && finding === 'loss') matter.push(condition.thought);
    if (condition.kind === 'one' && finding === 'none') spare.push(condition.thought);
  }
  const telling = TELLING.flatMap((by) => byReplacement[by] ?? []);
  const every = (wanted: Finding) => telling.length > 0 && telling.every((finding) => finding === wanted);
  const some = (wanted: Finding) => telling.includes(wanted);
  const content = every('loss')
    ? 'used'
    : telling.length > 0 && telling.every((finding) => finding === 'none' || finding === 'gain')
      ? 'unused'
      : some('loss') && some('none')
        ? 'partly'
        : 'undecided';
  return { content, byReplacement, without, matter, spare };
}
