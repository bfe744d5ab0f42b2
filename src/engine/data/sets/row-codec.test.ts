import { describe, expect, it } from 'vitest';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { stepsOf } from './fields';
import { calculationsOf, rowCodec } from './row-codec';

/** Tokens are words with the space before them, and single signs; `<s>` is 1, the end token 2. */
function words({ joins = '' } = {}): Tokenizer {
  const ids = new Map<string, number>();
  const idOf = (word: string): number => {
    if (!ids.has(word)) ids.set(word, 10 + ids.size);
    return ids.get(word) as number;
  };
  const split = (text: string): number[] =>
    (text.match(new RegExp(`${joins ? `${joins}|` : ''} ?\\w+| ?[^\\w\\s]|\\n`, 'g')) ?? []).map(idOf);
  return {
    encode: (text: string, { addSpecialTokens = true } = {}) => [
      ...(addSpecialTokens ? [1] : []),
      ...split(text),
    ],
    decode: (some: readonly number[]) =>
      some.map((id) => [...ids].find(([, own]) => own === id)?.[0] ?? '').join(''),
    padTokenId: 0,
    eosTokenId: 2,
  } as unknown as Tokenizer;
}

const ROW = { question: 'How many?', steps: ['<<3+4=7>>'], rationale: 'It is 3+4=<<3+4=7>>7.', answer: '7' };

describe('the codec of rows', () => {
  const tokenizer = words();
  const codec = rowCodec(tokenizer, []);
  const text = (ids: readonly number[]): string => tokenizer.decode(ids);

  it('begins the question as the model expects, and ends question and rationale with the line', () => {
    const { question, rationale, answer } = codec.encode(ROW);
    expect(question[0]).toBe(1);
    expect(question.filter((id) => id === 1)).toHaveLength(1);
    expect(text(question)).toBe('How many?\n');
    expect(text(rationale)).toBe('It is 3+4=<<3+4=7>>7.\n');
    expect(text(codec.prompt)).toBe('The answer is:');
    expect(text(answer)).toBe(' 7');
    expect(answer.at(-1)).toBe(2);
    expect(codec.question(' How many? ')).toEqual(question);
  });

  it('joined, is the row as one text', () => {
    const { question, rationale, answer } = codec.encode(ROW);
    const whole = tokenizer.encode('How many?\nIt is 3+4=<<3+4=7>>7.\nThe answer is: 7');
    expect([...question, ...rationale, ...codec.prompt, ...answer.slice(0, -1)]).toEqual(whole);
  });

  it('takes another prompt, whose spaces at the end belong to the answer', () => {
    const own = rowCodec(tokenizer, [5], '#### ');
    expect(text(own.prompt)).toBe('####');
    expect(own.encode(ROW).answer).toEqual([...tokenizer.encode(' 7', { addSpecialTokens: false }), 5]);
    expect(() => rowCodec(tokenizer, [], ' ')).toThrow('has no tokens');
  });

  it('takes the answer by itself where the tokenizer joins it with the prompt', () => {
    const joined = rowCodec(words({ joins: ': \\d' }), []);
    const alone = joined.encode(ROW).answer;
    expect(alone).toHaveLength(2);
    expect(joined.prompt).toHaveLength(4);
  });

  it('reads only the results of calculations, and all of a rationale that has none', () => {
    const { rationale } = codec.encode(ROW, 'results');
    expect(text(rationale)).toBe('7');
    const plain = { ...ROW, steps: ['Three and four.'], rationale: 'Three and four.' };
    expect(calculationsOf(plain)).toEqual([]);
    expect(codec.encode(plain, 'results')).toEqual(codec.encode(plain));
  });

  it('leaves out the last step, as it is written', () => {
    const two = { ...ROW, steps: ['Two.', 'So 7.'], rationale: 'Two.\nSo 7.' };
    const { rationale, steps } = codec.encode(two, 'all-but-last');
    expect(text(rationale)).toBe('Two.\n');
    expect(steps.map(text)).toEqual(['Two.']);
    expect(codec.encode(two).steps.map(text)).toEqual(['Two.', 'So 7.']);
    expect(text(codec.encode(ROW, 'all-but-last').rationale)).toBe('It is 3+4=\n');
    expect(codec.encode({ ...ROW, steps: [], rationale: '' }, 'all-but-last').rationale).toEqual([]);
  });

  it('leaves out the last sentence of a chain in one line, as CODI does', () => {
    const rationale = 'In May she sold 2.5 dozen. So in all 7.5 dozen. That is 90.';
    const steps = stepsOf(rationale);
    expect(steps).toEqual(['In May she sold 2.5 dozen.', 'So in all 7.5 dozen.', 'That is 90.']);
    const written = codec.encode({ ...ROW, steps, rationale }, 'all-but-last');
    expect(text(written.rationale)).toBe('In May she sold 2.5 dozen. So in all 7.5 dozen.\n');
    // Lines are steps where there are several, and calculations where there are any.
    expect(stepsOf('One. Two.\nThree.')).toEqual(['One. Two.', 'Three.']);
    expect(stepsOf('It is <<3+4=7>>7. So 7.')).toEqual(['<<3+4=7>>']);
    expect(stepsOf('')).toEqual([]);
  });

  it('refuses a question without tokens', () => {
    expect(() => codec.encode({ ...ROW, question: ' ' })).toThrow('has no tokens');
  });
});
