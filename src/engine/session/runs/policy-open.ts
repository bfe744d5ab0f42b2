import { Owned } from '../../base/owned';
import type { TokenLayout } from '../../base/tokens';
import { positionsIn, type Reasoning } from '../../decode/reasoning';
import type { ModelOnDevice } from '../../model/model-on-device';
import { uploadParameters } from '../../model/upload-parameters';
import type { ParameterSet } from '../../nn/parameter-set';
import type { OwnInputs } from '../../recipes/shared/recipe';
import type { TapeRun } from '../../train/step';
import { Tape } from '../../train/tape/tape';
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
 * Opens a decoder for as many answers as a step has, and the reference as a copy of what is trained. Frees
 * everything if it fails.
 */
export function openPolicy(options: PolicyOptions): Promise<RunPolicy> {
  const { context, model, parameters, adapter, layout, sizes, reasoning } = options;
  const { models, roles } = context;
  return Owned.while(async (owned) => {
    const decoder = owned.add(
      await decoderFor(models, roles.student, {
        batch: layout.batch,
        question: layout.question,
        capacity: layout.question + positionsIn(reasoning) + (sizes?.text ?? 0),
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
