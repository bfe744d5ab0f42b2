import type { Accuracy } from '../../../contract/events';
import { Owned } from '../../base/owned';
import { layoutOf } from '../../data/batch';
import type { WordProblem } from '../../data/word-problems';
import { Decoder } from '../../decode/decoder';
import type { ProjectedLayers } from '../../decode/programs';
import { accuracy } from '../../eval/accuracy';
import type { DeviceModels } from '../models/device-models';
import type { ResolvedSubject } from '../models/subjects';
import { answerLimit, EVALUATION_BATCH, explicitKeys, explicitLimit, latentKeys } from '../runs/student';

/** A subject that answers the same problems again and again, its states projected one way or another. */
export interface Bench {
  readonly decoder: Decoder;
  accuracy(onProgress: (done: number) => void, signal?: AbortSignal): Promise<Accuracy>;
  dispose(): Promise<void>;
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
  const shape = { config: model.config, batch, question, keys, lora, filter, projected };
  return Owned.while(async (owned) => {
    const decoder = owned.add(await Decoder.compile(owned.add(models.use(model)), shape));
    decoder.setAdapter(
      packs.map((data, i) =>
        owned.add(models.runtime.upload({ dtype: 'f32', shape: [data.length], data }, `lora.${i}`)),
      ),
    );
    return {
      decoder,
      accuracy: (onProgress, signal) =>
        accuracy({
          decoder,
          codec: codec(),
          tokenizer,
          endIds: model.endIds,
          problems,
          mode: explicit ? 'explicit' : { latentSteps },
          limit: explicit ? explicitLimit(layout) : answerLimit(layout),
          onProgress,
          signal,
        }),
      dispose: () => owned.dispose(),
    };
  });
}
