import type { CallOptions } from '../../../contract/calls';
import type { Progress } from '../../../contract/events';
import type {
  ThoughtCondition,
  ThoughtTestPoint,
  ThoughtTestReport,
  ThoughtTestRequest,
} from '../../../contract/thought-test';
import { InputError } from '../../base/errors';
import { Rng } from '../../base/rng';
import { expectWhole } from '../../base/whole';
import { topTokens, vectorOf } from '../../decode/readout';
import { type ReasonOptions, reasonFrom } from '../../decode/reason';
import {
  feedbackOf,
  isThought,
  type Reasoning,
  stopsByItself,
  thoughtsIn,
  withSteps,
} from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';
import type { Device } from '../../device/device';
import { shareOf } from '../../eval/accuracy';
import type { Feedback } from '../../nn/feedback';
import { type Answerer, answersOf, type BatchAnswers, divergenceOf, inBatches } from './answers';
import { conditionsFor } from './conditions';
import { projectThoughts, thoughtDirections } from './projected';
import { meanThoughts, replaceThoughts, type Thoughts } from './replaced';
import { intermediateResults, TOP } from './results';

export const MAX_PROBLEMS = 1000;

/** Everything the report is made of. */
export interface ThoughtTestOf extends Answerer {
  readonly reasoning: Reasoning;
  readonly label: string;
  readonly model: string;
  readonly ids: readonly string[];
  /** Steps of the reference rationales, by problem. */
  readonly steps: readonly (readonly string[])[];
  /** The token that pauses, and its embedding [H]. */
  readonly pause: { readonly text: string; readonly embedding: Float32Array };
  readonly device?: Device | undefined;
}

/** @throws InputError for impossible values, or a student whose reasoning this test cannot change */
export function checkThoughts(
  request: ThoughtTestRequest,
  reasoning: Reasoning,
  H: number,
  label: string,
): void {
  expectWhole('problems', request.problems, 2, MAX_PROBLEMS);
  expectWhole('seed', request.seed, 0, 2 ** 31 - 1);
  for (const rank of request.ranks) expectWhole('rank', rank, 1, H - 1);
  if (thoughtsIn(reasoning) === 0)
    throw new InputError(
      `the ${label} has no thoughts: it answers directly`,
      'Choose a student that was trained with latent steps.',
    );
  if (reasoning.explicit)
    throw new InputError(
      `the ${label} writes a part of its rationale after its thoughts`,
      'Choose a student that answers after its thoughts.',
    );
  if (stopsByItself(reasoning))
    throw new InputError(
      `the ${label} decides for every problem how many thoughts it takes`,
      'Choose a student with a fixed number of thoughts.',
    );
  const isFixed = reasoning.stages.some((stage) => stage.kind === 'jacobi' && stage.iterations === 0);
  if (!feedbackOf(reasoning) || isFixed)
    throw new InputError(
      `the thoughts of the ${label} are fixed tokens, the same for every problem`,
      'Choose a student whose thoughts are made from its hidden states.',
    );
}

/** Whether it can make any number of thoughts: they are all made one after another, in one stage. */
export const hasAnyNumber = ({ stages }: Reasoning): boolean =>
  stages.filter(isThought).every(({ kind }, i) => kind === 'latents' && i === 0);

/** The same reasoning with another number of thoughts, of which it must be able to make any. */
export const withThoughts = (reasoning: Reasoning, thoughts: number): Reasoning =>
  withSteps(reasoning, thoughts, feedbackOf(reasoning) as Feedback);

/** What is fed in a condition, and for which problems. */
interface Prepared {
  readonly condition: ThoughtCondition;
  readonly reasoning: Reasoning;
  readonly problems: readonly number[];
  /** What is fed as a thought of these rows in place of their own, by default nothing. */
  readonly given?: (rows: readonly number[]) => ReasonOptions['given'];
  readonly directions?: number;
}

/**
 * Answers the problems under every condition of the contract. First all are read once for their thoughts; then, batch by
 * batch, every condition goes on from the same state after the question.
 * @throws InputError, CancelledError, NumericError
 */
export async function thoughtTestReport(
  of: ThoughtTestOf,
  request: ThoughtTestRequest,
  { signal, report }: CallOptions<Progress> = {},
): Promise<ThoughtTestReport> {
  const start = performance.now();
  const { decoder, problems, reasoning } = of;
  const { hiddenSize: H } = decoder.shape.config;
  checkThoughts(request, reasoning, H, of.label);
  const K = thoughtsIn(reasoning);
  const canCount = hasAnyNumber(reasoning);
  const conditions = conditionsFor(K, request.ranks, canCount);
  const total = problems.length * (conditions.length + 2);
  let done = 0;
  const tell = (more: number): void => {
    done += more;
    report?.({ phase: 'thoughts', done, total, unit: 'problems', elapsed: performance.now() - start });
  };
  tell(0);
  const read = await readThoughts(of, tell);
  const prepared = await prepare(of, request, conditions, read.thoughts, signal);
  const all = problems.map((_, b) => b);
  const straight = new Collected({ kind: 'straight' }, all);
  const points = prepared.map(
    ({ condition, problems: own, directions }) => new Collected(condition, own, directions),
  );
  await inBatches(of, async (question, rows) => {
    const base = await answersOf(of, question, rows, reasoning);
    straight.add(rows, base, base, decoder.shape.batch);
    tell(rows.length);
    for (const [i, { reasoning: own, given }] of prepared.entries()) {
      const answers = await answersOf(of, question, rows, own, given?.(rows));
      points[i]?.add(rows, answers, base, decoder.shape.batch);
      tell(rows.length);
    }
  });
  const whole = straight.point();
  return {
    request,
    label: of.label,
    model: of.model,
    thoughts: K,
    ids: of.ids,
    pause: of.pause.text,
    notes: canCount
      ? []
      : [
          'Its thoughts are refined together, so that it has no other number of them: fewer and more are not tried.',
        ],
    straight: whole,
    points: points.filter((point) => point.size > 0).map((point) => point.point()),
    results: intermediateResults(
      of.tokenizer,
      { steps: of.steps, right: whole.outcomes, seen: read.seen },
      new Rng(request.seed).fork('other thoughts'),
    ),
    milliseconds: performance.now() - start,
  };
}

/** The thoughts of every problem, and the tokens most probable at them. */
async function readThoughts(of: ThoughtTestOf, tell: (rows: number) => void) {
  const { decoder, problems, reasoning } = of;
  const { hiddenSize: H } = decoder.shape.config;
  const K = thoughtsIn(reasoning);
  const thoughts: Thoughts = {
    values: new Float32Array(problems.length * K * H),
    ...{ problems: problems.length, steps: K, hidden: H },
  };
  const seen = problems.map(() => new Set<number>());
  const look = async (state: DecoderState, rows: readonly number[]): Promise<void> => {
    const top = await topTokens(decoder, state, TOP);
    rows.forEach((b, i) => {
      for (const { id } of top[i]?.top ?? []) seen[b]?.add(id);
    });
  };
  await inBatches(of, async (question, rows) => {
    const { state } = await reasonFrom(decoder, { state: question, fed: 0 }, reasoning, {
      signal: of.signal,
      onInput: async (input, { thought }, before) => {
        if (thought === undefined) return;
        const z = await vectorOf(decoder, before, input);
        rows.forEach((b, i) => {
          thoughts.values.set(z.subarray(i * H, (i + 1) * H), (b * K + thought - 1) * H);
        });
        // What the thought is made from; the last thought's own state is looked at below.
        await look(before, rows);
      },
    });
    try {
      await look(state, rows);
    } finally {
      if (state !== question) state.dispose();
    }
    tell(rows.length);
  });
  return { thoughts, seen };
}

/** What every condition feeds. */
async function prepare(
  of: ThoughtTestOf,
  { seed, ranks }: ThoughtTestRequest,
  conditions: readonly ThoughtCondition[],
  thoughts: Thoughts,
  signal: AbortSignal | undefined,
): Promise<Prepared[]> {
  const { reasoning, decoder, pause } = of;
  const answers = of.problems.map(({ answer }) => answer);
  const all = answers.map((_, b) => b);
  const means = meanThoughts(thoughts);
  const rng = (what: string): Rng => new Rng(seed).fork(what);
  const maxRank = Math.max(0, ...ranks);
  const found =
    ranks.length > 0
      ? await thoughtDirections(thoughts, maxRank, rng('directions'), { device: of.device, signal })
      : null;
  const { batch: B } = decoder.shape;
  const fed =
    (values: Float32Array<ArrayBuffer>) =>
    (rows: readonly number[]) =>
    (thought: number): Float32Array<ArrayBuffer> =>
      rowsAt(thoughts, values, rows, thought - 1, B);
  return conditions.flatMap((condition): Prepared[] => {
    switch (condition.kind) {
      case 'count': {
        const own = withThoughts(reasoning, condition.thoughts);
        return [{ condition, reasoning: own, problems: all }];
      }
      case 'one': {
        const t = condition.thought - 1;
        const { hidden: H } = thoughts;
        const mean = means.subarray(t * H, (t + 1) * H);
        // Thoughts that are refined together are all made before the first is fed.
        const others = reasoning.stages.some(({ kind }) => kind === 'jacobi') ? fed(thoughts.values) : null;
        const given = (rows: readonly number[]) => (thought: number) =>
          thought === condition.thought ? repeated(mean, B) : others?.(rows)(thought);
        return [{ condition, reasoning, problems: all, given }];
      }
      case 'replaced': {
        const { values, problems } = replaceThoughts(thoughts, condition.by, {
          ...{ rng: rng(condition.by), answers, pause: pause.embedding },
        });
        return [{ condition, reasoning, problems, given: fed(values) }];
      }
      case 'directions': {
        if (!found) return [];
        const { values, directions } = projectThoughts(thoughts, found, condition.of, condition.rank);
        return [{ condition, reasoning, problems: all, given: fed(values), directions }];
      }
      default:
        return [];
    }
  });
}

/** Thought t of the batch's problems, [B, H]; copies of the first row fill it up. */
function rowsAt(
  { steps: K, hidden: H }: Thoughts,
  values: Float32Array<ArrayBuffer>,
  rows: readonly number[],
  t: number,
  B: number,
): Float32Array<ArrayBuffer> {
  const out = new Float32Array(B * H);
  for (let i = 0; i < B; i++) {
    const from = ((rows[i] ?? (rows[0] as number)) * K + t) * H;
    out.set(values.subarray(from, from + H), i * H);
  }
  return out;
}

function repeated(vector: Float32Array, B: number): Float32Array<ArrayBuffer> {
  const out = new Float32Array(B * vector.length);
  for (let b = 0; b < B; b++) out.set(vector, b * vector.length);
  return out;
}

/** What a condition gives, batch after batch. */
class Collected {
  private readonly outcomes: number[] = [];
  private readonly changed: number[] = [];
  private readonly divergence: number[] = [];
  private readonly included: ReadonlySet<number>;

  constructor(
    private readonly condition: ThoughtCondition,
    private readonly problems: readonly number[],
    private readonly directions?: number,
  ) {
    this.included = new Set(problems);
  }

  get size(): number {
    return this.problems.length;
  }

  add(rows: readonly number[], answers: BatchAnswers, straight: BatchAnswers, B: number): void {
    rows.forEach((b, i) => {
      if (!this.included.has(b)) return;
      this.outcomes.push(answers.right[i] ? 1 : 0);
      this.changed.push(answers.values[i] === straight.values[i] ? 0 : 1);
      this.divergence.push(divergenceOf(straight.first, answers.first, i, B));
    });
  }

  point(): ThoughtTestPoint {
    const outcomes = Uint8Array.from(this.outcomes);
    return {
      condition: this.condition,
      problems: this.problems,
      outcomes,
      changed: Uint8Array.from(this.changed),
      divergence: Float32Array.from(this.divergence),
      accuracy: shareOf(outcomes),
      ...(this.directions !== undefined && { directions: this.directions }),
    };
  }
}
