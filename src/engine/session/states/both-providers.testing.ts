import { Rng } from '../../base/rng';
import { thinking } from '../../decode/reasoning.testing';
import type { Device } from '../../device/device';
import { openDevice } from '../../device/open-device';
import { loraLayout } from '../../nn/lora';
import { adapted as asStudent } from '../../nn/parameters.testing';
import { wasmPaths } from '../../runtime/assets';
import { createRuntime } from '../../runtime/runtime';
import { SMALLEST, serveFiles, tinyPair } from '../../testing/tiny-pair.testing';
import { normals } from '../../train/tiny.testing';
import { DeviceModels } from '../models/device-models';
import { loadPair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import type { LoadedModels } from '../models/subjects';
import { ANY } from '../runs/student.testing';

/** float32 on two providers, one layer; a software adapter's exp errs by 1e-6. Measured 6.5e-7. */
export const TOLERANCE = 1e-5;

export const FEEDBACK = { kind: 'softmax', temperature: 0.8 } as const;

/** The smallest pair and a student with adapters drawn at random, on WebGPU and on WASM. */
export async function onBothProviders() {
  const device: Device = await openDevice();
  const gpu = new DeviceModels(await createRuntime({ provider: 'webgpu', device, wasmPaths }));
  const cpu = new DeviceModels(await createRuntime({ provider: 'wasm', wasmPaths }));
  const { pair } = await loadPair('models', { fetch: serveFiles(await tinyPair(SMALLEST)) });
  const lora = { rank: 2, alpha: 3, targets: ['q', 'down'] } as const;
  const packs = [normals(new Rng(4), loraLayout(pair.base.config, lora).length, 0.2)];
  const loaded: LoadedModels & { readonly problems: ProblemSet } = {
    pair,
    problems: new ProblemSet(pair.manifest.data, pair.codec),
    student: {
      ...ANY,
      label: 's',
      reasoning: thinking(2, FEEDBACK),
      parameters: asStudent(lora),
      packs,
    },
    checkpoints: new Map(),
  };
  const close = async (): Promise<void> => {
    await gpu.runtime.dispose();
    await cpu.runtime.dispose();
    device.destroy();
  };
  return { gpu, cpu, loaded, close };
}
