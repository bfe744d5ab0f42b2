import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { mounting } from '../../../mount.testing';
import type { Offer } from '../../../store/sources';
import { failureOf } from '../../../store/task';
import { engineError } from '../../../workbench.testing';
import { OfferCard } from './OfferCard';

const mount = mounting();

const file = (path: string) => ({ path, size: 1000, sha256: null, gitSha1: 'c'.repeat(40) });
const needs = ['config.json is empty: this opens only if it is a published latent-reasoning student.'];

function offer(isDescribed: boolean): Offer {
  const choice = { id: 'torch', files: [file('pytorch_model.bin')], ...(!isDescribed && { needs }) };
  const about = { base: 'https://huggingface.co', id: 'org/student', revision: 'main', commit: null };
  return {
    inspected: {
      repository: { ...about, licence: null, files: choice.files },
      choices: [choice, { id: 'onnx/model.onnx', files: [file('onnx/model.onnx')] }],
      config: isDescribed ? {} : undefined,
    },
    ...{ choice, isDescribed, bytes: 1000, leftOut: [] },
    plan: { ...about, version: 1, licence: null, startedAt: 0, files: choice.files },
  };
}

/** The card, after the engine has refused the config.json that it was given. */
function show(isDescribed: boolean) {
  const app = mount(<OfferCard offer={offer(isDescribed)} />);
  const { sources } = app.store.getState();
  app.store.setState({
    sources: {
      ...sources,
      unavailable: null,
      described: failureOf(engineError('config', 'unsupported', 'No.')),
    },
  });
}
const agree = page.getByRole('button', { name: 'Download and open' });

it('says what else it takes to open a student that comes without config.json, and offers it', async () => {
  show(false);
  await expect.element(page.getByText(needs[0]!, { exact: false })).toBeVisible();
  await expect
    .element(page.getByText(/Open that first; what is downloaded stays under Stored/))
    .toBeVisible();
  await expect.element(page.getByRole('button', { name: /State dict of PyTorch, 1\.0+ kB/ })).toBeVisible();
  await expect.element(agree).toBeEnabled();
});

it('refuses what config.json rules out, whatever form its weights have', async () => {
  show(true);
  await expect.element(page.getByRole('alert')).toMatchTextContent(/It cannot be opened here.*unsupported/);
  await expect.element(agree).toBeDisabled();
});
