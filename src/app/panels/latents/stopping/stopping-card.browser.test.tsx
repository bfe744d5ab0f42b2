import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../../mount.testing';
import { StoppingCard } from './StoppingCard';

const mount = mounting();

it('stops a student after every thought, and shows how well its stop head knows', async () => {
  const { actions } = mount(<StoppingCard />);
  const button = page.getByRole('button', { name: 'Stop it after every thought' });
  await expect.element(button).toBeDisabled();
  actions.changeForm('stopping', { subject: 'opened', problems: 0 });
  await expect.element(page.getByText('Choose a whole number from 1 to 1000.')).toBeVisible();
  actions.changeForm('stopping', { problems: 60 });
  expect(await actions.runStopping()).toBe(true);
  await expect
    .element(page.getByText(/^As it stops itself, after \d\.\d\d thoughts on average/))
    .toBeVisible();
  await expect.element(page.getByRole('figure', { name: 'Calibration of the stop head' })).toBeVisible();
  await expect.element(page.getByRole('row', { name: /^3 100\.0 %/ })).toBeVisible();
});
