import type { ThoughtCondition, ThoughtTestRequest } from '../../../contract/thought-test';
import { Rng } from '../../base/rng';
import type { ReasonOptions } from '../../decode/reason';
import { type Reasoning, withThoughts } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { projectThoughts, thoughtDirections } from './projected';
import { lengthOf, meanThoughts, replaceThoughts, type Thoughts } from './replaced';

/** What is fed in a condition, and for which problems. */
export interface Prepared {
  readonly condition: ThoughtCondition;
  /** Replaces the problems' own reasoning. */
  readonly reasoning?: Reasoning;
  readonly problems: readonly number[];
  /** What is fed as a thought of these problems in place of their own; by default nothing is replaced. */
  readonly given?: (problems: readonly number[]) => ReasonOptions['given'];
  readonly directions?: number;
}

export interface PrepareOptions {
  readonly reasoning: Reasoning;
  /** Reference answers, by problem. */
  readonly answers: readonly string[];
  /** The pause's embedding, [H]. */
  readonly pause: Float32Array;
  /** Rows of the decoder. */
  readonly batch: number;
  readonly device?: Device | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What every condition feeds. */
export async function prepare(
  conditions: readonly ThoughtCondition[],
  { seed, ranks }: ThoughtTestRequest,
  thoughts: Thoughts,
  { reasoning, answers, pause, batch: B, device, signal }: PrepareOptions,
): Promise<Prepared[]> {
  const all = answers.map((_, b) => b);
  const having = (count: number): number[] => all.filter((b) => lengthOf(thoughts, b) >= count);
  const means = meanThoughts(thoughts);
  const rng = (what: string): Rng => new Rng(seed).fork(what);
  const hasRanks = conditions.some(({ kind }) => kind === 'directions');
  const found = hasRanks
    ? await thoughtDirections(thoughts, Math.max(...ranks), rng('directions'), { device, signal })
    : null;
  const fed =
    (values: Float32Array<ArrayBuffer>) =>
    (rows: readonly number[]) =>
    (thought: number): Float32Array<ArrayBuffer> =>
      rowsAt(thoughts, values, rows, thought - 1, B);
  return conditions.flatMap((condition): Prepared[] => {
    switch (condition.kind) {
      case 'count':
        return [{ condition, reasoning: withThoughts(reasoning, condition.thoughts), problems: all }];
      case 'one': {
        const t = condition.thought - 1;
        const { hidden: H } = thoughts;
        const mean = means.subarray(t * H, (t + 1) * H);
        // Thoughts that are refined together are all computed before the first is fed.
        const others = reasoning.stages.some(({ kind }) => kind === 'jacobi') ? fed(thoughts.values) : null;
        const given = (rows: readonly number[]) => (thought: number) =>
          thought === condition.thought ? repeated(mean, B) : others?.(rows)(thought);
        return [{ condition, problems: having(condition.thought), given }];
      }
      case 'replaced': {
        const { values, problems } = replaceThoughts(thoughts, condition.by, {
          ...{ rng: rng(condition.by), answers, pause },
        });
        return [{ condition, problems, given: fed(values) }];
      }
      case 'directions': {
        if (!found) return [];
        const { values, directions } = projectThoughts(thoughts, found, condition.of, condition.rank);
        return [{ condition, problems: having(1), given: fed(values), directions }];
      }
      default:
        return [];
    }
  });
}

/** Thought t of the batch's problems, [B, H], padded with copies of the first row. */
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
