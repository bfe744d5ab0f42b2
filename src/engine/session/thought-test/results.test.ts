import { describe, expect, it } from 'vitest';
import { Rng } from '../../base/rng';
import type { Decoder } from '../../decode/decoder';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { longResults, numberAt, numbersAfter } from './numbers';
import { intermediateResults, resultOf } from './results';

/** Numbers below 100 are one token, larger ones one token per digit. */
const tokenizer = {
  encode: (step: string) => {
    const result = step.slice(step.indexOf('=') + 1, -2);
    return Number(result) < 100 ? [Number(result)] : [...result].map(Number);
  },
  // Ids from 1000 on are the same numbers with a step's punctuation around them.
  tokenText: (id: number) => (id < 1000 ? ` ${id}` : `=${id - 1000}>>`),
} as unknown as Tokenizer;

it('reads a step’s result, if it has one', () => {
  expect([resultOf('<<3+4=7>>'), resultOf('<<10/4=2.5>>'), resultOf('so he has 7')]).toEqual([
    '7',
    '2.5',
    null,
  ]);
});

it('counts results seen at the thoughts of correctly answered problems, by number of steps, beside the control', () => {
  const steps = [['7', '9'], ['1', '2'], ['5'], ['150'], ['8'], ['none']].map((own) =>
    own.map((result) => (result === 'none' ? 'so it is' : `<<0+${result}=${result}>>`)),
  );
  const look = (ids: number[], numbers: string[] = []) => ({ ids, numbers });
  const seen = [
    [look([7]), look([1009])],
    [look([50])],
    [look([5])],
    [look([1]), look([3], ['150'])],
    [look([5])],
    [look([5])],
  ];
  // The two-step problem that is answered wrongly does not count.
  const found = intermediateResults(tokenizer, { steps, right: [1, 0, 1, 1, 1, 1], seen }, new Rng(3));
  expect(found.leftOut).toBe(1);
  expect(found.bySteps[1]).toEqual({
    ...{ steps: 2, problems: 1, results: 2, found: 2, foundElsewhere: 0 },
    long: { results: 0, found: 0, foundElsewhere: 0 },
  });
  expect(found.bySteps[0]).toMatchObject({ steps: 1, problems: 4, results: 2, found: 1 });
  // A result of several tokens is looked for among the numbers; one of its tokens does not count.
  expect(found.bySteps[0]?.long).toMatchObject({ results: 1, found: 1 });
  expect(found.bySteps[0]?.foundElsewhere).toBeLessThanOrEqual(2);
  // Every problem is listed, even if answered wrongly, with the thoughts at which a result is seen.
  expect(found.items.map(({ problem }) => problem)).toEqual([0, 1, 2, 3, 4, 5]);
  expect(found.items[3]?.results).toMatchObject([{ result: '150', isLong: true, found: [2] }]);
  expect(found.items[0]?.results.map(({ found: at }) => at)).toEqual([[1], [2]]);
  expect(found.items[1]?.results).toMatchObject([{ found: [] }, { found: [] }]);
  expect(found.items[0]?.thoughts[1]).toEqual({ tokens: ['=9>>'], numbers: [] });
});

describe('numbers of several tokens', () => {
  it('are read at the beginning of a text, after a step’s punctuation', () => {
    expect(['=150>>', ' 1,024.', '-3+', '<<12', 'so 15', '', '= x7'].map(numberAt)).toEqual([
      '150',
      '1,024',
      '-3',
      '12',
      null,
      null,
      null,
    ]);
  });

  it('are what greedy decoding writes from the most probable tokens that begin a result', async () => {
    // Rows write 1-5-0-END and 2-4-END, whatever came first; END is 99.
    const alive = new Set<object>();
    const stateOf = (said: readonly (readonly number[])[], room = 9) => {
      const state = { said, room, tensors: { said }, dispose: () => void alive.delete(state) };
      alive.add(state);
      return state;
    };
    const texts = [
      [1, 5, 0],
      [2, 4],
    ];
    const fed: number[][] = [];
    const decoder = {
      shape: { batch: 2, config: { vocabSize: 100 } },
      advance: async ({ said }: { said: number[][] }, { tokens }: { tokens: number[] }) => {
        fed.push(tokens);
        return stateOf(said.map((row, b) => [...row, tokens[b] as number]));
      },
      read: async (_key: string, _p: unknown, { said }: { said: number[][] }) => {
        const ids = said.map((row, b) => texts[b]?.[row.length] ?? 99);
        const host = (data: ArrayLike<number>) => ({ read: async () => data, dispose: () => undefined });
        return { id: host(Int32Array.from(ids)), logProbability: host(new Float32Array(2)) };
      },
    } as unknown as Decoder;
    const digits = {
      vocabSize: 100,
      tokenText: (id: number) => String(id),
      decode: (ids: readonly number[]) => ids.join(''),
      encode: (text: string) => [...text.replace(/[^0-9]/g, '')].map(Number),
    } as unknown as Tokenizer;
    const wanted = longResults(digits, [['<<0+150=150>>'], ['<<1+6=7>>'], ['<<0+24=24>>']]);
    expect(wanted).toEqual({ results: ['150', '24'], tokens: 3 });
    const top = [
      [1, 7],
      [7, 2],
    ].map((ids) => ({
      top: ids.map((id) => ({ id, probability: 0.5 })),
      entropy: 0,
    }));
    const state = stateOf([[], []]);
    const of = { decoder, tokenizer: digits, endIds: [99], wanted };
    expect(await numbersAfter(of, state as never, top, 2)).toEqual([['150'], ['24']]);
    expect([...alive]).toEqual([state]);
    // Nothing is run if no result has several tokens.
    fed.length = 0;
    const none = { ...of, wanted: { results: [], tokens: 0 } };
    expect(await numbersAfter(none, state as never, top, 2)).toEqual([[], []]);
    expect(fed).toEqual([]);
  });
});
