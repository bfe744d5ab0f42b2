import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { findPreset } from '../../../contract/presets';
import { mounting } from '../../mount.testing';
import { RolesCard } from './RolesCard';

const mount = mounting();

it('says of a checkpoint with values of the bundled pair that the learning rate is to be set anew', async () => {
  const { store, actions } = mount(<RolesCard isDisabled={false} />);
  const note = page.getByText(/^The values of “.*” were chosen for the bundled pair/);
  expect(note.query()).toBeNull();
  actions.chooseRole('student', 'opened');
  await expect
    .element(page.getByText(/the learning rate \(0\.0015\) is the first to set anew/))
    .toBeVisible();
  await expect
    .element(page.getByText(/CODI published 0\.003 for GPT-2 and 0\.0008 for Llama-3\.2-1B, at 128 samples/))
    .toBeVisible();
  actions.setField('optimiser.learningRate', 5e-4);
  await expect.element(note).not.toBeInTheDocument();

  const published = findPreset('codi-gpt2')!.config;
  store.setState({ draft: { ...published, roles: { ...published.roles, student: 'opened' } } });
  expect(note.query()).toBeNull();
});
