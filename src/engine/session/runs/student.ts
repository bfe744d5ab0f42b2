import type { RunConfig } from '../../../contract/config';
import type { TokenLayout } from '../../base/tokens';
import { Decoder } from '../../decode/decoder';
import type { DecodeShape } from '../../decode/programs';
import type { LatentFilter } from '../../nn/latent';
import type { LoraSpec } from '../../nn/lora';
import type { DeviceModels } from '../models/device-models';
import type { LoadedModel } from '../models/pair';

/** A trained adapter with what is needed to run it. */
export interface Student {
  readonly label: string;
  readonly latentSteps: number;
  readonly filter: LatentFilter;
  readonly lora: LoraSpec;
  /** LoRA packs in host memory, one a block: they outlive the device. */
  readonly packs: readonly Float32Array<ArrayBuffer>[];
}

/** Problems decoded at once when accuracy is measured. */
export const EVALUATION_BATCH = 50;

export const filterOf = (config: RunConfig): LatentFilter => ({
  kind: config.latent.filter,
  temperature: config.latent.temperature,
});

/** Longest answer and rationale that are generated, beyond the longest known: room to be wrong in. */
const SLACK = 8;

/** Keys a sequence needs for K latents, prompt and answer, or for the explicit chain of thought. */
export const latentKeys = (layout: TokenLayout, latentSteps: number): number =>
  layout.question + latentSteps + layout.prompt + layout.answer + SLACK;
export const explicitKeys = (layout: TokenLayout): number => layout.question + layout.explicit + SLACK;
export const answerLimit = (layout: TokenLayout): number => layout.answer + SLACK;
export const explicitLimit = (layout: TokenLayout): number => layout.explicit + SLACK;

/** A decoder of a model for `batch` sequences at once; it holds the model until it is disposed of. */
export async function decoderFor(
  models: DeviceModels,
  model: LoadedModel,
  options: Omit<DecodeShape, 'config'>,
): Promise<Decoder> {
  const used = models.use(model);
  try {
    return await Decoder.compile(used, { config: used.config, ...options });
  } finally {
    await used.release();
  }
}
