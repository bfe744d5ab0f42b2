import type { CallOptions } from '../../../contract/calls';
import type { Accuracy } from '../../../contract/events';
import { layoutOf } from '../../data/batch';
import { explicitly } from '../../decode/reasoning';
import { accuracy } from '../../eval/accuracy';
import { promptOf } from '../../eval/answer';
import { uploadParameters } from '../../model/upload-parameters';
import { NO_PARAMETERS } from '../../nn/parameters';
import type { DeviceModels } from '../models/device-models';
import type { Roles } from '../models/roles';
import type { RunData } from './run-data';
import { capacityFor, decoderFor, EVALUATION_BATCH, generationLimit } from './student';

/** Accuracy of the teacher's own chain of thought, greedy, on the held-out examples of a run. */
export async function teacherAccuracy(
  models: DeviceModels,
  { teacher, tokenizer, codec }: Roles,
  { heldOut, used }: RunData,
  { signal, report }: CallOptions,
): Promise<Accuracy> {
  const batch = Math.min(EVALUATION_BATCH, heldOut.length);
  const layout = layoutOf(
    heldOut.map((e) => e.tokens),
    codec,
    batch,
  );
  const { parameters, packs, reasoning: own } = teacher.adapter ?? { parameters: NO_PARAMETERS, packs: [] };
  const reasoning = explicitly(own);
  const decoder = await decoderFor(models, teacher.model, {
    ...{ batch, question: layout.question, capacity: capacityFor(layout, reasoning) },
    ...{ parameters, reasoning },
  });
  const values = uploadParameters(models.runtime, teacher.model.config, parameters, packs);
  decoder.setParameters(values);
  const start = performance.now();
  try {
    return await accuracy({
      ...{ decoder, codec, tokenizer, signal },
      endIds: teacher.model.endIds,
      problems: heldOut.map((e) => ({ tokens: e.tokens, answer: e.problem.answer })),
      reasoning,
      judge: { rule: used.rule, prompt: promptOf(tokenizer, codec) },
      limit: generationLimit(layout, reasoning),
      onProgress: (done, total) =>
        report?.({
          ...{ phase: 'evaluate', done, total, unit: 'problems' },
          elapsed: performance.now() - start,
        }),
    });
  } finally {
    await decoder.dispose();
    for (const value of values) value.dispose();
  }
}
