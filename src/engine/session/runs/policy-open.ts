import { Owned } from '../../base/owned';
import type { TokenLayout } from '../../base/tokens';
import { positionsIn, type Reasoning } from '../../decode/reasoning';
import type { ModelOnDevice } from '../../model/model-on-device';
import { uploadParameters } from '../../model/upload-parameters';
import type { ParameterSet } from '../../nn/parameter-set';
import type { OwnInputs } from '../../recipes/shared/recipe';
import type { Runtime } from '../../runtime/runtime';
import type { TapeRun } from '../../train/step';
import { Tape } from '../../train/tape/tape';
import { refuseUnlessTogether } from '../models/fits';
import type { LoadedModel } from '../models/pair';
import type { TrainedAdapter } from './adapter';
import type { RunContext } from './context';
import { type RunPolicy, runPolicy } from './policy';
import type { Values } from './snapshot-file';
import { decoderFor } from './student';

export interface PolicyOptions {
  readonly context: RunContext;
  readonly model: ModelOnDevice;
  readonly parameters: ParameterSet;
  readonly adapter: TrainedAdapter;
  readonly layout: TokenLayout;
  readonly sizes: OwnInputs['sizes'];
  readonly reasoning: Reasoning;
  /** For a resumed run, the reference's values; by default those of the current parameters. */
  readonly known: Values | undefined;
  /** Records what the reference outputs; without it there is no reference. */
  readonly record: ((tape: Tape) => void) | undefined;
  readonly compile: (tape: Tape) => Promise<TapeRun>;
  readonly signal: AbortSignal | undefined;
}

/**
 * With what sizes answers are drawn: to all of a batch at once, since what they draw depends on their place in it.
 * @throws MemoryError if that does not fit
 */
export function policySizes(
  provider: Runtime['provider'],
  { config }: Pick<LoadedModel, 'config'>,
  { layout, sizes, reasoning }: Pick<PolicyOptions, 'layout' | 'sizes' | 'reasoning'>,
) {
  const { batch, question } = layout;
  const capacity = question + positionsIn(reasoning) + (sizes?.text ?? 0);
  const wanted = { kind: 'generate', sequences: batch, tokens: capacity } as const;
  refuseUnlessTogether(config, provider, wanted, 'drawing answers');
  return { batch, question, capacity };
}

/**
 * Opens a decoder for as many answers as a step has, and the reference as a copy of what is trained. Frees
 * everything if it fails.
 */
export function openPolicy(options: PolicyOptions): Promise<RunPolicy> {
  const { context, model, parameters, adapter, layout, reasoning } = options;
  const { models, roles } = context;
  return Owned.while(async (owned) => {
    const decoder = owned.add(
      await decoderFor(models, roles.student, {
        ...policySizes(models.runtime.provider, roles.student, options),
        parameters: parameters.specs,
        reasoning,
      }),
    );
    decoder.setParameters(adapter.packs);
    const { record } = options;
    const of = { roles, decoder, reasoning, signal: options.signal };
    if (!record) return runPolicy({ ...of, reference: undefined });
    const kept = options.known ?? (await adapter.read());
    const tape = new Tape(parameters, layout.batch);
    record(tape);
    const run = owned.add(await options.compile(tape));
    const values = uploadParameters(context.runtime, model.config, parameters.specs, kept);
    for (const value of values) owned.add(value);
    return runPolicy({ ...of, reference: { run, values, kept } });
  });
}
