import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../../mount.testing';
import { isBusy } from '../../../store/task';
import { EvaluationCard } from './EvaluationCard';

const mount = mounting();

it('case 26: evaluates, is cancelled and goes on, sweeps, compares two subjects, and shows single answers', async () => {
  const { actions, store } = mount(<EvaluationCard />, { pace: 10 });
  const list = () => store.getState().evaluation.list;
  actions.changeForm('evaluation', { subject: 'teacher', mode: 'explicit', problems: 200 });
  await page.getByRole('button', { name: 'Evaluate', exact: true }).click();
  await expect.poll(() => list()[0]?.evaluation.items.length ?? 0).toBeGreaterThan(5);
  // Not by its button: a press may come after the end on a busy machine.
  actions.cancelEvaluation();
  await expect.poll(() => isBusy(store.getState().evaluation.task)).toBe(false);
  expect(list()[0]?.evaluation.items.length).toBeLessThan(200);
  await page.getByRole('button', { name: /^Continue teacher/ }).click();
  await expect.poll(() => list()[0]?.evaluation.items.length).toBe(200);
  expect(new Set(list()[0]?.evaluation.items.map(({ id }) => id)).size).toBe(200);
  await expect
    .element(page.getByRole('row', { name: /^teacher .*after a written rationale *200 problems/ }))
    .toBeVisible();

  const steps = page.getByRole('table', { name: /^Right by number of steps/ });
  await expect.element(steps.getByRole('columnheader', { name: '3 steps' })).toBeVisible();
  await expect.element(steps.getByText(/ % of 66$/)).toBeVisible();

  await expect.element(page.getByText('Number of thoughts')).not.toBeInTheDocument();
  actions.changeForm('evaluation', { subject: 'base', mode: 'latent', thoughts: '2-x' });
  await expect.element(page.getByText(/“2-x” is not a whole number/)).toBeVisible();
  actions.changeForm('evaluation', { thoughts: '2-3', problems: 60 });
  expect(await actions.runEvaluation()).toBe(true);
  expect(list()).toHaveLength(3);
  await expect
    .element(page.getByRole('figure', { name: 'Accuracy against the number of thoughts' }))
    .toMatchTextContent(/its own number, the only one that a student was last trained with, is 3\./);

  actions.showEvaluation(3, 1);
  await expect.element(page.getByText(/on 60 common problems .*McNemar’s exact p/)).toBeVisible();
  // The teacher writes rationales of several lengths, the base thinks as often as it is told to.
  const lengths = page.getByRole('figure', { name: /^Reasoning length: / });
  await expect.poll(() => lengths.elements().length).toBe(2);
  await expect.element(lengths.nth(0).getByText(/before the answer; 3\.0 on average/)).toBeVisible();
  await page.getByRole('radio', { name: 'Only one is right' }).click();
  const [first, second] = [list()[2]?.evaluation.items ?? [], list()[0]?.evaluation.items];
  const differ = first.filter(({ right }, i) => right !== second?.[i]?.right);
  await expect.element(page.getByText(`${differ.length} of 60 answers`)).toBeVisible();
  await page.getByRole('radio', { name: 'All' }).click();
  await page.getByLabelText('Search the answers').fill('held-out-31');
  await expect.element(page.getByText('1 of 60 answers')).toBeVisible();
  await page.getByRole('button', { name: 'Step through held-out-31' }).click();
  await expect.poll(() => store.getState().latents.session.value?.question).toContain('31 pens');

  const file = JSON.stringify({ evaluations: list().map(({ evaluation }) => evaluation) });
  actions.removeEvaluation(2);
  expect(list()).toHaveLength(2);
  actions.readEvaluations(file);
  expect(list()).toHaveLength(3);
  expect(() => actions.readEvaluations('{}')).toThrow('contains no evaluations');
});
