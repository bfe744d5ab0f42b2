import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import type { ModelReport } from '../../../contract/events';
import { mounting } from '../../mount.testing';
import { MemoryTable } from './MemoryTable';

const mount = mounting();

const QWEN: ModelReport = {
  name: 'Qwen2.5-0.5B',
  role: 'opened',
  modelType: 'qwen2',
  parameters: 494_032_768,
  bytes: 988e6,
  sha256: 'a',
  layers: 24,
  hidden: 896,
  intermediate: 4864,
  heads: 14,
  kvHeads: 2,
  headDim: 64,
  vocabulary: 151936,
  tied: true,
  licence: '',
  measured: [],
};

it('counts what earlier requests leave, as a second figure', async () => {
  const smol = { ...QWEN, parameters: 134_515_008, layers: 30, hidden: 576, intermediate: 1536 };
  const app = mount(<MemoryTable model={{ ...smol, heads: 9, kvHeads: 3, vocabulary: 49_152 }} />);
  await app.actions.openDevice();
  await expect
    .poll(() => page.getByRole('row').nth(1).element().textContent)
    .toMatch(/Hidden states531\.0 MB.*1\.01 GB, up to 1\.82 GB/);
  expect(document.body.textContent).toContain('A second figure includes programs of earlier requests');
});

it('says in what bits a model would fit that does not as it is kept', async () => {
  const llama = { ...QWEN, parameters: 1_235_814_400, layers: 16, hidden: 2048, intermediate: 8192 };
  const app = mount(<MemoryTable model={{ ...llama, heads: 32, kvHeads: 8, vocabulary: 128_256 }} />);
  await app.actions.openDevice();
  const rows = page.getByRole('row');
  for (const n of [1, 2])
    await expect
      .poll(() => rows.nth(n).element().textContent)
      .toMatch(/no: it would with layer matrices in 16 bits$/);
});

it('says what the model takes, whether that fits, and what would', async () => {
  const app = mount(<MemoryTable model={QWEN} />);
  // Nothing can be said before a device is open.
  await expect.element(page.getByRole('table')).not.toBeInTheDocument();
  await app.actions.openDevice();
  const rows = page.getByRole('row');
  await expect.poll(() => rows.nth(1).element().textContent).toMatch(/Hidden states1\.50 GB.*about \d+ syes/);
  await page.getByLabelText('Tokens per sequence').fill('4000');
  await expect
    .poll(() => rows.nth(3).element().textContent)
    .toMatch(/Training step.*no: \d × \d+ tokens would fit/);
  await page.getByLabelText('Tokens per sequence').fill('0');
  await expect.element(page.getByLabelText('Tokens per sequence')).toHaveAttribute('aria-invalid', 'true');
  expect(document.body.textContent).toContain('A whole number from 1 to');
  await expect.element(page.getByRole('table')).not.toBeInTheDocument();
});
