import { expect, it } from 'vitest';
import { MAX_MESSAGE } from '../text/quote';
import { reportOf } from './error-report';

it('keeps a known error’s message and the stacks of its causes', () => {
  const error = Object.assign(new Error('what', { cause: new Error('why') }), {
    code: 'file',
    hint: 'Do it.',
  });
  expect(reportOf(error)).toMatchObject({ name: 'Error', code: 'file', message: 'what', hint: 'Do it.' });
  expect(reportOf(error).stack).toMatch(/what[\s\S]*caused by Error: why/);
});

it('gives an unforeseen error a code and a hint', () => {
  for (const thrown of [new RangeError('Maximum call stack size exceeded'), 'a text', null, undefined]) {
    expect(reportOf(thrown)).toMatchObject({
      code: 'unexpected',
      hint: expect.stringMatching(/^This is a bug/),
    });
    expect(reportOf(thrown).message).not.toBe('');
  }
  expect(reportOf(new DOMException('stop', 'AbortError'))).toMatchObject({ code: 'cancelled' });
});

it('names an error without a message', () => {
  expect(reportOf(new DOMException('', 'QuotaExceededError')).message).toBe(
    'QuotaExceededError, without a message',
  );
});

it('is bounded, whatever was thrown', () => {
  const huge = 'x'.repeat(1_000_000);
  const report = reportOf(Object.assign(new Error(huge), { name: huge, code: huge, hint: huge }));
  expect(report.message).toHaveLength(MAX_MESSAGE);
  expect(report.hint).toHaveLength(MAX_MESSAGE);
  expect(JSON.stringify(report).length).toBeLessThan(15_000);
});
