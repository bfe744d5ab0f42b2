import { describe, expect, it } from 'vitest';
import { ANSWER_RULES, isRight, markAnswer, RULE_IDS, type RuleId, whyMarked } from './answer-rules';
import golden from './answer-rules.golden.json';

const cases = golden as readonly {
  text: string;
  reference: string;
  rule: RuleId;
  value: string | number | null;
  right: boolean;
}[];

describe('answer rules', () => {
  it('agree with each set’s own evaluation, written in Python (scripts/goldens/eval/answers.py)', () => {
    expect(cases.length).toBeGreaterThan(300);
    const wrong = cases.filter(({ text, reference, rule, value, right }) => {
      const mark = markAnswer(rule, text);
      const found =
        mark === null ? null : typeof value === 'number' ? Number.parseFloat(mark.value) : mark.value;
      return found !== value || isRight(rule, text, reference) !== right;
    });
    expect(wrong).toEqual([]);
  });

  it('mark the place of the answer in the text as it is, commas included', () => {
    for (const { text, rule, value } of cases) {
      const mark = markAnswer(rule, text);
      if (mark === null) continue;
      const shown = text.slice(mark.start, mark.end).replaceAll(',', '');
      expect(shown, `${rule} in ${JSON.stringify(text)}`).toBe(mark.value);
      expect(typeof value === 'number' ? Number.parseFloat(shown) : shown).toBe(value);
    }
    const text = 'She paid $1,200 of 2,450.50 dollars';
    const mark = markAnswer('last-number', text)!;
    expect([text.slice(mark.start, mark.end), mark.value, mark.found]).toEqual(['2,450.50', '2450.50', 2]);
  });

  it('differ where their sources differ', () => {
    expect(isRight('gsm8k', '#### 3.0', '3')).toBe(false);
    expect(isRight('last-number', '#### 3.0', '3')).toBe(true);
    expect(isRight('last-number', '2.9995', '3')).toBe(false);
    expect(isRight('gsm-hard', '2.9995', '3')).toBe(true);
    expect(isRight('gsm-hard', '2.998', '3')).toBe(false);
    expect(isRight('text', 'a, b', 'ab')).toBe(false);
    expect(isRight('text', ' a, b\n', 'a, b')).toBe(true);
  });

  it('say why', () => {
    const why = (rule: RuleId, text: string) => whyMarked(rule, markAnswer(rule, text), text);
    expect(why('gsm8k', 'the answer is 5')).toBe('No “#### ” with a number behind it.');
    expect(why('last-number', '1 and 2 and 3')).toBe('Last number: the last of 3 places.');
    expect(why('letter', 'The answer is: none')).toMatch(/No letter/);
    expect(why('last-number', 'It is \u22125')).toMatch(/U\+2212.*not read/);
    expect(why('last-number', 'It is -5')).toBe('Last number.');
    expect(why('text', '\u22125')).toBe('Whole text.');
    for (const id of RULE_IDS) {
      expect(ANSWER_RULES[id].id).toBe(id);
      expect(ANSWER_RULES[id].source).not.toBe('');
    }
  });
});
