import type { HostTensor } from '../base/dtype';
import { graphTensor } from '../base/half';
import type { Runtime } from './runtime';
import type { DeviceTensor } from './tensor';

/**
 * Tensors for inputs that change from run to run, by name: created once, so that every run uses the same
 * buffers with new values.
 */
export class BoundInputs {
  readonly tensors: Record<string, DeviceTensor> = {};

  /** @param wanted whether anything reads the input of that name; `writeAll` leaves out the others */
  constructor(
    private readonly runtime: Runtime,
    private readonly wanted: (name: string) => boolean = () => true,
  ) {}

  /** @returns the tensor, which has the shape of the first value of that name */
  write(name: string, host: HostTensor): DeviceTensor {
    const known = this.tensors[name];
    known?.write(graphTensor(host).data);
    const tensor = known ?? this.runtime.upload(host, name);
    this.tensors[name] = tensor;
    return tensor;
  }

  writeAll(hosts: Readonly<Record<string, HostTensor>>): void {
    for (const [name, host] of Object.entries(hosts)) if (this.wanted(name)) this.write(name, host);
  }

  /** A tensor that is created on first use and never rewritten. */
  constant(name: string, value: () => HostTensor): DeviceTensor {
    return this.tensors[name] ?? this.write(name, value());
  }

  dispose(): void {
    for (const tensor of Object.values(this.tensors)) tensor.dispose();
  }
}
