import { InputError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { layoutOf } from '../../data/batch';
import type { ProblemText } from '../../data/tokens';
import { explicitly } from '../../decode/reasoning';
import { type Intervention, identity } from '../../decode/sites';
import { outcomes } from '../../eval/accuracy';
import { uploadParameters } from '../../model/upload-parameters';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceModels } from '../models/device-models';
import { answeredAtOnce } from '../models/fits';
import type { ResolvedSubject } from '../models/subjects';
import { capacityFor, checkDecoding, decoderFor, EVALUATION_BATCH, generationLimit } from '../runs/student';

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

/** The problems that a subject is asked, and with what sizes it answers them. */
export type AskedProblems = ReturnType<typeof askedProblems>;

/**
 * Students answer as they were trained to; other models write a rationale first; as many at once as fit.
 * @throws InputError beyond the model's positions, MemoryError if not even one problem fits
 */
export function askedProblems(
  provider: Runtime['provider'],
  { kind, model, codec, reasoning: own }: ResolvedSubject,
  asked: readonly ProblemText[],
) {
  const problems = asked.map((problem) => ({ tokens: codec().encode(problem), answer: problem.answer }));
  const most = Math.min(EVALUATION_BATCH, problems.length);
  const layout = layoutOf(
    problems.map(({ tokens }) => tokens),
    codec(),
    most,
  );
  const reasoning = kind === 'student' ? own : explicitly();
  const capacity = capacityFor(layout, reasoning);
  checkDecoding(model, capacity);
  const batch = answeredAtOnce(model.config, provider, { most, tokens: capacity }, 'the causal test');
  const { question } = layout;
  return {
    problems,
    reasoning,
    sizes: { batch, question, capacity },
    limit: generationLimit(layout, reasoning),
  };
}

/** Frees everything if it fails. */
export async function openProjectedSubject(
  models: DeviceModels,
  { model, tokenizer, codec, parameters, packs }: ResolvedSubject,
  { problems, reasoning, sizes, limit }: AskedProblems,
  projected: ProjectedLayers,
): Promise<ProjectedSubject> {
  return Owned.while(async (owned) => {
    const used = owned.add(models.use(model));
    const decoder = owned.add(
      await decoderFor(models, model, { ...sizes, parameters, reasoning, isIdle: true }),
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
          limit,
          interventions: { generated, question: projected.question ? generated : [] },
          onProgress,
          signal,
        }),
      dispose: () => owned.dispose(),
    };
  });
}
