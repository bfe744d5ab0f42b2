import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';
import { markAnswer } from '../../../contract/answer-rules';
import { Marked } from './Marked';

/** What the page marks. */
const marked = (html: string): string[] =>
  [...html.matchAll(/<mark>(.*?)<\/mark>/g)].map(([, text]) => text as string);
const textOf = (html: string): string => html.replaceAll(/<[^>]*>/g, '');

describe('the number that was read', () => {
  const WRITTEN = 'He has 12 eggs and sells 5 of them. The answer is: 1,007. Then 3 more.';

  it.each([
    ['last-number', '3'],
    ['first-number', '12'],
    ['gsm8k', null],
  ] as const)('is marked where the rule %s found it', (rule, number) => {
    const mark = markAnswer(rule, WRITTEN);
    const html = renderToStaticMarkup(<Marked text={WRITTEN} mark={mark} />);
    expect(marked(html)).toEqual(number === null ? [] : [number]);
    expect(textOf(html)).toBe(WRITTEN);
  });

  it('is marked in a long text, which is cut around it and says so', () => {
    const text = `${'a '.repeat(200)}#### 42 ${'b '.repeat(200)}`;
    const html = renderToStaticMarkup(<Marked text={text} mark={markAnswer('gsm8k', text)} />);
    expect(marked(html)).toEqual(['42']);
    expect(textOf(html)).toMatch(/^….*#### 42 .*…$/);
  });
});
