import type { HostTensor } from '../base/dtype';
import { graphTensor } from '../base/half';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';

/** Tensors that batches are written into: created once, so that every step has the same buffers with new values. */
export class BoundFeeds {
  /** By input name. */
  readonly tensors: Record<string, DeviceTensor> = {};
  private written = new Set<string>();

  /** @param wanted whether anything reads the input of that name; other inputs are left out */
  constructor(
    private readonly runtime: Runtime,
    private readonly wanted: (name: string) => boolean = () => true,
  ) {}

  /** Starts a new batch: values of the previous one count as not written. */
  begin(feeds: Readonly<Record<string, HostTensor>>): void {
    this.written = new Set();
    this.write(feeds);
  }

  write(feeds: Readonly<Record<string, HostTensor>>): void {
    for (const [name, host] of Object.entries(feeds)) {
      if (!this.wanted(name)) continue;
      this.written.add(name);
      const tensor = this.tensors[name];
      if (tensor) tensor.write(graphTensor(host).data);
      else this.tensors[name] = this.runtime.upload(host, name);
    }
  }

  /** Whether the current batch has written the input. */
  isWritten(name: string): boolean {
    return this.written.has(name);
  }

  dispose(): void {
    for (const tensor of Object.values(this.tensors)) tensor.dispose();
  }
}
