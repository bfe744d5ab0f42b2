import type { CallOptions } from '../../../contract/calls';
import type { Accuracy } from '../../../contract/events';
import { layoutOf } from '../../data/batch';
import { explicitly } from '../../decode/reasoning';
import { accuracy } from '../../eval/accuracy';
import { promptOf } from '../../eval/answer';
import { uploadParameters } from '../../model/upload-parameters';
import { NO_PARAMETERS } from '../../nn/parameters';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceModels } from '../models/device-models';
import { answeredAtOnce } from '../models/fits';
import type { Roles } from '../models/roles';
import type { RunData } from './run-data';
import { capacityFor, decoderFor, EVALUATION_BATCH, generationLimit } from './student';

/**
 * With what sizes the teacher answers: as many problems at once as fit.
 * @throws MemoryError if not even one does
 */
export function teacherSizes(
  provider: Runtime['provider'],
  { teacher, codec }: Pick<Roles, 'teacher' | 'codec'>,
  { heldOut }: Pick<RunData, 'heldOut'>,
) {
  const most = Math.min(EVALUATION_BATCH, heldOut.length);
  const layout = layoutOf(
    heldOut.map((e) => e.tokens),
    codec,
    most,
  );
  const reasoning = explicitly(teacher.adapter?.reasoning);
  const capacity = capacityFor(layout, reasoning);
  const room = { most, tokens: capacity };
  const batch = answeredAtOnce(teacher.model.config, provider, room, 'answering by the teacher');
  return { batch, question: layout.question, capacity, reasoning, limit: generationLimit(layout, reasoning) };
}

/** Accuracy of the teacher's own chain of thought, greedy, on the held-out examples of a run. */
export async function teacherAccuracy(
  models: DeviceModels,
  roles: Roles,
  { heldOut, used }: RunData,
  { signal, report }: CallOptions,
): Promise<Accuracy> {
  const { teacher, tokenizer, codec } = roles;
  const { limit, ...sizes } = teacherSizes(models.runtime.provider, roles, { heldOut });
  const { reasoning } = sizes;
  const { parameters, packs } = teacher.adapter ?? { parameters: NO_PARAMETERS, packs: [] };
  const decoder = await decoderFor(models, teacher.model, { ...sizes, parameters });
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
      limit,
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
