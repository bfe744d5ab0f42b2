import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../../mount.testing';
import { ThoughtTestCard } from './ThoughtTestCard';

const mount = mounting();

it('asks for a student first; then tests its thoughts and says what follows from the numbers', async () => {
  const { actions } = mount(<ThoughtTestCard />);
  const button = page.getByRole('button', { name: 'Test the thoughts' });
  await expect.element(button).toBeDisabled();
  await expect.element(page.getByText('No student has been trained yet. Distil one first.')).toBeVisible();
  actions.setField('optimiser.steps', 2);
  expect(await actions.startRun()).toBe(true);
  await expect.element(button).toBeEnabled();
  await page.getByLabelText(/^Directions kept/).fill('2 x');
  await expect.element(button).toBeDisabled();
  await expect.element(page.getByText(/“x” is not a rank/)).toBeVisible();
  await page.getByLabelText(/^Directions kept/).fill('2 4');
  await button.click();
  await expect.element(page.getByText(/^What the thoughts hold is used: with/)).toBeVisible();
  await expect
    .element(
      page.getByText('Replacing thought 2 alone costs answers; replacing thoughts 1 and 3 alone costs none.'),
    )
    .toBeVisible();
  await expect
    .element(page.getByText(/4 leading directions of the thoughts are enough, where random/))
    .toBeVisible();
  const row = page.getByRole('row', { name: /^their mean over the problems/ });
  await expect.poll(() => row.element().textContent).toContain('answers are lost');
  await expect.element(page.getByRole('row', { name: /^2 30 60 66\.7 % 15\.0 %/ })).toBeVisible();
});
