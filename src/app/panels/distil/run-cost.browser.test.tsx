import { expect, it } from 'vitest';
import { page } from 'vitest/browser';
import type { DeviceReport } from '../../../contract/events';
import type { RunCost as Cost } from '../../../contract/run-cost';
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
}

const seconds = (all: number) => ({ seconds: { step: all / 100, teacher: 1, all } });
const long = page.getByText(/^This is too long to wait for here:/);

it('says of a run of more than half an hour that it is not to be waited for, and what is faster', async () => {
  await withCost(seconds(1801));
  await expect
    .element(long)
    .toHaveTextContent(
      'This is too long to wait for here: WebGPU, a smaller model, fewer steps or shorter rows take less.',
    );
  await expect
    .element(page.getByText(/about 18 s per step, .* 30 min 1 s in all, evaluation not counted/))
    .toBeVisible();
});

it('says nothing of the kind of a shorter run', async () => {
  await withCost(seconds(1800));
  await expect.element(page.getByText(/per step, .* in all, evaluation not counted/)).toBeVisible();
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

it('says what would fit in place of a step that does not', async () => {
  await withCost({ composition: null });
  await expect
    .element(
      page.getByText(
        /the run would be refused\. Choose a smaller batch, shorter rows, a smaller model or WebGPU\.$/,
      ),
    )
    .toBeVisible();
});
