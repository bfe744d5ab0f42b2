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
import type { Roles } from '../models/roles';

/** A trained adapter with what is needed to run it. */
export interface Student {
  /** Unique to this student within the session. */
  readonly id: string;
  readonly label: string;
  /** The configuration it was trained with. */
  readonly config: RunConfig;
  /** Its model and tokenizer, and its teacher; without them it is one of the bundled base. */
  readonly roles?: Roles | undefined;
  /** The longest parts of what it was trained and evaluated on. */
  readonly lengths?: TokenLayout | undefined;
  /** The step of its run. */
  readonly step: number;
  readonly latentSteps: number;
  readonly filter: LatentFilter;
  readonly lora: LoraSpec;
  /** LoRA packs in host memory, one per layer: they outlive the device. */
  readonly packs: readonly Float32Array<ArrayBuffer>[];
}

/** Problems decoded at once when accuracy is measured. */
export const EVALUATION_BATCH = 50;

/** Tokens generated beyond the longest known answer or rationale: room for wrong ones. */
const SLACK = 8;

/** Number of keys a sequence needs for K latents, prompt and answer, or for the explicit chain of thought. */
export const latentKeys = (layout: TokenLayout, latentSteps: number): number =>
  layout.question + latentSteps + layout.prompt + layout.answer + SLACK;
export const explicitKeys = (layout: TokenLayout): number => layout.question + layout.explicit + SLACK;
export const answerLimit = (layout: TokenLayout): number => layout.answer + SLACK;
export const explicitLimit = (layout: TokenLayout): number => layout.explicit + SLACK;

/** @param keys a sequence may need @throws InputError if the model has fewer positions */
export const checkDecoding = (model: LoadedModel, keys: number): void =>
  checkPositions(
    model,
    keys,
    'Decoding, up to the longest answer allowed,',
    'Choose fewer latent steps or shorter questions, or another model.',
  );

/**
 * A decoder of a model for `batch` sequences at once, ready to run; it holds the model until it is disposed of.
 * @throws InputError if it needs more positions than the model has
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

/** What identifies a student. */
export const reportOf = ({ id, label, config, step }: Student, methods: Methods): StudentReport => ({
  id,
  label,
  differs: nameConfig(config, methods).differs,
  step,
});
