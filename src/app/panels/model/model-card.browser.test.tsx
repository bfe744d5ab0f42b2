import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import type { ModelReport } from '../../../contract/events';
import { mounting } from '../../mount.testing';
import { ModelCard } from './ModelCard';

const mount = mounting();

const list = Array.from({ length: 150 }, (_, i) => ({
  file: 'model.safetensors',
  name: `h.${i}.weight`,
  as: `transformer.h.${i}.weight`,
  dtype: 'bf16',
  shape: [4, 8],
}));
const matched: ModelReport['matched'] = { tensors: 150, bytes: 1000, list };
const MODEL: ModelReport = {
  name: 'tiny',
  role: 'opened',
  modelType: 'gpt2',
  parameters: 1000,
  bytes: 4000,
  sha256: 'a',
  layers: 2,
  hidden: 8,
  intermediate: 32,
  heads: 2,
  kvHeads: 2,
  vocabulary: 40,
  tied: true,
  licence: '',
  measured: [],
  matched,
};
const items = () => document.querySelectorAll('.model-notes li').length;

it('shows the first notes, and every other one when asked', async () => {
  const notes = Array.from({ length: 27 }, (_, i) => `"other${i}.weight" is ignored.`);
  mount(<ModelCard model={{ ...MODEL, notes }} />);
  await expect.element(page.getByText('"other19.weight" is ignored.')).toBeVisible();
  expect(items()).toBe(20);
  await page.getByText('7 more').click();
  await expect.element(page.getByText('"other26.weight" is ignored.')).toBeVisible();
  expect(items()).toBe(27);
});

it('lists every tensor and its use when asked, and saves the list', async () => {
  mount(<ModelCard model={MODEL} />);
  await expect.element(page.getByText('Nothing: every tensor in the files is used as it is.')).toBeVisible();
  expect(document.querySelector('.model-tensors table')).toBeNull();
  await page.getByText('What each tensor is used as').click();
  await expect.element(page.getByRole('table', { name: '150 tensors' })).toBeVisible();
  const rows = [...document.querySelectorAll('.model-tensors tbody tr')].map(
    ({ textContent }) => textContent,
  );
  expect(rows).toHaveLength(150);
  expect(rows[149]).toBe('h.149.weighttransformer.h.149.weight4 × 8bf16');
  await expect.element(page.getByRole('button', { name: 'Matched tensors: save as CSV' })).toBeVisible();
});
