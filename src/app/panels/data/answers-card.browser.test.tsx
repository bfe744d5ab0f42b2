import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../mount.testing';
import { AnswersCard } from './AnswersCard';

const mount = mounting();

const answer = (id: string, text: string) => ({
  row: { id, question: 'How many?', answer: '42' },
  ...{ text, ending: 'stopped' },
});

it('marks in every answer the number that was read, beside whether it is right', async () => {
  const app = mount(<AnswersCard report={{ rule: 'gsm8k' } as never} />);
  const { data } = app.store.getState();
  const rows = [answer('row-1', 'Of 50, #### 42'), answer('row-2', 'It is #### 41'), answer('row-3', '42')];
  app.store.setState({
    data: { ...data, answers: { ...data.answers, rows: rows as never, model: 'tiny' } },
  });
  await expect.element(page.getByRole('table', { name: /^Answers, marked by: GSM8K/ })).toBeVisible();
  const found = [...document.querySelectorAll('tbody tr')].map((row) => [
    row.querySelector('td')?.textContent,
    ...[...row.querySelectorAll('mark')].map(({ textContent }) => textContent),
  ]);
  expect(found).toEqual([['✓ right', '42'], ['✕ wrong', '41'], ['✕ wrong']]);
});
