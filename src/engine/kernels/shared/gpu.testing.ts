import { openDevice } from '../../device/open-device';
import { Workspace } from './workspace';

/** Float32 sums on the GPU, in blocks, against float64: the gate of every kernel but the decomposition. */
export { KERNEL_TOLERANCE as GPU_TOLERANCE } from './golden';
export { randomF32 } from './testing';

/** A separate device; `close` destroys its buffers, and fails if any other buffer was left alive. */
export class TestBench extends Workspace {
  static async open(): Promise<TestBench> {
    return new TestBench(await openDevice());
  }

  override close(): void {
    super.close();
    const left = this.device.liveBuffers;
    this.device.destroy();
    if (left !== 0) throw new Error(`${left} GPU buffers were left alive`);
  }
}
