import type { HostTensor } from '../base/dtype';
import { Owned } from '../base/owned';
import type { Program } from '../graph/graph';
import type { DecoderConfig } from '../nn/config';
import { BLOCK_PREFIX } from '../nn/programs/block';
import { namedWeights, type Weights } from '../nn/weights';
import type { Binding, Executable } from '../runtime/executable';
import { compileFrozen } from '../runtime/frozen';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';

/** A compiled program that already has the model's weights: only the other inputs are bound at a run. */
export interface ModelProgram {
  readonly name: string;
  /** Without weights. */
  readonly inputs: ReadonlyMap<string, Binding>;
  readonly outputs: ReadonlyMap<string, Binding>;
  readonly executable: Executable;
  /** As `Executable.run`. */
  run(
    inputs: Readonly<Record<string, DeviceTensor>>,
    outputs?: Readonly<Record<string, DeviceTensor>>,
  ): Promise<Record<string, DeviceTensor>>;
  dispose(): void;
}

/** One model's weights where programs run. */
export class ModelOnDevice {
  private readonly owned = new Owned();
  private readonly layers = new Map<number, Readonly<Record<string, DeviceTensor>>>();

  constructor(
    readonly runtime: Runtime,
    readonly config: DecoderConfig,
    private readonly weights: Weights,
  ) {}

  /**
   * Compiles a program that reads weights under the names of `namedWeights`: `w.{name}` of embedding, final norm and
   * head, `w.{i}.{name}` of layer i. A program shared by layers reads `w.{name}` of whichever layer `layer(i)` is bound.
   */
  async compile(program: Program): Promise<ModelProgram> {
    const named: Record<string, HostTensor> = namedWeights(this.weights);
    const frozen = await compileFrozen(this.runtime, [program], named);
    const [executable] = frozen.executables as [Executable];
    const inputs = new Map([...executable.inputs].filter(([name]) => !(name in frozen.tensors)));
    return {
      name: executable.name,
      inputs,
      outputs: executable.outputs,
      executable,
      run: (bound, outputs) => executable.run({ ...frozen.tensors, ...bound }, outputs),
      dispose: () => frozen.dispose(),
    };
  }

  /** Weights of layer i under the names of a program shared by layers: `w.{name}`. */
  layer(i: number): Readonly<Record<string, DeviceTensor>> {
    const known = this.layers.get(i);
    if (known) return known;
    const made: Record<string, DeviceTensor> = {};
    for (const [name, host] of Object.entries(this.weights.blocks[i] ?? {}))
      if (host) made[BLOCK_PREFIX + name] = this.owned.add(this.runtime.upload(host, `${i}.${name}`));
    this.layers.set(i, made);
    return made;
  }

  dispose(): void {
    this.layers.clear();
    this.owned.dispose();
  }
}
