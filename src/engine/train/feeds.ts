import type { HostTensor } from '../base/dtype';
import { graphTensor } from '../base/half';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';

/** Tensors that batches are written into: created once, so that every step has the same buffers with new values. */
export class BoundFeeds {
  /** By input name. */
  readonly tensors: Record<string, DeviceTensor> = {};

  /** @param wanted whether anything reads the input of that name; other inputs are left out */
  constructor(
    private readonly runtime: Runtime,
    private readonly wanted: (name: string) => boolean = () => true,
  ) {}

  write(feeds: Readonly<Record<string, HostTensor>>): void {
    for (const [name, host] of Object.entries(feeds)) {
      if (!this.wanted(name)) continue;
      const tensor = this.tensors[name];
      if (tensor) tensor.write(graphTensor(host).data);
      else this.tensors[name] = this.runtime.upload(host, name);
    }
  }

  /** A tensor that is made when first asked for and never rewritten. */
  constant(name: string, value: () => HostTensor): DeviceTensor {
    this.tensors[name] ??= this.runtime.upload(value(), name);
    return this.tensors[name];
  }

  dispose(): void {
    for (const tensor of Object.values(this.tensors)) tensor.dispose();
  }
}
