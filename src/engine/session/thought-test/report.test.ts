import { describe, expect, it } from 'vitest';
import { compareThoughts, verdictOf } from '../../../contract/thought-test';
import { verdictSentences } from '../../../contract/thought-test-words';
import type { HostTensor } from '../../base/dtype';
import { CancelledError } from '../../base/errors';
import { Rng } from '../../base/rng';
import type { Decoder, DecoderInput } from '../../decode/decoder';
import type { Reasoning } from '../../decode/reasoning';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { type ThoughtTestOf, thoughtTestReport } from './report';

/**
 * Students made so that the truth about their thoughts is known. Each is asked for a digit that its question names, makes
 * K thoughts of 12 numbers, the second of which holds that digit, and answers by its own rule.
 */
const [B, S, K, H, V] = [4, 3, 3, 12, 24];
const END = 1;
const PROMPT = [20, 21];
const tokenOf = (digit: number) => 10 + digit;

interface Row {
  readonly digit: number;
  readonly thoughts: readonly Float32Array[];
  readonly said: number;
}

type Rule = (row: Row) => number;

const strongest = (x: Float32Array | undefined): number =>
  x ? x.subarray(0, 10).reduce((best, value, i) => (value > (x[best] as number) ? i : best), 0) : 0;

const reasoning: Reasoning = {
  adapters: [],
  stages: [{ kind: 'latents', steps: K, feedback: { kind: 'hidden' } }],
};

function student(rule: Rule) {
  let alive = 0;
  const stateOf = (rows: readonly Row[]) => {
    alive++;
    return { tensors: { rows }, rows, room: 99, dispose: () => void alive-- };
  };
  type State = ReturnType<typeof stateOf>;
  const thought = ({ digit, thoughts }: Row): Float32Array => {
    const rng = new Rng(100 * digit + thoughts.length);
    const z = Float32Array.from({ length: H }, () => 0.1 * rng.normal());
    z[thoughts.length === 1 ? digit : 10] = 3;
    return z;
  };
  const own = (rows: readonly Row[]): Float32Array<ArrayBuffer> =>
    Float32Array.from(rows.flatMap((row) => [...thought(row)]));
  const host = (data: ArrayLike<number>) => ({ read: async () => data, dispose: () => undefined });
  const next = (row: Row): number => (row.said === 0 ? tokenOf(rule(row)) : END);
  const decoder = {
    shape: { batch: B, question: S, config: { vocabSize: V, hiddenSize: H } },
    async begin(ids: HostTensor) {
      const digits = Array.from({ length: B }, (_, b) => ids.data[b * S + S - 1] as number);
      return stateOf(digits.map((digit) => ({ digit, thoughts: [], said: 0 })));
    },
    async advance({ rows }: State, input: DecoderInput) {
      if (typeof input === 'object' && 'tokens' in input) {
        const isSaid = !PROMPT.includes(input.tokens[0] as number);
        return stateOf(rows.map((row) => ({ ...row, said: row.said + (isSaid ? 1 : 0) })));
      }
      const fed = 'vector' in input ? input.vector : own(rows);
      return stateOf(
        rows.map((row, b) => ({ ...row, thoughts: [...row.thoughts, fed.slice(b * H, (b + 1) * H)] })),
      );
    },
    async read(key: string, _program: unknown, { rows }: State['tensors']) {
      if (key.startsWith('z ')) return { z: host(own(rows)) };
      if (key === 'next') {
        const ids = rows.map(next);
        return { id: host(Int32Array.from(ids)), logProbability: host(new Float32Array(B)) };
      }
      if (key === 'logits') {
        const logits = new Float32Array(B * V);
        rows.forEach((row, b) => {
          logits[b * V + next(row)] = 8;
        });
        return { 0: host(logits) };
      }
      // The most probable tokens at a thought name what it holds.
      const ids = rows.flatMap(({ thoughts }) => Array.from({ length: 5 }, () => strongest(thoughts.at(-1))));
      return {
        ids: host(Int32Array.from(ids)),
        logProbabilities: host(new Float32Array(5 * B)),
        entropy: host(new Float32Array(B)),
      };
    },
  };
  return { decoder: decoder as unknown as Decoder, alive: () => alive };
}

const tokenizer = {
  vocabSize: V,
  decode: (ids: readonly number[]) => ids.map((id) => String(id - 10)).join(' '),
  encode: (step: string) => [Number(/=(\d+)/.exec(step)?.[1])],
  tokenText: (id: number) => String(id),
} as unknown as Tokenizer;

const N = 90;

function setOf(rule: Rule): ThoughtTestOf & { alive: () => number } {
  const { decoder, alive } = student(rule);
  const rng = new Rng(5);
  const digits = Array.from({ length: N }, () => rng.integer(0, 9));
  return {
    ...{ decoder, alive, tokenizer, reasoning, limit: 3, endIds: [END] },
    codec: { prompt: PROMPT, padId: 0 },
    problems: digits.map((digit) => ({ tokens: { question: [digit] }, answer: String(digit) })),
    label: 'student',
    model: 'made',
    ids: digits.map((_, i) => `held-out-${i}`),
    steps: digits.map((digit) => [`<<0+${digit}=${digit}>>`]),
    pause: { text: '.', embedding: new Float32Array(H) },
  };
}

const request = { subject: { kind: 'student' }, problems: N, seed: 3, ranks: [] } as const;

async function verdictOn(rule: Rule) {
  const set = setOf(rule);
  const report = await thoughtTestReport(set, request);
  const comparisons = compareThoughts(report);
  const verdict = verdictOf(comparisons);
  expect(set.alive()).toBe(0);
  return { report, verdict, text: verdictSentences(report, comparisons, verdict).join(' ') };
}

describe('the report tells the truth about', () => {
  it('a student that ignores its thoughts', async () => {
    const { report, verdict, text } = await verdictOn(({ digit }) => digit);
    expect(report.straight.accuracy.share).toBe(1);
    expect(verdict).toMatchObject({ content: 'unused', without: 'none', matter: [], spare: [1, 2, 3] });
    expect(text).toContain('What the thoughts hold is not used');
    expect(text).toContain('it does not need them');
    expect(text).toContain('No single thought matters on its own.');
    expect(report.points.every(({ divergence }) => divergence.every((value) => value === 0))).toBe(true);
  });

  it('a student of whose thoughts only the second matters', async () => {
    const { report, verdict, text } = await verdictOn(({ thoughts }) => strongest(thoughts[1]));
    expect(report.straight.accuracy.share).toBe(1);
    expect(verdict).toMatchObject({ content: 'used', without: 'loss', matter: [2], spare: [1, 3] });
    expect(verdict.byReplacement).toMatchObject({ 'same-answer': 'none', permuted: 'loss' });
    expect(text).toContain(
      'Replacing thought 2 alone costs answers; replacing thoughts 1 and 3 alone costs none.',
    );
    expect(text).toContain('what is used of them is the answer');
    // With two thoughts or more the second is there.
    const byCount = report.points.flatMap(({ condition, accuracy }) =>
      condition.kind === 'count' ? [[condition.thoughts, accuracy.share]] : [],
    );
    for (const [thoughts, share] of byCount)
      if ((thoughts as number) >= 2) expect(share).toBe(1);
      else expect(share).toBeLessThan(0.3);
    // Its result is read from its own thoughts, and by chance from those of another, whose other thoughts hold noise.
    const [results] = report.results.bySteps;
    expect(results?.found).toBe(N);
    expect(results?.foundElsewhere).toBeLessThan(N / 2);
  });

  it('a student that needs the positions and not what they hold', async () => {
    const { verdict, text } = await verdictOn(({ digit, thoughts }) =>
      thoughts.length === K ? digit : 9 - digit,
    );
    expect(verdict).toMatchObject({ content: 'unused', without: 'loss' });
    expect(text).toContain('what counts is the positions, not what they hold');
  });
});

it('feeds the student’s own thoughts again without any difference', async () => {
  const { report } = await verdictOn(({ thoughts }) => strongest(thoughts[1]));
  const same = report.points.find(({ condition }) => condition.kind === 'one' && condition.thought === 1);
  expect(same?.changed.every((one) => one === 0)).toBe(true);
});

it('feeds no prompt to a student that writes it itself, as its evaluation does', async () => {
  const set = setOf(({ thoughts }) => strongest(thoughts[1]));
  const fed = new Set<number>();
  const { advance } = set.decoder;
  set.decoder.advance = (state, input, options) => {
    if ('tokens' in input) for (const id of input.tokens) fed.add(id);
    return advance.call(set.decoder, state, input, options);
  };
  const explicit = { ...set, reasoning: { ...reasoning, explicit: true } };
  const { straight } = await thoughtTestReport(explicit, request);
  expect(straight.accuracy.share).toBe(1);
  expect(fed.size).toBeGreaterThan(0);
  expect(PROMPT.filter((id) => fed.has(id))).toEqual([]);
  expect(set.alive()).toBe(0);
});

it('can be cancelled, and leaves nothing behind', async () => {
  const set = setOf(({ digit }) => digit);
  const abort = new AbortController();
  const report = thoughtTestReport({ ...set, signal: abort.signal }, request, {
    signal: abort.signal,
    report: ({ done }) => done > N && abort.abort(),
  });
  await expect(report).rejects.toBeInstanceOf(CancelledError);
  expect(set.alive()).toBe(0);
});

it('refuses students without thoughts, and those whose thoughts are fixed tokens', async () => {
  const set = setOf(({ digit }) => digit);
  const none = { ...set, reasoning: { adapters: [], stages: [] } };
  await expect(thoughtTestReport(none, request)).rejects.toThrow('the student has no thoughts');
  const fixed: Reasoning = { adapters: [], stages: [{ kind: 'tokens', ids: [5, 5], thoughts: true }] };
  await expect(thoughtTestReport({ ...set, reasoning: fixed }, request)).rejects.toThrow('are fixed tokens');
});
