import type { HostData } from '../base/dtype';
import type { Shape } from '../base/shape';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';

/** Tensors for the small inputs of passes, by name, created once and rewritten. */
export class PassInputs {
  private readonly made = new Map<string, DeviceTensor>();

  constructor(private readonly runtime: Runtime) {}

  write(name: string, shape: Shape, data: HostData): DeviceTensor {
    const known = this.made.get(name);
    const tensor = known ?? this.runtime.empty(data instanceof Int32Array ? 'i32' : 'f32', shape, name);
    this.made.set(name, tensor);
    tensor.write(data);
    return tensor;
  }

  dispose(): void {
    for (const tensor of this.made.values()) tensor.dispose();
    this.made.clear();
  }
}
