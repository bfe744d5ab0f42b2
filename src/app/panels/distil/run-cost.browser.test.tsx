import { describe, expect, it } from 'vitest';
import { page } from 'vitest/browser';
import { parseRunConfig } from '../../../contract/config';
import type { DeviceReport, ModelReport } from '../../../contract/events';
import { estimateMemory } from '../../../contract/memory';
import type { RunCost as Cost, EvaluationSeconds } from '../../../contract/run-cost';
import { mounting } from '../../mount.testing';
import { done } from '../../store/task';
import { double } from '../../workbench.testing';
import { RunCost } from './RunCost';

const mount = mounting();

/** The card with an estimate, on the provider. */
async function withCost(over: Partial<Cost>, provider: 'wasm' | 'webgpu' = 'wasm') {
  const { store, actions } = mount(<RunCost />);
  // What the form itself would be estimated at does not come in between.
  Object.assign(actions, { estimateRun: async () => {} });
  const engine = double();
  const [cost, device] = [await engine.runCost(store.getState().draft), await engine.open('wasm')];
  store.setState({
    cost: done({ ...cost, ...over }),
    device: done<DeviceReport>({ ...device, provider }),
  });
  return store;
}

const evaluation = { validation: 40, heldOut: 12, written: 0, teacher: 60, observation: 8, all: 120 };
const seconds = (all: number, measured: EvaluationSeconds = evaluation) => ({
  seconds: { step: all / 100, teacher: 1, evaluation: measured, all },
});
const long = page.getByText(/^This is too long to wait for here:/);

it('says of a run of more than half an hour that it is not to be waited for, and what is faster', async () => {
  await withCost(seconds(1801));
  await expect
    .element(long)
    .toHaveTextContent(
      'This is too long to wait for here: WebGPU, a smaller model, fewer steps or shorter rows take less.',
    );
  await expect
    .element(
      page.getByText(
        /about 18 s per step, .* 30 min 1 s in all, of which evaluation 2 min 0 s \(validation 40 s, the held-out problems 12 s, these by the teacher 60 s, observation 8\.0 s\)\.$/,
      ),
    )
    .toBeVisible();
});

it('says nothing of the kind of a shorter run', async () => {
  const nothing = { validation: 0, heldOut: 0, written: 0, teacher: 0, observation: 0, all: 0 };
  await withCost(seconds(1800, nothing));
  await expect.element(page.getByText(/per step, .* in all, without any evaluation\.$/)).toBeVisible();
  expect(long.query()).toBeNull();
});

it('does not propose WebGPU to a run that is on it', async () => {
  await withCost(seconds(7200), 'webgpu');
  await expect
    .element(long)
    .toHaveTextContent(
      'This is too long to wait for here: a smaller model, fewer steps or shorter rows take less.',
    );
});

describe('a step that does not fit', () => {
  /** Qwen2.5-0.5B, opened, as the student of the run. */
  const QWEN = {
    ...{ name: 'Qwen', role: 'opened', modelType: 'qwen2', bytes: 988e6, sha256: 'a', licence: '' },
    ...{ parameters: 494_032_768, layers: 24, hidden: 896, intermediate: 4864, heads: 14, kvHeads: 2 },
    ...{ headDim: 64, vocabulary: 151_936, tied: true, measured: [] },
  } as const satisfies ModelReport;
  const text = () => document.querySelector('.run-cost .field-error')?.textContent;

  /** The card for such a step of the opened model. */
  async function refused(sequences: number, model: ModelReport | null, more: object = {}) {
    const purpose = { kind: 'distil', sequences, tokens: 85, rank: 8, ...more } as const;
    const store = await withCost({ composition: null, memory: estimateMemory(QWEN, 'wasm', purpose) });
    const { draft, lens } = store.getState();
    store.setState({
      draft: { ...draft, roles: { ...draft.roles, student: 'opened' } },
      ...(model && { lens: { ...lens, opened: done(model) } }),
    });
  }

  it('is said with the batch and length that would fit', async () => {
    await refused(70, QWEN);
    await expect
      .poll(text)
      .toMatch(
        /^A step of 70 × 85 tokens takes about \d\.\d+ GB of the 4\.04 GB that WASM has, even by layers: the run would be refused\. 5\d × 85 tokens would fit\. Choose a smaller batch, /,
      );
  });

  it('is said with the storage that would, and what is outside WebAssembly', async () => {
    await refused(2, { ...QWEN, layers: 120, parameters: 1_900_000_000 });
    await expect
      .poll(text)
      .toMatch(
        /, and 7\.\d+ GB outside it, where a page has about 6\.00 GB, even by layers: the run would be refused\. With layer matrices in 16 bits it would fit as it is, and train on rounded weights\. /,
      );
  });

  it('of all weights is said with what takes less', async () => {
    await refused(2, QWEN, { rank: 0, weights: true });
    await expect
      .poll(text)
      .toMatch(
        /, and 9\.\d+ GB outside it, .* would be refused\. Adapters take less than all weights\. Choose/,
      );
  });

  it('is said where nothing is known of the model', async () => {
    await refused(70, null);
    await expect
      .poll(text)
      .toBe(
        'A step of 70 × 85 tokens does not fit: the run would be refused. Choose a smaller batch, shorter rows, a smaller model or WebGPU.',
      );
  });
});

it('says which stages the run is too short for, also before anything is loaded', async () => {
  const { store, actions } = mount(<RunCost />);
  Object.assign(actions, { estimateRun: async () => {} });
  const left = page.getByText(
    /ends after 150 steps, before the stage “reinforced” begins: .* choose 301 steps/,
  );
  expect(left.query()).toBeNull();
  store.setState({ draft: parseRunConfig({ method: 'grpo' }) });
  await expect.element(left).toBeVisible();
});
