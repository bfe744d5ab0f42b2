import { BUG, DeviceError } from '../base/errors';
import type { DeviceBuffer } from './buffer';
import type { Pipeline } from './pipeline';

/** Workgroups along x, y, z. */
export type Groups = readonly [number, number?, number?];

/** WebGPU's guaranteed limit along each dimension. */
const MAX_GROUPS = 65535;

/**
 * Enough workgroups for `count`, folded into two dimensions where one would exceed the limit. The shader's index is
 * `workgroup_id.y * num_workgroups.x + workgroup_id.x`, and it must leave out those past `count`.
 */
export function foldGroups(count: number): readonly [number, number] {
  if (count <= MAX_GROUPS) return [count, 1];
  const y = Math.ceil(count / MAX_GROUPS);
  return [Math.ceil(count / y), y];
}

/**
 * Dispatches recorded into one command buffer, in order; each sees what those before it wrote. Uniforms go into one
 * shared arena, written once per submission: the queue keeps writes and submissions in order, so the next batch may
 * overwrite it.
 */
export class Batch {
  static readonly ARENA_BYTES = 65536;
  /** WebGPU's guaranteed alignment of uniform offsets. */
  private static readonly SLOT = 256;

  private encoder: GPUCommandEncoder;
  private readonly staged = new Uint8Array(Batch.ARENA_BYTES);
  private used = 0;

  constructor(
    private readonly gpu: GPUDevice,
    private readonly arena: GPUBuffer,
    private readonly label: string,
    private readonly submit: (commands: GPUCommandBuffer) => void,
  ) {
    this.encoder = gpu.createCommandEncoder({ label });
  }

  /**
   * Runs `pipeline` over its storage `buffers`, in binding order, with the bytes of `uniforms` (at most 256) if its
   * last binding is a uniform. Throws `DeviceError` if they do not match the pipeline.
   */
  dispatch(
    pipeline: Pipeline,
    buffers: readonly DeviceBuffer[],
    uniforms: ArrayBufferView | undefined,
    groups: Groups,
  ) {
    const [x, y = 1, z = 1] = groups;
    const takesUniform = pipeline.bindings.at(-1) === 'uniform';
    const want = pipeline.bindings.length - (takesUniform ? 1 : 0);
    if (buffers.length !== want || takesUniform !== (uniforms !== undefined)) {
      throw new DeviceError(
        `kernel "${pipeline.label}" was given ${buffers.length} buffers and ${uniforms ? 'a' : 'no'} uniform; ${want} buffers and ${takesUniform ? 'a' : 'no'} uniform are expected`,
        BUG,
      );
    }
    if (Math.min(x, y, z) < 1 || Math.max(x, y, z) > MAX_GROUPS) {
      throw new DeviceError(
        `kernel "${pipeline.label}" asks for ${x} × ${y} × ${z} workgroups; at most ${MAX_GROUPS} are allowed along each dimension`,
        BUG,
      );
    }
    const entries: GPUBindGroupEntry[] = buffers.map((b, binding) => ({
      binding,
      resource: { buffer: b.gpu },
    }));
    if (uniforms) entries.push({ binding: want, resource: this.stage(uniforms) });
    const pass = this.encoder.beginComputePass({ label: pipeline.label });
    pass.setPipeline(pipeline.gpu);
    pass.setBindGroup(
      0,
      this.gpu.createBindGroup({ label: pipeline.label, layout: pipeline.layout, entries }),
    );
    pass.dispatchWorkgroups(x, y, z);
    pass.end();
  }

  /** Copies `bytes` (a multiple of 4) from one buffer to another. */
  copy(from: DeviceBuffer, to: DeviceBuffer, bytes = Math.min(from.gpu.size, to.gpu.size), offset = 0): void {
    this.encoder.copyBufferToBuffer(from.gpu, 0, to.gpu, offset, bytes);
  }

  /** Submits what was recorded; the batch is over. */
  finish(): void {
    if (this.used > 0) this.gpu.queue.writeBuffer(this.arena, 0, this.staged, 0, this.used);
    this.submit(this.encoder.finish());
  }

  private stage(uniforms: ArrayBufferView): GPUBufferBinding {
    if (uniforms.byteLength > Batch.SLOT) {
      throw new DeviceError(
        `kernel "${this.label}" has ${uniforms.byteLength} bytes of uniforms; at most ${Batch.SLOT} fit`,
        BUG,
      );
    }
    if (this.used + Batch.SLOT > Batch.ARENA_BYTES) {
      this.finish();
      this.encoder = this.gpu.createCommandEncoder({ label: this.label });
      this.used = 0;
    }
    const offset = this.used;
    this.used += Batch.SLOT;
    this.staged.set(new Uint8Array(uniforms.buffer, uniforms.byteOffset, uniforms.byteLength), offset);
    return { buffer: this.arena, offset, size: Math.ceil(uniforms.byteLength / 16) * 16 };
  }
}
