import { describe, expect, it } from 'vitest';
import { InputError } from '../base/errors';
import { Rng } from '../base/rng';
import { HIDDEN } from '../base/tokens';
import { batchIndices, layoutOf, leftPad, tokenBatch } from './batch';
import type { ProblemCodec, TokenProblem } from './tokens';

const PAD = 99;
const END = 1;
const codec: ProblemCodec = {
  prompt: [50, 51, 52],
  padId: PAD,
  endId: END,
  question: () => [],
  encode: () => ({ question: [], rationale: [], steps: [], answer: [] }),
};
const problems: TokenProblem[] = [
  { question: [10, 11, 12], rationale: [20, 21, 22, 23], steps: [[20, 21], [23]], answer: [30, END] },
  { question: [13], rationale: [24], steps: [[24]], answer: [31, 32, END] },
];
const layout = layoutOf(problems, codec, 2);
const rows = (tensor: { shape: readonly number[]; data: ArrayLike<number> }): number[][] => {
  const width = tensor.shape[tensor.shape.length - 1] as number;
  return Array.from({ length: tensor.data.length / width }, (_, b) =>
    Array.from({ length: width }, (_, j) => tensor.data[b * width + j] as number),
  );
};

describe('layoutOf', () => {
  it('is the smallest that holds every problem', () => {
    // R: the longest rationale with its own answer, 4 + 2, and the prompt's 3.
    expect(layout).toEqual({ batch: 2, question: 3, prompt: 3, answer: 3, explicit: 9 });
    expect(layoutOf(problems.slice(1), codec, 5)).toEqual({
      batch: 5,
      question: 1,
      prompt: 3,
      answer: 3,
      explicit: 7,
    });
  });

  it('refuses no samples', () => {
    expect(() => layoutOf([], codec, 2)).toThrow(InputError);
    expect(() => layoutOf([], codec, 2)).toThrow('there are no samples');
  });
});

describe('leftPad', () => {
  it('right-aligns each question and masks the padding before it', () => {
    const { ids, keyMask } = leftPad([[5, 6], [7, 8, 9, 4], []], 4, PAD);
    expect(ids).toMatchObject({ dtype: 'i32', shape: [3, 4] });
    expect(keyMask).toMatchObject({ dtype: 'f32', shape: [3, 1, 1, 4] });
    expect(rows(ids)).toEqual([
      [PAD, PAD, 5, 6],
      [7, 8, 9, 4],
      [PAD, PAD, PAD, PAD],
    ]);
    expect(rows(keyMask)).toEqual([
      [HIDDEN, HIDDEN, 0, 0],
      [0, 0, 0, 0],
      [HIDDEN, HIDDEN, HIDDEN, HIDDEN],
    ]);
  });

  it('refuses a question that does not fit', () => {
    const pad = () => leftPad([[1], [1, 2, 3]], 2, PAD);
    expect(pad).toThrow(InputError);
    expect(pad).toThrow('a question has 3 tokens; at most 2 fit');
  });
});

describe('tokenBatch', () => {
  const batch = tokenBatch(problems, codec, layout);

  it('has prompt and answer as targets, and the prompt’s last token among the explicit ids', () => {
    expect(rows(batch.reply.targets)).toEqual([
      [50, 51, 52, 30, END, PAD],
      [50, 51, 52, 31, 32, END],
    ]);
    expect(rows(batch.reply.weights)[0]?.at(-1)).toBe(0);
    expect(
      rows(batch.reply.weights)
        .flat()
        .reduce((sum, x) => sum + x, 0),
    ).toBeCloseTo(1, 6);
    expect(Array.from(batch.explicit.anchors.data)).toEqual([6, 3]);
    Array.from(batch.explicit.anchors.data).forEach((at, b) => {
      expect(rows(batch.explicit.ids)[b]?.[at]).toBe(52);
    });
  });

  it('feeds prompt and answer without the last token; targets are the answer', () => {
    expect(batch.answer.ids.shape).toEqual([2, 5]);
    expect(rows(batch.answer.ids)).toEqual([
      [50, 51, 52, 30, PAD],
      [50, 51, 52, 31, 32],
    ]);
    expect(rows(batch.answer.targets)).toEqual([
      [30, END, PAD],
      [31, 32, END],
    ]);
  });

  it('feeds rationale, prompt and answer; every one of them is a target', () => {
    expect(rows(batch.explicit.targets)).toEqual([
      [20, 21, 22, 23, 50, 51, 52, 30, END],
      [24, 50, 51, 52, 31, 32, END, PAD, PAD],
    ]);
    expect(rows(batch.explicit.ids)).toEqual([
      [20, 21, 22, 23, 50, 51, 52, 30],
      [24, 50, 51, 52, 31, 32, PAD, PAD],
    ]);
    expect(rows(batch.question.ids)).toEqual([
      [10, 11, 12],
      [PAD, PAD, 13],
    ]);
  });

  it('weighs real targets equally and padding not at all, summing to 1', () => {
    for (const [part, count] of [
      [batch.answer, 5],
      [batch.explicit, 16],
    ] as const) {
      const targets = rows(part.targets).flat();
      rows(part.weights)
        .flat()
        .forEach((weight, i) => {
          expect(weight).toBe(targets[i] === PAD ? 0 : Math.fround(1 / count));
        });
      expect(
        rows(part.weights)
          .flat()
          .reduce((a, b) => a + b, 0),
      ).toBeCloseTo(1, 6);
    }
  });

  it('refuses a sample that does not fit, rather than write it into the next one', () => {
    const long = (part: Partial<TokenProblem>): TokenProblem => ({
      ...(problems[0] as TokenProblem),
      ...part,
    });
    for (const sample of [long({ answer: [1, 2, 3, 4] }), long({ rationale: [1, 2, 3, 4, 5] })]) {
      const pack = () => tokenBatch([sample, problems[1] as TokenProblem], codec, layout);
      expect(pack).toThrow(InputError);
      expect(pack).toThrow('at most');
    }
  });
});

describe('batchIndices', () => {
  it.each([
    [7, 3],
    [4, 4],
    [5, 1],
    [3, 8],
    [1, 2],
  ])('of %i samples by %i: full batches, and every index once an epoch', (n, batch) => {
    const at = batchIndices(new Rng(3), n, batch);
    const flat = Array.from({ length: 6 * n }, (_, t) => at(t)).flat();
    expect(flat).toHaveLength(6 * n * batch);
    for (let epoch = 0; epoch < 6 * batch; epoch++)
      expect([...flat.slice(epoch * n, (epoch + 1) * n)].sort((a, b) => a - b)).toEqual(
        Array.from({ length: n }, (_, i) => i),
      );
  });

  it('depends only on the seed and on t', () => {
    const inOrder = batchIndices(new Rng(3), 11, 4);
    const list = Array.from({ length: 20 }, (_, t) => inOrder(t));
    const backwards = batchIndices(new Rng(3), 11, 4);
    for (let t = 19; t >= 0; t--) expect(backwards(t)).toEqual(list[t]);
    const used = new Rng(3);
    used.uniform();
    expect(batchIndices(used, 11, 4)(13)).toEqual(list[13]);
    expect(Array.from({ length: 20 }, (_, t) => batchIndices(new Rng(4), 11, 4)(t))).not.toEqual(list);
  });

  it('orders epochs differently', () => {
    const at = batchIndices(new Rng(3), 16, 16);
    expect(new Set([0, 1, 2, 3].map((t) => at(t).join())).size).toBe(4);
  });
});
