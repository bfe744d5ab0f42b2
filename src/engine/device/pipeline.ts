import { DeviceError } from '../base/errors';

/** How an entry point sees binding i of group 0. A uniform, if any, comes last and is filled by the batch. */
export type Binding = 'read' | 'write' | 'uniform';

/** Values of WGSL `override` declarations. */
export type Constants = Readonly<Record<string, number>>;

export interface Pipeline {
  readonly label: string;
  readonly gpu: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
  readonly bindings: readonly Binding[];
}

const TYPES: Readonly<Record<Binding, GPUBufferBindingType>> = {
  read: 'read-only-storage',
  write: 'storage',
  uniform: 'uniform',
};

export async function buildPipeline(
  gpu: GPUDevice,
  code: string,
  entry: string,
  bindings: readonly Binding[],
  label: string,
  constants: Constants,
): Promise<Pipeline> {
  const layout = gpu.createBindGroupLayout({
    label,
    entries: bindings.map((b, binding) => ({
      binding,
      visibility: GPUShaderStage.COMPUTE,
      buffer: { type: TYPES[b] },
    })),
  });
  // A module's errors are reported below with their lines, not once more as an uncaptured error.
  gpu.pushErrorScope('validation');
  const module = gpu.createShaderModule({ label, code });
  void gpu.popErrorScope();
  try {
    const pipeline = await gpu.createComputePipelineAsync({
      label,
      layout: gpu.createPipelineLayout({ label, bindGroupLayouts: [layout] }),
      compute: { module, entryPoint: entry, constants: { ...constants } },
    });
    return { label, gpu: pipeline, layout, bindings };
  } catch (cause) {
    const info = await module.getCompilationInfo();
    const lines = info.messages.map((m) => `${m.lineNum}:${m.linePos} ${m.message}`);
    const why = lines.length > 0 ? lines.join('; ') : String(cause instanceof Error ? cause.message : cause);
    throw new DeviceError(
      `shader "${label}" (${entry}) does not compile: ${why}`,
      'This GPU’s driver refuses a shader: choose WASM in the Model panel, and please report it with the details below.',
      { cause },
    );
  }
}
