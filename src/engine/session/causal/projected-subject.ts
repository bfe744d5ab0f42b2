import { InputError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { layoutOf } from '../../data/batch';
import type { ProblemText } from '../../data/tokens';
import { Decoder } from '../../decode/decoder';
import { explicitly } from '../../decode/reasoning';
import { type Intervention, identity } from '../../decode/sites';
import { outcomes } from '../../eval/accuracy';
import { uploadParameters } from '../../model/upload-parameters';
import type { DeviceModels } from '../models/device-models';
import type { ResolvedSubject } from '../models/subjects';
import { capacityFor, checkDecoding, EVALUATION_BATCH, generationLimit } from '../runs/student';

/** A subject that answers the same problems repeatedly, with its hidden states projected in different ways. */
export interface ProjectedSubject {
  /** Sets the map h → h·P + s at one of its layers, P [H, H] and s [1, H]; initially it is the identity. */
  project(layer: number, matrix: Float32Array<ArrayBuffer>, shift: Float32Array<ArrayBuffer>): void;
  /** By problem: 1 if correct, 0 if wrong. */
  answer(onProgress: (done: number) => void, signal?: AbortSignal): Promise<Uint8Array>;
  dispose(): Promise<void>;
}

/** Layers whose hidden states are projected: after the question, and also at the question's positions if `question`. */
export interface ProjectedLayers {
  readonly layers: readonly number[];
  readonly question: boolean;
}

/** Students answer as they were trained to; other models write a rationale first. Frees everything if it fails. */
export async function openProjectedSubject(
  models: DeviceModels,
  { kind, model, tokenizer, codec, reasoning: own, parameters, packs }: ResolvedSubject,
  asked: readonly ProblemText[],
  projected: ProjectedLayers,
): Promise<ProjectedSubject> {
  const problems = asked.map((problem) => ({ tokens: codec().encode(problem), answer: problem.answer }));
  const layout = layoutOf(
    problems.map(({ tokens }) => tokens),
    codec(),
    Math.min(EVALUATION_BATCH, problems.length),
  );
  const reasoning = kind === 'student' ? own : explicitly();
  const { adapters } = reasoning;
  const { batch, question } = layout;
  const capacity = capacityFor(layout, reasoning);
  checkDecoding(model, capacity);
  return Owned.while(async (owned) => {
    const used = owned.add(models.use(model));
    const decoder = owned.add(
      new Decoder(used, { config: used.config, batch, question, capacity, parameters, adapters }),
    );
    const values = uploadParameters(models.runtime, used.config, parameters, packs);
    decoder.setParameters(values.map((value) => owned.add(value)));
    const H = model.config.hiddenSize;
    const projections = new Map<number, Intervention>(
      projected.layers.map((layer) => [
        layer,
        decoder.intervention({ site: 'residual', layer }, identity(H), new Float32Array(H)),
      ]),
    );
    const generated = [...projections.values()];
    return {
      project(layer, matrix, shift) {
        const projection = projections.get(layer);
        if (!projection)
          throw new InputError(`layer ${layer} is not projected here`, 'Choose one of this test’s layers.');
        projection.matrix.write(matrix);
        projection.shift.write(shift);
      },
      answer: (onProgress, signal) =>
        outcomes({
          decoder,
          codec: codec(),
          tokenizer,
          endIds: model.endIds,
          problems,
          reasoning,
          limit: generationLimit(layout, reasoning),
          interventions: { generated, question: projected.question ? generated : [] },
          onProgress,
          signal,
        }),
      dispose: () => owned.dispose(),
    };
  });
}
