import type { HostTensor } from '../../base/dtype';
import { type Shape, showShape, sizeOf } from '../../base/shape';
import { HIDDEN } from '../../base/tokens';
import type { DecoderConfig } from '../../nn/config';
import { ropeTables } from '../../nn/rope';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';

export type Tensors = Readonly<Record<string, DeviceTensor | undefined>>;

/** Tensors created once and never rewritten: zeros to start sums from, and those that tell a program its column. */
export class Constants {
  private readonly made = new Map<string, DeviceTensor>();
  private readonly told = new Map<number, Tensors>();

  constructor(
    private readonly runtime: Runtime,
    private readonly config: DecoderConfig,
    /** T */
    private readonly columns: number,
  ) {}

  zeros(shape: Shape): DeviceTensor {
    return this.make(`zeros ${showShape(shape)}`, {
      dtype: 'f32',
      shape,
      data: new Float32Array(sizeOf(shape)),
    });
  }

  /** COLUMN_INPUTS of column c. */
  column(c: number): Tensors {
    const known = this.told.get(c);
    if (known) return known;
    const T = this.columns;
    const filled = (shape: Shape, value: (i: number) => number): HostTensor => ({
      dtype: 'f32',
      shape,
      data: Float32Array.from({ length: T }, (_, i) => value(i)),
    });
    const hosts: Record<string, HostTensor> = {
      place: filled([1, 1, T, 1], (i) => Number(i === c)),
      keep: filled([1, 1, T, 1], (i) => Number(i !== c)),
      visible: filled([1, 1, 1, T], (i) => (i <= c ? 0 : HIDDEN)),
      ...(this.config.positions !== 'learned' && this.tables(c)),
    };
    const tensors = Object.fromEntries(
      Object.entries(hosts).map(([name, host]) => [name, this.make(`${name} ${c}`, host)]),
    );
    this.told.set(c, tensors);
    return tensors;
  }

  dispose(): void {
    for (const tensor of this.made.values()) tensor.dispose();
    this.made.clear();
    this.told.clear();
  }

  private tables(c: number): Record<'cos' | 'sin', HostTensor> {
    const { cos, sin } = ropeTables(this.config, c, 1);
    const shape = [1, this.config.headDim / 2];
    return { cos: { dtype: 'f32', shape, data: cos }, sin: { dtype: 'f32', shape, data: sin } };
  }

  private make(name: string, host: HostTensor): DeviceTensor {
    const known = this.made.get(name);
    if (known) return known;
    const tensor = this.runtime.upload(host, name);
    this.made.set(name, tensor);
    return tensor;
  }
}
