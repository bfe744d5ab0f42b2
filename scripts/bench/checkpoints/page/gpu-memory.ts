/** What a realm has made on its GPU devices. */
export interface GpuMemory {
  /** Bytes of the buffers that are there, and at most so far. */
  readonly bytes: number;
  readonly peak: number;
  /** Compute pipelines made. */
  readonly pipelines: number;
}

/** Counts them from now on. Buffers that are collected as garbage without being destroyed are counted until then. */
export function gpuMemory(): GpuMemory {
  const counts = { bytes: 0, peak: 0, pipelines: 0 };
  if (!('GPUDevice' in globalThis)) return counts;
  const collected = new FinalizationRegistry<{ size: number }>((one) => {
    counts.bytes -= one.size;
    one.size = 0;
  });
  const alive = new WeakMap<GPUBuffer, { size: number }>();
  const { createBuffer, createComputePipeline, createComputePipelineAsync } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (this: GPUDevice, descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    const one = { size: descriptor.size };
    alive.set(buffer, one);
    collected.register(buffer, one);
    counts.bytes += descriptor.size;
    counts.peak = Math.max(counts.peak, counts.bytes);
    return buffer;
  };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function (this: GPUBuffer) {
    const one = alive.get(this);
    if (one) {
      counts.bytes -= one.size;
      one.size = 0;
    }
    return destroy.call(this);
  };
  GPUDevice.prototype.createComputePipeline = function (this: GPUDevice, descriptor) {
    counts.pipelines++;
    return createComputePipeline.call(this, descriptor);
  };
  GPUDevice.prototype.createComputePipelineAsync = function (this: GPUDevice, descriptor) {
    counts.pipelines++;
    return createComputePipelineAsync.call(this, descriptor);
  };
  return counts;
}
