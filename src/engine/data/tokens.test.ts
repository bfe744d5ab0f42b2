import { beforeAll, describe, expect, it } from 'vitest';
import { ANSWER_PROMPT } from '../../contract/data';
import { InputError } from '../base/errors';
import tokenizerText from '../testing/tiny-tokenizer.json?raw';
import tokenizerConfigText from '../testing/tiny-tokenizer-config.json?raw';
import { loadTokenizer, type Tokenizer } from '../tokenizer/tokenizer';
import { type ProblemCodec, problemCodec, resultOf } from './tokens';
import { wordProblems } from './word-problems';

let tokenizer: Tokenizer;
let codec: ProblemCodec;
beforeAll(async () => {
  tokenizer = await loadTokenizer(JSON.parse(tokenizerText), JSON.parse(tokenizerConfigText));
  codec = problemCodec(tokenizer, [1]);
});

describe('problemCodec', () => {
  it('keeps every text of a problem, part by part', () => {
    for (const problem of wordProblems(5, 50, { minSteps: 1, maxSteps: 6 })) {
      const { question, rationale, answer } = codec.encode(problem);
      expect(tokenizer.decode(question)).toBe(problem.question);
      expect(tokenizer.decode(rationale)).toBe(problem.steps.join(' '));
      expect(answer.at(-1)).toBe(1);
      expect(tokenizer.decode(answer.slice(0, -1))).toBe(problem.answer);
      // No number is unknown to the tokenizer.
      expect([...question, ...rationale, ...answer]).not.toContain(2);
    }
  });

  it('gives each step by itself, and leaves out the last one where that is asked', () => {
    for (const problem of wordProblems(6, 20)) {
      const whole = codec.encode(problem);
      expect(whole.steps.map((step) => tokenizer.decode(step))).toEqual(problem.steps);
      const less = codec.encode(problem, 'all-but-last');
      expect(tokenizer.decode(less.rationale)).toBe(problem.steps.slice(0, -1).join(' '));
      expect(less.steps).toEqual(whole.steps.slice(0, -1));
      expect([less.question, less.answer]).toEqual([whole.question, whole.answer]);
      const results = codec.encode(problem, 'results');
      expect(results.rationale).toEqual(results.steps.flat());
      expect(results.steps).toHaveLength(problem.steps.length);
    }
  });

  it('takes a result without the signs beside it, unless they share a token with it', () => {
    // One token a character, but for what is listed.
    const plain = (joined: RegExp) => (text: string) =>
      (text.match(joined) ?? []).map((piece) => [...piece].reduce((id, c) => id * 131 + c.charCodeAt(0), 7));
    const joined = (pattern: RegExp, text: string) => resultOf(plain(pattern), text);
    const ids = plain(/./g);
    expect(joined(/./g, '<<12+7=19>>')).toEqual(ids('19'));
    expect(joined(/=\d+>>|./g, '<<12+7=19>>')).toEqual(plain(/=\d+>>|./g)('=19>>'));
    expect(joined(/\d+>>|./g, '<<12+7=19>>')).toEqual(plain(/\d+>>|./g)('19>>'));
    expect(joined(/7=|./g, '<<12+7=19>>')).toEqual(ids('19'));
    expect(joined(/7=1|./g, '<<12+7=19>>')).toEqual(plain(/7=1|./g)('<<12+7=19'));
  });

  it('ends the prompt at the anchor, the colon', () => {
    expect(tokenizer.decode(codec.prompt)).toBe(ANSWER_PROMPT);
    expect(tokenizer.tokenText(codec.prompt.at(-1) as number)).toBe(':');
    expect(codec.padId).toBe(0);
  });

  it('ignores differences in spacing', () => {
    const ids = codec.question('Tom has 12 apples.');
    expect(codec.question('  Tom  has\n12 apples. ')).toEqual(ids);
    expect(ids.length).toBeGreaterThan(3);
  });

  it.each(['', '   ', '\n\t'])('refuses the question %j, which has no tokens', (question) => {
    const ask = () => codec.question(question);
    expect(ask).toThrow(InputError);
    expect(ask).toThrow(`the question ${JSON.stringify(question)} has no tokens`);
    expect(() => codec.encode({ question, steps: [], answer: '1' })).toThrow('has no tokens');
  });

  it('puts the begin token before the question, and nowhere else', () => {
    const beginning: Tokenizer = {
      ...tokenizer,
      encode: (text, options) => [
        ...(options?.addSpecialTokens === false ? [] : [7]),
        ...tokenizer.encode(text, { addSpecialTokens: false }),
      ],
    };
    const own = problemCodec(beginning, [1]);
    const problem = { question: 'Tom has 2 eggs.', steps: ['<<2+3=5>>', '<<5-1=4>>'], answer: '4' };
    const plain = codec.encode(problem);
    expect(own.encode(problem)).toEqual({ ...plain, question: [7, ...plain.question] });
    expect(own.prompt).toEqual(codec.prompt);
    expect(() => own.question(' ')).toThrow('has no tokens');
  });

  it('takes the end token from the tokenizer if the model names none, and refuses to do without', () => {
    expect(problemCodec(tokenizer, []).endId).toBe(1);
    expect(problemCodec(tokenizer, [7, 1]).endId).toBe(7);
    const endless = { ...tokenizer, eosTokenId: undefined };
    expect(() => problemCodec(endless, [])).toThrow('end-of-sequence');
  });
});
