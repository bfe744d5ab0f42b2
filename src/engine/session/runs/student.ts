import type { RunConfig } from '../../../contract/config';
import type { StudentReport } from '../../../contract/events';
import type { Methods } from '../../../contract/methods/method';
import { nameConfig } from '../../../contract/presets';
import { Owned } from '../../base/owned';
import type { TokenLayout } from '../../base/tokens';
import { Decoder } from '../../decode/decoder';
import type { DecodeShape } from '../../decode/programs';
import type { LatentFilter } from '../../nn/latent';
import type { LoraSpec } from '../../nn/lora';
import type { DeviceModels } from '../models/device-models';
import type { LoadedModel } from '../models/pair';
import { checkPositions } from '../models/positions';

/** A trained adapter with what is needed to run it. */
export interface Student {
  /** Of this student and no other of the session. */
  readonly id: string;
  readonly label: string;
  /** What it was trained by. */
  readonly config: RunConfig;
  /** Of its run. */
  readonly step: number;
  readonly latentSteps: number;
  readonly filter: LatentFilter;
  readonly lora: LoraSpec;
  /** LoRA packs in host memory, one per layer: they outlive the device. */
  readonly packs: readonly Float32Array<ArrayBuffer>[];
}

/** Problems decoded at once when accuracy is measured. */
export const EVALUATION_BATCH = 50;

/** Longest answer and rationale that are generated, beyond the longest known: room to be wrong in. */
const SLACK = 8;

/** Keys a sequence needs for K latents, prompt and answer, or for the explicit chain of thought. */
export const latentKeys = (layout: TokenLayout, latentSteps: number): number =>
  layout.question + latentSteps + layout.prompt + layout.answer + SLACK;
export const explicitKeys = (layout: TokenLayout): number => layout.question + layout.explicit + SLACK;
export const answerLimit = (layout: TokenLayout): number => layout.answer + SLACK;
export const explicitLimit = (layout: TokenLayout): number => layout.explicit + SLACK;

/** @param keys a sequence may need @throws InputError for more than the model has positions */
export const checkDecoding = (model: LoadedModel, keys: number): void =>
  checkPositions(
    model,
    keys,
    'Decoding, up to the longest answer that is waited for,',
    'Choose fewer latent steps or shorter questions, or another model.',
  );

/**
 * A decoder of a model for `batch` sequences at once, ready to run; it holds the model until it is disposed of.
 * @throws InputError for more positions than the model has
 */
export function decoderFor(
  models: DeviceModels,
  model: LoadedModel,
  options: Omit<DecodeShape, 'config'> & { readonly latents: boolean },
): Promise<Decoder> {
  return Owned.while(async (owned) => {
    checkDecoding(model, options.keys);
    const used = models.use(model);
    const { latents, ...shape } = options;
    const decoder = owned.add(new Decoder(used, { config: used.config, ...shape }));
    await used.release();
    await decoder.prepare({ latents });
    return decoder;
  });
}

/** Which student it is. */
export const reportOf = ({ id, label, config, step }: Student, methods: Methods): StudentReport => ({
  id,
  label,
  differs: nameConfig(config, methods).differs,
  step,
});
