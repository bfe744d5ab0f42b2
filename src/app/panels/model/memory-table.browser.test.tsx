import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import type { DeviceReport, ModelReport } from '../../../contract/events';
import { mounting } from '../../mount.testing';
import { done } from '../../store/task';
import { double } from '../../workbench.testing';
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
    .toMatch(/Hidden states531\.0 MB.*1\.07 GB, up to 1\.88 GB/);
  expect(document.body.textContent).toContain('A second figure includes programs of earlier requests');
});

it('warns of what takes more than the browser says that the device has', async () => {
  const app = mount(<MemoryTable model={QWEN} reported={1} />);
  await app.actions.openDevice();
  await expect
    .poll(() => document.body.textContent)
    .toContain('This device has about 1 GB of memory, as the browser reports it (navigator.deviceMemory');
});

it('says in what bits a model would fit that does not as it is kept', async () => {
  const llama = { ...QWEN, parameters: 1_235_814_400, layers: 16, hidden: 2048, intermediate: 8192 };
  const app = mount(<MemoryTable model={{ ...llama, heads: 32, kvHeads: 8, vocabulary: 128_256 }} />);
  await app.actions.openDevice();
  const rows = page.getByRole('row');
  // Fewer layers, which round nothing, are there to see; a text is written by all of them.
  for (const [n, instead] of [
    [1, /no: it would with layer matrices in 16 bits; states of layers 1 to 15 would fit$/],
    [2, /no: it would with layer matrices in 16 bits$/],
  ] as const)
    await expect.poll(() => rows.nth(n).element().textContent).toMatch(instead);
  // A step would be run by layers, whose weights are outside WASM.
  expect(rows.nth(3).element().textContent).toMatch(/, 3\.\d+ GB of it outside WASM.*yes, by layers$/);
});

it('of training names the size that would fit, and storages with what they do to the weights', async () => {
  const app = mount(<MemoryTable model={{ ...QWEN, parameters: 1_567_700_000, layers: 96 }} />);
  await app.actions.openDevice();
  const training = page.getByRole('row').nth(3);
  await expect
    .poll(() => training.element().textContent)
    .toMatch(/, 5\.\d+ GB of it outside WASM.*yes, by layers$/);
  await page.getByLabelText('Batch size').fill('8');
  await expect
    .poll(() => training.element().textContent)
    .toMatch(
      /no: 4 × 64 tokens would fit; it would with layer matrices in 16 bits, trained on as they are rounded$/,
    );
});

it('on WebGPU does not know whether anything fits, and says why', async () => {
  const { store } = mount(<MemoryTable model={QWEN} />);
  const device = await double().open('webgpu');
  store.setState({ device: done<DeviceReport>({ ...device, provider: 'webgpu' }) });
  const rows = page.getByRole('row');
  for (const n of [1, 2, 3])
    await expect.poll(() => rows.nth(n).element().textContent).toMatch(/not knownnot known$/);
  expect(document.body.textContent).toContain('The browser does not report how much memory the GPU has.');
});

it('says of an ONNX export what its weights take, and that one beyond the memory cannot be run', async () => {
  const { headDim: _unknown, ...onnx } = QWEN;
  const app = mount(<MemoryTable model={{ ...onnx, bytes: 4.9e9 } as typeof QWEN} />);
  await app.actions.openDevice();
  await expect
    .element(
      page.getByText(
        /^Its weights take 4\.9 GB; WASM has 4\.0 GB: it cannot be run\. Choose an export in fewer bits/,
      ),
    )
    .toBeVisible();
  await expect.element(page.getByRole('table')).not.toBeInTheDocument();
});

it('says what the model takes, whether that fits, and what would', async () => {
  const app = mount(<MemoryTable model={QWEN} />);
  // Nothing can be said before a device is open.
  await expect.element(page.getByRole('table')).not.toBeInTheDocument();
  await app.actions.openDevice();
  const rows = page.getByRole('row');
  await expect.poll(() => rows.nth(1).element().textContent).toMatch(/Hidden states1\.50 GB.*about \d+ syes/);
  const layers = page.getByLabelText('Hidden states up to layer');
  await layers.fill('6');
  await expect.poll(() => rows.nth(1).element().textContent).toMatch(/Hidden states3\d\d\.\d MB.*yes$/);
  await layers.fill('25');
  await expect.element(layers).toHaveAttribute('aria-invalid', 'true');
  expect(document.body.textContent).toContain('Choose a whole number from 1 to 24.');
  await layers.fill('24');
  await page.getByLabelText('Tokens per sequence').fill('4000');
  await expect
    .poll(() => rows.nth(3).element().textContent)
    .toMatch(/Training step.*no: \d × \d+ tokens would fit/);
  await page.getByLabelText('Tokens per sequence').fill('0');
  await expect.element(page.getByLabelText('Tokens per sequence')).toHaveAttribute('aria-invalid', 'true');
  expect(document.body.textContent).toContain('Choose a whole number from 1 to 1000000.');
  await expect.element(page.getByRole('table')).not.toBeInTheDocument();
});
