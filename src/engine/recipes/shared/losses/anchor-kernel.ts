import type { HostTensor } from '../../../base/dtype';
import { floatsOf } from '../../../base/half';
import type { Device } from '../../../device/device';
import { Graph } from '../../../graph/graph';
import * as o from '../../../graph/ops';
import { createAnchorLoss } from '../../../kernels/anchorloss/anchorloss';
import { anchorLossCpu } from '../../../kernels/anchorloss/anchorloss.cpu';
import { BoundInputs } from '../../../runtime/bound-inputs';
import { kernelBuffer } from '../../../runtime/kernel-buffer';
import type { Runtime } from '../../../runtime/runtime';
import type { DeviceTensor } from '../../../runtime/tensor';
import type { LossRun } from '../../../train/losses/state-loss';

export interface AnchorKernelSpec {
  /** [B, L, H] */
  readonly shape: readonly number[];
  readonly rank: number;
  readonly beta: number;
}

/**
 * The kernel's inputs: β is folded into factor and target (‖√β·a − √β·b‖² = β‖a − b‖²), which weights the loss and its
 * gradient alike; the layers' scales are passed as they are.
 */
function kernelFeeds(feeds: Readonly<Record<string, HostTensor>>, beta: number): Record<string, HostTensor> {
  const mapped = (name: string, change: (x: number) => number): HostTensor => {
    const host = feeds[`anchor.${name}`] as HostTensor;
    return { dtype: 'f32', shape: host.shape, data: floatsOf(host).map(change) };
  };
  const root = Math.sqrt(beta);
  return {
    target: mapped('target', (x) => root * x),
    factor: mapped('hiddenFactor', (x) => root * x),
    scale: mapped('inverseScale', (x) => 1 / x),
  };
}

function sizesOf({ shape, rank }: AnchorKernelSpec) {
  const [batch, layers, hidden] = shape as readonly [number, number, number];
  return { batch, layers, hidden, rank };
}

/** The anchor loss, computed by its kernel's CPU twin. */
export function anchorOnCpu(runtime: Runtime, spec: AnchorKernelSpec): LossRun {
  const sizes = sizesOf(spec);
  const terms = runtime.empty('f32', [1], 'anchor term');
  const cotangent = runtime.empty('f32', spec.shape, 'cotangent of the anchor loss');
  return {
    terms,
    cotangent,
    executables: [],
    async run(states, feeds) {
      const { target, factor, scale } = kernelFeeds(feeds, spec.beta);
      const values = (host: HostTensor | undefined): Float32Array => host?.data as Float32Array;
      const { loss, dh } = anchorLossCpu(
        states.data as Float32Array,
        values(target),
        values(factor),
        values(scale),
        sizes,
      );
      terms.write(new Float32Array([loss.reduce((sum, x) => sum + x, 0) / sizes.batch]));
      cotangent.write(dh);
    },
    dispose() {
      terms.dispose();
      cotangent.dispose();
    },
  };
}

/** The anchor loss, computed by its shader from buffer to buffer on the runtime's device. */
export async function anchorOnGpu(
  runtime: Runtime,
  spec: AnchorKernelSpec,
  device: Device,
): Promise<LossRun> {
  const sizes = sizesOf(spec);
  const { batch: B, layers: L } = sizes;
  const kernel = await createAnchorLoss(device);
  const graph = new Graph();
  const mean = o.reshape(o.mul(o.reduceSum(graph.input('loss', [B])), 1 / B), [1]);
  const total = await runtime.compile({ name: 'anchor term', outputs: { terms: mean } });
  const inputs = new BoundInputs(runtime);
  const tensors = {
    terms: runtime.empty('f32', [1], 'anchor term'),
    cotangent: runtime.empty('f32', spec.shape, 'cotangent of the anchor loss'),
    loss: runtime.empty('f32', [B], 'anchor loss of each sample'),
    scratch: runtime.empty('f32', [B, L], 'anchor loss scratch'),
  };
  return {
    terms: tensors.terms,
    cotangent: tensors.cotangent,
    executables: [total],
    async run(states, feeds) {
      inputs.writeAll(kernelFeeds(feeds, spec.beta));
      const fed = (name: string) => kernelBuffer(inputs.tensors[name] as DeviceTensor);
      const out = {
        loss: kernelBuffer(tensors.loss),
        dh: kernelBuffer(tensors.cotangent),
        scratch: kernelBuffer(tensors.scratch),
      };
      device.record('anchor loss', (batch) => {
        kernel(batch, kernelBuffer(states), fed('target'), fed('factor'), fed('scale'), out, sizes);
      });
      await total.run({ loss: tensors.loss }, { terms: tensors.terms });
    },
    dispose() {
      inputs.dispose();
      for (const tensor of Object.values(tensors)) tensor.dispose();
      total.dispose();
    },
  };
}
