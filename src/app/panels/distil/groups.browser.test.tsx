import { afterEach, expect, it, vi } from 'vitest';
import { page, userEvent } from 'vitest/browser';
import type { GroupsEvent } from '../../../contract/events';
import { emptySeries } from '../../../contract/series-schema';
import { mounting } from '../../mount.testing';
import { savedBy } from '../../saved-file.testing';
import { appendDrawnSteps, noDrawnSteps } from '../../store/drawn-steps';
import { ReinforcementCharts } from './ReinforcementCharts';

const mount = mounting();
afterEach(() => vi.restoreAllMocks());

const drawnAt = (step: number): GroupsEvent => {
  const answer = {
    ...{ text: ` The answer is: ${step}`, formatted: true, correct: true, length: 3, advantage: 0 },
    reward: { format: 0, correct: 1, length: 0 },
  };
  return { kind: 'groups', step, groups: [{ sample: 1, completions: [answer, { ...answer, length: 5 }] }] };
};

it('a drawn step is chosen by keyboard, and the CSV file has all that are kept', async () => {
  const drawnSteps = appendDrawnSteps(noDrawnSteps, [301, 302, 303].map(drawnAt));
  const run = { id: 'a', series: emptySeries, drawnSteps, data: null };
  mount(<ReinforcementCharts run={run} marks={[]} />);
  const title = page.getByRole('heading', { name: /^Groups of step/ });
  await expect.element(title).toMatchTextContent(/^Groups of step 303$/);
  const slider = page.getByRole('slider', { name: 'Drawn step' });
  (slider.element() as HTMLElement).focus();
  await userEvent.keyboard('{ArrowLeft}');
  await expect.element(title).toMatchTextContent(/^Groups of step 302$/);
  await userEvent.keyboard('{Home}');
  await expect.element(title).toMatchTextContent(/^Groups of step 301$/);
  await page.getByText('Every answer with its terms').click();
  await expect
    .element(page.getByRole('table', { name: 'Answers drawn at step 301' }))
    .toMatchTextContent(/The answer is: 301.*The answer is: 301/);

  const { file } = await savedBy(page.getByRole('button', { name: 'Reward against length: save as CSV' }));
  const rows = (await file.text()).trim().split('\n');
  expect(rows[0]).toMatch(/^step,question,sample,answer,/);
  expect(rows.slice(1).map((row) => row.split(',')[0])).toEqual(['301', '301', '302', '302', '303', '303']);
});
