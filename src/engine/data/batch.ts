import type { GraphHostTensor, HostTensor } from '../base/dtype';
import { InputError } from '../base/errors';
import type { Rng } from '../base/rng';
import { HIDDEN, type TokenBatch, type TokenLayout, type TokenTargets } from '../base/tokens';
import type { ProblemCodec, TokenProblem } from './tokens';

/** The smallest layout that holds every problem, for batches of size `batch`. */
export function layoutOf(
  problems: readonly TokenProblem[],
  codec: Pick<ProblemCodec, 'prompt'>,
  batch: number,
): TokenLayout {
  if (problems.length === 0) throw new InputError('there are no samples', 'Choose at least one.');
  const longest = (length: (p: TokenProblem) => number): number => Math.max(...problems.map(length));
  return {
    batch,
    question: longest((p) => p.question.length),
    prompt: codec.prompt.length,
    answer: longest((p) => p.answer.length),
    explicit: longest((p) => p.rationale.length + p.answer.length) + codec.prompt.length,
  };
}

/** Left-padded ids [B, S] and their additive key mask [B, 1, 1, S]. @throws InputError if a question is longer than S */
export function leftPad(
  questions: readonly (readonly number[])[],
  S: number,
  padId: number,
): { ids: GraphHostTensor; keyMask: GraphHostTensor } {
  const B = questions.length;
  const ids = new Int32Array(B * S).fill(padId);
  const mask = new Float32Array(B * S).fill(HIDDEN);
  questions.forEach((question, b) => {
    const gap = S - question.length;
    if (gap < 0)
      throw new InputError(
        `a question has ${question.length} tokens; at most ${S} fit`,
        'Shorten the question.',
      );
    ids.set(question, b * S + gap);
    mask.fill(0, b * S + gap, (b + 1) * S);
  });
  return {
    ids: { dtype: 'i32', shape: [B, S], data: ids },
    keyMask: { dtype: 'f32', shape: [B, 1, 1, S], data: mask },
  };
}

/** Right-padded inputs [B, width] and targets [B, count], with weights summing to 1. @throws InputError if a row is longer */
function rightPad(
  rows: readonly { readonly input: readonly number[]; readonly target: readonly number[] }[],
  width: number,
  count: number,
  padId: number,
) {
  const B = rows.length;
  const ids = new Int32Array(B * width).fill(padId);
  const targets = new Int32Array(B * count).fill(padId);
  const weights = new Float32Array(B * count);
  const total = rows.reduce((n, row) => n + row.target.length, 0);
  rows.forEach(({ input, target }, b) => {
    if (input.length > width || target.length > count)
      throw new InputError(
        `a sample has ${input.length} tokens after its question and ${target.length} targets; at most ${width} and ${count} fit`,
        'Shorten its rationale or its answer.',
      );
    ids.set(input, b * width);
    targets.set(target, b * count);
    weights.fill(1 / total, b * count, b * count + target.length);
  });
  return {
    ids: { dtype: 'i32', shape: [B, width], data: ids } as HostTensor,
    targets: { dtype: 'i32', shape: [B, count], data: targets } as HostTensor,
    weights: { dtype: 'f32', shape: [B, count], data: weights } as HostTensor,
  };
}

const targetsOf = ({ targets, weights }: TokenTargets): TokenTargets => ({ targets, weights });

/** Problems as one batch in a layout. The last token of each sequence is only a target. */
export function tokenBatch(
  problems: readonly TokenProblem[],
  codec: Pick<ProblemCodec, 'prompt' | 'padId'>,
  layout: TokenLayout,
): TokenBatch {
  const { prompt } = codec;
  const answers = problems.map(({ answer }) => ({
    input: [...prompt, ...answer.slice(0, -1)],
    target: answer,
  }));
  const replies = problems.map(({ answer }) => ({ input: [], target: [...prompt, ...answer] }));
  const anchors = Int32Array.from(problems, ({ rationale }) => rationale.length + prompt.length - 1);
  const explicit = problems.map(({ rationale, answer }) => {
    const all = [...rationale, ...prompt, ...answer];
    return { input: all.slice(0, -1), target: all };
  });
  return {
    question: leftPad(
      problems.map((p) => p.question),
      layout.question,
      codec.padId,
    ),
    answer: rightPad(answers, layout.prompt + layout.answer - 1, layout.answer, codec.padId),
    reply: targetsOf(rightPad(replies, 0, layout.prompt + layout.answer, codec.padId)),
    explicit: {
      ...rightPad(explicit, layout.explicit - 1, layout.explicit, codec.padId),
      anchors: { dtype: 'i32', shape: [problems.length], data: anchors },
    },
  };
}

/**
 * A batch as n of equal size, in its order. Weights are n times as large, so that the mean of the parts' losses is that of
 * the whole.
 */
export function splitBatch({ question, answer, reply, explicit }: TokenBatch, n: number): TokenBatch[] {
  const part = (host: HostTensor, i: number, factor = 1) => partOf(host, n, i, factor);
  const targets = (of: TokenTargets, i: number): TokenTargets => ({
    targets: part(of.targets, i),
    weights: part(of.weights, i, n),
  });
  return Array.from({ length: n }, (_, i) => ({
    question: { ids: part(question.ids, i), keyMask: part(question.keyMask, i) },
    answer: { ids: part(answer.ids, i), ...targets(answer, i) },
    reply: targets(reply, i),
    explicit: {
      ...{ ids: part(explicit.ids, i), anchors: part(explicit.anchors, i) },
      ...targets(explicit, i),
    },
  }));
}

/**
 * Inputs of a batch, with its rows first, as those of n parts of it.
 * @param means names of those that are weights of a mean over the batch: they are n times as large
 */
export const splitInputs = (
  inputs: Readonly<Record<string, HostTensor>>,
  n: number,
  means: readonly string[] = [],
): Record<string, HostTensor>[] =>
  Array.from({ length: n }, (_, i) =>
    Object.fromEntries(
      Object.entries(inputs).map(([name, host]) => [name, partOf(host, n, i, means.includes(name) ? n : 1)]),
    ),
  );

/** Part i of n of a tensor's rows, times a factor. */
function partOf({ shape, dtype, data: all }: HostTensor, n: number, i: number, factor: number): HostTensor {
  const [B, ...rest] = shape as [number, ...number[]];
  const size = all.length / n;
  const data = all.slice(i * size, (i + 1) * size);
  return {
    dtype,
    shape: [B / n, ...rest],
    data: factor === 1 ? data : data.map((x) => x * factor),
  } as HostTensor;
}

/**
 * Batches of indices: a new seeded shuffle of 0…n−1 per epoch, epochs joined end to end so that every batch is full.
 * Batch t depends on the seed and t alone.
 */
export function batchIndices(rng: Rng, n: number, batch: number): (t: number) => number[] {
  const epochs: number[][] = [];
  const all = Array.from({ length: n }, (_, i) => i);
  const at = (position: number): number => {
    const epoch = Math.floor(position / n);
    while (epochs.length <= epoch) epochs.push(rng.fork(`epoch ${epochs.length}`).shuffle(all));
    return (epochs[epoch] as number[])[position % n] as number;
  };
  return (t) => Array.from({ length: batch }, (_, i) => at(t * batch + i));
}
