import type { Owned } from '../../base/owned';
import type { TokenLayout } from '../../base/tokens';
import type { Decoder } from '../../decode/decoder';
import type { Reasoning } from '../../decode/reasoning';
import { uploadParameters } from '../../model/upload-parameters';
import type { DeviceModels } from '../models/device-models';
import { answeredAtOnce } from '../models/fits';
import type { ResolvedSubject } from '../models/subjects';
import { capacityFor, decoderFor } from '../runs/student';

/**
 * A decoder of a subject with its trained values, for as many problems at once as the layout has, or as fit.
 * Its resources are freed with `owned`. @param reasoning the longest that it will run
 * @throws InputError beyond the model's positions, MemoryError if not even one problem fits
 */
export async function subjectDecoder(
  owned: Owned,
  models: DeviceModels,
  { model, parameters, packs }: Pick<ResolvedSubject, 'model' | 'parameters' | 'packs'>,
  layout: TokenLayout,
  reasoning: Reasoning,
): Promise<Decoder> {
  const capacity = capacityFor(layout, reasoning);
  const room = { most: layout.batch, tokens: capacity };
  const batch = answeredAtOnce(model.config, models.runtime.provider, room, 'answering');
  const used = owned.add(models.use(model));
  const { question } = layout;
  const decoder = owned.add(
    await decoderFor(models, model, { batch, question, capacity, parameters, reasoning }),
  );
  const values = uploadParameters(models.runtime, used.config, parameters, packs);
  decoder.setParameters(values.map((one) => owned.add(one)));
  return decoder;
}
