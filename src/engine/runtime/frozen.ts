import type { HostTensor } from '../base/dtype';
import { Owned } from '../base/owned';
import type { Program } from '../graph/graph';
import type { Executable } from './executable';
import type { Runtime } from './runtime';
import type { DeviceTensor } from './tensor';

/** Programs over weights that never change. */
export interface FrozenPrograms {
  /** In the order of the programs. */
  readonly executables: readonly Executable[];
  /** The weights to bind at every run, by input name; none where they are baked in. */
  readonly tensors: Readonly<Record<string, DeviceTensor>>;
  dispose(): void;
}

/**
 * Compiles programs that read the same frozen weights. On WASM the weights are baked in: packed once, copied never. On
 * WebGPU they are uploaded once and bound. Frees what it made where it fails.
 */
export function compileFrozen(
  runtime: Runtime,
  programs: readonly Program[],
  weights: Readonly<Record<string, HostTensor>>,
): Promise<FrozenPrograms> {
  return Owned.while(async (owned) => {
    const options = runtime.provider === 'wasm' ? { bake: weights } : {};
    const executables: Executable[] = [];
    for (const program of programs) executables.push(owned.add(await runtime.compile(program, options)));
    const tensors: Record<string, DeviceTensor> = {};
    for (const [name, weight] of Object.entries(weights))
      if (executables.some(({ inputs }) => inputs.has(name)))
        tensors[name] = owned.add(runtime.upload(weight, name));
    return { executables, tensors, dispose: () => owned.dispose() };
  });
}
