import { InputError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { layoutOf } from '../../data/batch';
import type { WordProblem } from '../../data/word-problems';
import { Decoder } from '../../decode/decoder';
import { type Intervention, identity } from '../../decode/sites';
import { outcomes } from '../../eval/accuracy';
import type { DeviceModels } from '../models/device-models';
import type { ResolvedSubject } from '../models/subjects';
import {
  answerLimit,
  checkDecoding,
  EVALUATION_BATCH,
  explicitKeys,
  explicitLimit,
  latentKeys,
} from '../runs/student';

/** A subject that answers the same problems again and again, its states projected one way or another. */
export interface Bench {
  /** Puts h → h·P + s, P [H, H] and s [1, H], at one of its layers; before that it has the identity there. */
  project(layer: number, matrix: Float32Array<ArrayBuffer>, shift: Float32Array<ArrayBuffer>): void;
  /** By problem: 1 for right, 0 for wrong. */
  answer(onProgress: (done: number) => void, signal?: AbortSignal): Promise<Uint8Array>;
  dispose(): Promise<void>;
}

/** Layers whose states are projected: after the question, and at the question's positions too where `question`. */
export interface ProjectedLayers {
  readonly layers: readonly number[];
  readonly question: boolean;
}

/** Students answer after their latents; the others write their rationale first. Frees what it made where it fails. */
export async function openBench(
  models: DeviceModels,
  { kind, model, tokenizer, codec, filter, latentSteps, lora, packs = [] }: ResolvedSubject,
  asked: readonly WordProblem[],
  projected: ProjectedLayers,
): Promise<Bench> {
  const problems = asked.map((problem) => ({ tokens: codec().encode(problem), answer: problem.answer }));
  const layout = layoutOf(
    problems.map(({ tokens }) => tokens),
    codec(),
    Math.min(EVALUATION_BATCH, problems.length),
  );
  const explicit = kind !== 'student';
  const { batch, question } = layout;
  const keys = explicit ? explicitKeys(layout) : latentKeys(layout, latentSteps);
  checkDecoding(model, keys);
  return Owned.while(async (owned) => {
    const used = owned.add(models.use(model));
    const decoder = owned.add(
      new Decoder(used, { config: used.config, batch, question, keys, lora, filter }),
    );
    decoder.setAdapter(
      packs.map((data, i) =>
        owned.add(models.runtime.upload({ dtype: 'f32', shape: [data.length], data }, `lora.${i}`)),
      ),
    );
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
          throw new InputError(
            `layer ${layer} is not projected here`,
            'Choose one of the layers of this test.',
          );
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
          mode: explicit ? 'explicit' : { latentSteps },
          limit: explicit ? explicitLimit(layout) : answerLimit(layout),
          interventions: { generated, question: projected.question ? generated : [] },
          onProgress,
          signal,
        }),
      dispose: () => owned.dispose(),
    };
  });
}
