import type { HostTensor } from '../../base/dtype';
import { HIDDEN } from '../../base/tokens';
import { loraLayout } from '../../nn/lora';
import { BLOCK_PREFIX } from '../../nn/programs/block';
import { ropeTables } from '../../nn/rope';
import type { Weights } from '../../nn/weights';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import type { StepSpec } from '../step';
import type { SweepConstants } from './sweep';

export type Tensors = Readonly<Record<string, DeviceTensor>>;

/** Tensors made once: frozen weights, what tells a latent step its column, and zeros to start from. */
export class StepTensors {
  /** Weights of each block, by the names of the block programs. */
  readonly blocks: readonly Tensors[];
  /** Embedding, final norm and head; empty where they are baked in. */
  readonly outer: Tensors;
  /** Of latent step t, from 0: columns of the caches, COLUMN_INPUTS. */
  readonly columns: readonly Tensors[];
  readonly zeros: SweepConstants & { readonly question: DeviceTensor };
  private readonly all: DeviceTensor[] = [];

  constructor(
    runtime: Runtime,
    spec: StepSpec,
    weights: Weights,
    outer: Readonly<Record<string, HostTensor>>,
  ) {
    const { config, layout, latentSteps: K } = spec;
    const { batch: B, question: S } = layout;
    const upload = (prefix: string, named: Readonly<Record<string, HostTensor | undefined>>): Tensors => {
      const made: Record<string, DeviceTensor> = {};
      for (const [name, host] of Object.entries(named)) {
        if (!host) continue;
        const tensor = runtime.upload(host, prefix + name);
        this.all.push(tensor);
        made[prefix + name] = tensor;
      }
      return made;
    };
    const zero = (shape: readonly number[]): DeviceTensor => {
      const host = { dtype: 'f32', shape, data: new Float32Array(shape.reduce((n, d) => n * d, 1)) } as const;
      return upload('', { zeros: host }).zeros as DeviceTensor;
    };
    this.blocks = weights.blocks.map((block) => upload(BLOCK_PREFIX, block));
    this.outer = upload('', outer);
    this.columns = Array.from({ length: K }, (_, t) => upload('', columnValues(spec, S + t)));
    this.zeros = {
      row: zero([B, config.hiddenSize]),
      cache: zero([B, config.kvHeads, S + K, config.headDim]),
      pack: zero([loraLayout(config, spec.lora).length]),
      question: zero([B * S, config.hiddenSize]),
    };
  }

  dispose(): void {
    for (const tensor of this.all) tensor.dispose();
  }
}

function columnValues(spec: StepSpec, column: number): Record<string, HostTensor> {
  const T = spec.layout.question + spec.latentSteps;
  const half = spec.config.headDim / 2;
  const filled = (shape: readonly number[], value: (i: number) => number): HostTensor => ({
    dtype: 'f32',
    shape,
    data: Float32Array.from({ length: T }, (_, i) => value(i)),
  });
  const { cos, sin } = ropeTables(spec.config, column, 1);
  return {
    place: filled([1, 1, T, 1], (i) => Number(i === column)),
    keep: filled([1, 1, T, 1], (i) => Number(i !== column)),
    visible: filled([1, 1, 1, T], (i) => (i <= column ? 0 : HIDDEN)),
    cos: { dtype: 'f32', shape: [1, half], data: cos },
    sin: { dtype: 'f32', shape: [1, half], data: sin },
  };
}
