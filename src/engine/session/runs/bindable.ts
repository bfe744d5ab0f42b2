import type { RunConfig } from '../../../contract/config';
import { TooLargeError } from '../../base/errors';
import { sizeOf } from '../../base/shape';
import { BASE } from '../../nn/parameters';
import type { Recipe } from '../../recipes/shared/recipe';
import { parametersOf } from '../../recipes/shared/trained';
import type { RunContext } from './context';

/**
 * Refuses a run of which a trained tensor is larger than the device can bind, before anything is computed: each is bound as one, with
 * its gradient and moments of the same size. Frozen matrices are bound in pieces (decision 0053).
 * @throws TooLargeError naming the tensor
 */
export function refuseUnlessBindable(
  { runtime, models, roles }: Pick<RunContext, 'runtime' | 'models' | 'roles'>,
  recipe: Recipe,
  config: RunConfig,
): void {
  // As it is on the device, where a large vocabulary is in chunks.
  const { all } = parametersOf(recipe, config, models.configOf(roles.student));
  const bytesOf = ({ shape }: (typeof all)[number]): number => Float32Array.BYTES_PER_ELEMENT * sizeOf(shape);
  const tooLarge = all.find((one) => bytesOf(one) > runtime.maxTensorBytes);
  if (!tooLarge) return;
  const isWeight = tooLarge.name.startsWith(BASE);
  const other =
    runtime.provider === 'webgpu' ? 'choose WASM in the Model panel' : 'choose a smaller checkpoint';
  throw new TooLargeError(
    `the trained tensor ${tooLarge.name} takes ${bytesOf(tooLarge)} bytes; this device can bind ${runtime.maxTensorBytes} at most, and what is trained is bound as a whole`,
    isWeight
      ? `Train LoRA adapters in place of all weights (training.weights = lora), under which large matrices are bound in pieces, or ${other}.`
      : `Lower the adapters’ rank or the modules’ width, or ${other}.`,
  );
}
