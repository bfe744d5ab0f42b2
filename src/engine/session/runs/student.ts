import type { RunConfig } from '../../../contract/config';
import type { StudentReport } from '../../../contract/events';
import type { Methods } from '../../../contract/methods/method';
import { nameConfig } from '../../../contract/presets';
import type { DataUsed } from '../../../contract/roles';
import { Owned } from '../../base/owned';
import type { TokenLayout } from '../../base/tokens';
import { Decoder, type KeptOptions } from '../../decode/decoder';
import type { DecodeShape } from '../../decode/programs';
import { feedsOf } from '../../decode/reason';
import { positionsIn, type Reasoning, skippedIn, thoughtsIn } from '../../decode/reasoning';
import { MAX_STATE_BYTES } from '../../decode/state-pool';
import type { ParameterSpecs } from '../../nn/parameters';
import type { DeviceModels } from '../models/device-models';
import { answeringBytes } from '../models/fits';
import type { LoadedModel } from '../models/pair';
import { checkPositions } from '../models/positions';
import type { Example } from '../models/problems';
import type { Roles } from '../models/roles';
import { fedBack } from './fed-back';

/** How a student is run, as plain data, which a student read from a file has too. */
export interface StudentSpec {
  /** What was trained: adapters and modules. */
  readonly parameters: ParameterSpecs;
  readonly reasoning: Reasoning;
}

/** Everything that was trained, with what is needed to run it. */
export interface Student extends StudentSpec {
  /** Unique to this student within the session. */
  readonly id: string;
  readonly label: string;
  /** The configuration it was trained with. */
  readonly config: RunConfig;
  /** Its model and tokenizer, and its teacher; without them its base is the bundled one. */
  readonly roles?: Roles | undefined;
  /** Maximum lengths in its training and evaluation data. */
  readonly lengths?: TokenLayout | undefined;
  /** What it was trained on, and what was held out. */
  readonly examples?:
    | {
        readonly training: readonly Example[];
        readonly heldOut: readonly Example[];
        /** Which data set they are from, and by which rule its answers are judged. */
        readonly used: Pick<DataUsed, 'name' | 'sha256' | 'rule'>;
      }
    | undefined;
  /** The step of its run. */
  readonly step: number;
  /** Trained values in host memory, in the order of `parameterShapes`: they outlive the device. */
  readonly packs: readonly Float32Array<ArrayBuffer>[];
}

/** Problems decoded at once when accuracy is measured. */
export const EVALUATION_BATCH = 50;

/** Tokens generated beyond the longest known answer or rationale: room for wrong ones. */
const SLACK = 8;

/**
 * Number of positions that a sequence needs for the question, what is fed after it, and what is generated; it
 * needs at most that many keys.
 */
export const capacityFor = (layout: TokenLayout, reasoning: Reasoning): number =>
  layout.question +
  positionsIn(reasoning) +
  skippedIn(reasoning) +
  (reasoning.explicit ? 0 : layout.prompt) +
  generationLimit(layout, reasoning);

/** Maximum number of tokens to generate: an answer, or rationale, prompt and answer if those are written. */
export const generationLimit = (layout: TokenLayout, { explicit }: Reasoning): number =>
  (explicit ? layout.explicit : layout.answer) + SLACK;

/** @param capacity keys a sequence may need @throws InputError if the model has fewer positions */
export const checkDecoding = (model: LoadedModel, capacity: number): void =>
  checkPositions(
    model,
    capacity,
    'Decoding, up to the longest answer allowed,',
    'Choose fewer latent steps or shorter questions, or another model.',
  );

/**
 * A decoder of a model for `batch` sequences at once, ready to reason and answer unless it is idle; it holds the model until
 * it is disposed of.
 * @throws InputError if it needs more positions than the model has
 */
export function decoderFor(
  models: DeviceModels,
  model: LoadedModel,
  {
    reasoning,
    parameters,
    kept,
    isIdle = false,
    ...sizes
  }: Pick<DecodeShape, 'batch' | 'question' | 'capacity' | 'parameters'> &
    Pick<StudentSpec, 'reasoning'> & { readonly kept?: KeptOptions; readonly isIdle?: boolean },
): Promise<Decoder> {
  return Owned.while(async (owned) => {
    checkDecoding(model, sizes.capacity);
    const used = models.use(model);
    const { adapters } = reasoning;
    const shape = { config: used.config, ...sizes, parameters, adapters };
    // The states of one answer are always kept; of more, those that `fitting` leaves are fewer.
    const stateBytes = Math.max(MAX_STATE_BYTES, answeringBytes(used.config, sizes.capacity));
    const decoder = owned.add(new Decoder(used, shape, stateBytes));
    await used.release();
    if (!isIdle) await decoder.prepare(feedsOf(reasoning), kept);
    return decoder;
  });
}

/** What identifies a student. */
export const reportOf = (
  { id, label, config, step, reasoning }: Student,
  methods: Methods,
): StudentReport => ({
  id,
  label,
  differs: nameConfig(config, methods).differs,
  step,
  thoughts: { latentSteps: thoughtsIn(reasoning), ...fedBack(reasoning) },
});
