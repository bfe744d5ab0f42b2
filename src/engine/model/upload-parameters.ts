import { RuntimeError } from '../base/errors';
import { sizeOf } from '../base/shape';
import type { DecoderConfig } from '../nn/config';
import { parameterShapes } from '../nn/parameter-set';
import type { ParameterSpecs } from '../nn/parameters';
import type { Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { uploadAll } from '../runtime/upload-all';

/**
 * Uploads trained values, all or none, in the order of `parameterShapes`.
 * @throws RuntimeError if they are not the values of these parameters
 */
export function uploadParameters(
  runtime: Runtime,
  config: DecoderConfig,
  specs: ParameterSpecs,
  values: readonly Float32Array<ArrayBuffer>[],
): DeviceTensor[] {
  const all = parameterShapes(config, specs);
  const wrong = all.findIndex(({ shape }, i) => values[i]?.length !== sizeOf(shape));
  if (values.length !== all.length || wrong >= 0)
    throw new RuntimeError(
      wrong >= 0
        ? `"${all[wrong]?.name}" has ${values[wrong]?.length ?? 'no'} values; ${sizeOf(all[wrong]?.shape ?? [])} are expected`
        : `there are ${values.length} trained tensors; ${all.length} are expected`,
      'Use a student that was trained on this model.',
    );
  return uploadAll(
    runtime,
    all.map(({ shape }, i) => ({ dtype: 'f32', shape, data: values[i] as Float32Array<ArrayBuffer> })),
    (i) => all[i]?.name ?? '',
  );
}
