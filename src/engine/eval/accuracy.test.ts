import { describe, expect, it } from 'vitest';
import type { HostTensor } from '../base/dtype';
import { CancelledError } from '../base/errors';
import type { ProblemCodec } from '../data/tokens';
import type { Decoder } from '../decode/decoder';
import { explicitly } from '../decode/reasoning';
import { thinking } from '../decode/reasoning.testing';
import type { Tokenizer } from '../tokenizer/tokenizer';
import { accuracy, type EvaluationOptions, outcomes } from './accuracy';

const [B, S, V, END] = [3, 4, 30, 1];
const codec = { prompt: [20, 21], padId: 0 } as unknown as ProblemCodec;
/** Knows fewer ids than the model. */
const tokenizer = {
  vocabSize: 25,
  decode: (ids: readonly number[]) => {
    if (ids.some((id) => id >= 25)) throw new Error('unknown id');
    return ids.join(' ');
  },
} as unknown as Tokenizer;

/** Stands in for a model: says 10 + the number of the question's tokens, then ends. Writes down what it is fed. */
function counter(
  say: (said: number, length: number, b: number) => number = (said, n) => (said === 0 ? 10 + n : END),
) {
  const fed: string[] = [];
  const asked: number[][] = [];
  let lengths: number[] = [];
  let alive = 0;
  /** A state is the number of tokens said so far. */
  const stateOf = (said: number) => {
    alive++;
    return { said, tensors: { said }, room: 99, dispose: () => alive-- };
  };
  type State = ReturnType<typeof stateOf>;
  const advance = async (state: State, input: { latent: unknown } | { tokens: readonly number[] }) => {
    fed.push('latent' in input ? 'latent' : input.tokens.join());
    const own = 'tokens' in input && input.tokens[0] !== 20 && input.tokens[0] !== 21;
    return stateOf(state.said + (own ? 1 : 0));
  };
  const host = (data: Int32Array | Float32Array) => ({ read: async () => data, dispose: () => undefined });
  const decoder = {
    shape: { batch: B, question: S, config: { vocabSize: V } },
    async begin(ids: HostTensor, keyMask: HostTensor) {
      fed.push('begin');
      lengths = Array.from(
        { length: B },
        (_, b) => Array.from(keyMask.data.subarray(b * S, (b + 1) * S)).filter((x) => x === 0).length,
      );
      for (let b = 0; b < B; b++) asked.push(Array.from(ids.data.subarray(b * S, (b + 1) * S)));
      return stateOf(0);
    },
    advance,
    async step(state: State, input: { latent: unknown } | { tokens: readonly number[] }) {
      const next = await advance(state, input);
      state.dispose();
      return next;
    },
    read: async (_key: string, _program: unknown, { said }: State['tensors']) => ({
      id: host(Int32Array.from(lengths, (n, b) => say(said, n, b))),
      logProbability: host(new Float32Array(B)),
    }),
  };
  return { decoder: decoder as unknown as Decoder, fed, asked, alive: () => alive };
}

const problem = (length: number, answer: string) => ({
  tokens: { question: Array.from({ length }, (_, i) => 5 + i), rationale: [], steps: [], answer: [] },
  answer,
});
/** Right: the first, the third and the last. */
const PROBLEMS = [
  problem(2, '12'),
  problem(3, '12'),
  problem(4, '14.0'),
  problem(1, 'none'),
  problem(1, '11'),
];

const options = (decoder: Decoder, over: Partial<EvaluationOptions> = {}): EvaluationOptions => ({
  decoder,
  codec,
  tokenizer,
  endIds: [END],
  problems: PROBLEMS,
  reasoning: thinking(2),
  limit: 3,
  ...over,
});

describe('accuracy', () => {
  it('counts each problem once, even if the last chunk is padded', async () => {
    const { decoder, asked } = counter();
    const told: [number, number][] = [];
    const share = await accuracy(options(decoder, { onProgress: (...x) => told.push(x) }));
    expect(share).toMatchObject({ correct: 3, total: 5, share: 0.6 });
    expect(told).toEqual([
      [3, 5],
      [5, 5],
    ]);
    // The free place repeats the chunk's first problem, which would be counted wrong.
    expect(asked.slice(3)).toEqual([
      [0, 0, 0, 5],
      [0, 0, 0, 5],
      [0, 0, 0, 5],
    ]);
  });

  it('reports which problems are right, in order', async () => {
    const right = await outcomes(options(counter().decoder));
    expect(right).toEqual(Uint8Array.of(1, 0, 1, 0, 1));
  });

  it('does not count the copies that pad a chunk', async () => {
    const share = await accuracy(options(counter().decoder, { problems: PROBLEMS.slice(0, 1) }));
    expect(share).toMatchObject({ correct: 1, total: 1 });
  });

  it('feeds K latents, then the prompt, then the generated tokens', async () => {
    const { decoder, fed } = counter();
    await accuracy(options(decoder, { problems: PROBLEMS.slice(0, 3), reasoning: thinking(2) }));
    expect(fed).toEqual(['begin', 'latent', 'latent', '20,20,20', '21,21,21', '12,13,14']);
  });

  it('feeds no latents for K = 0, and neither latents nor prompt for explicit reasoning', async () => {
    const direct = counter();
    await accuracy(options(direct.decoder, { problems: PROBLEMS.slice(0, 3), reasoning: thinking(0) }));
    expect(direct.fed).toEqual(['begin', '20,20,20', '21,21,21', '12,13,14']);
    const explicit = counter();
    await accuracy(options(explicit.decoder, { problems: PROBLEMS.slice(0, 3), reasoning: explicitly() }));
    expect(explicit.fed).toEqual(['begin', '12,13,14']);
  });

  it('counts the tokens of a rationale, up to the last answer prompt, and all where there is none', async () => {
    // Two tokens, the prompt, a third, the prompt again, the answer; the second row never says the prompt.
    const said = [7, 22, 23, 8, 22, 23, 12];
    const own = { ...codec, prompt: [22, 23] };
    const says = (n: number, _length: number, b: number) => (b === 1 && n < 7 ? 9 : (said[n] ?? END));
    const written = async (of: Partial<EvaluationOptions>): Promise<number[]> => {
      const all: number[] = [];
      const { decoder } = counter(says);
      const onOutcome: EvaluationOptions['onOutcome'] = (one) => {
        all[one.problem] = one.written;
      };
      await accuracy(
        options(decoder, { problems: PROBLEMS.slice(0, 3), codec: own, onOutcome, limit: 10, ...of }),
      );
      return all;
    };
    expect(await written({ reasoning: explicitly() })).toEqual([4, 7, 4]);
    expect(await written({ reasoning: thinking(2) })).toEqual([0, 0, 0]);
  });

  it('a text that the model writes whole is wrong without the prompt, by a rule that asks for it', async () => {
    // The second row says its number alone.
    const said = [22, 23, 12];
    const says = (n: number, _length: number, b: number) =>
      b === 1 ? (n === 0 ? 12 : END) : (said[n] ?? END);
    const judge = { rule: 'first-number', prompt: '22 23' } as const;
    const right = (reasoning: EvaluationOptions['reasoning']) =>
      outcomes(options(counter(says).decoder, { problems: PROBLEMS.slice(0, 2), judge, reasoning }));
    expect(await right(explicitly())).toEqual(Uint8Array.of(1, 0));
    expect(await right(thinking(2))).toEqual(Uint8Array.of(1, 1));
  });

  it('reads on behind an end token where two of them end the text, and no further', async () => {
    const said = [7, END, 22, 23, 12, END, 13];
    const texts: string[] = [];
    const { decoder } = counter((n) => said[n] ?? END);
    const reasoning = { ...explicitly(), ends: 2 };
    const problems = PROBLEMS.slice(0, 1);
    const onOutcome: EvaluationOptions['onOutcome'] = ({ text }) => texts.push(text);
    const share = await accuracy(options(decoder, { problems, reasoning, limit: 10, onOutcome }));
    expect(texts).toEqual([`7 ${END} 22 23 12`]);
    expect(share.correct).toBe(1);
  });

  it('counts an answer with ids unknown to the tokenizer as wrong', async () => {
    // The first sequence says a padding id of the vocabulary instead.
    const wild = counter((said, n, b) => (said > 0 ? END : b === 0 ? 28 : 10 + n)).decoder;
    const share = await accuracy(options(wild, { problems: PROBLEMS.slice(0, 3) }));
    expect(share).toMatchObject({ correct: 1, total: 3 });
  });

  it('responds to a cancellation by message even though its decoder never yields', async () => {
    const { decoder } = counter();
    const cancel = new AbortController();
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => cancel.abort();
    port2.postMessage(0);
    const problems = Array.from({ length: 300 }, () => PROBLEMS[0]!);
    await expect(accuracy(options(decoder, { problems, signal: cancel.signal }))).rejects.toBeInstanceOf(
      CancelledError,
    );
    port1.close();
  });

  it('is undefined without problems', async () => {
    expect(await accuracy(options(counter().decoder, { problems: [] }))).toMatchObject({
      total: 0,
      low: 0,
      high: 1,
    });
  });

  it('can be cancelled between chunks', async () => {
    const abort = new AbortController();
    const { decoder, fed, alive } = counter();
    const run = accuracy(options(decoder, { signal: abort.signal, onProgress: () => abort.abort() }));
    await expect(run).rejects.toThrow(CancelledError);
    expect(alive()).toBe(0);
    expect(fed.filter((x) => x === 'begin')).toHaveLength(1);
  });
});
