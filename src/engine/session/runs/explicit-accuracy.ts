import type { Accuracy } from '../../../contract/events';
import { explicitly } from '../../decode/reasoning';
import { accuracy } from '../../eval/accuracy';
import { promptOf } from '../../eval/answer';
import type { Example } from '../models/problems';
import type { RunContext } from './context';
import type { Machinery } from './prepare';
import type { RunData } from './run-data';
import { capacityFor, decoderFor, generationLimit } from './student';

/**
 * Accuracy when the student writes its rationale and answer itself (LoRi-E). It needs a decoder of its own,
 * because these are longer than the answers in training, and other adapters may run.
 */
export async function explicitAccuracy(
  { models, roles }: Pick<RunContext, 'models' | 'roles'>,
  { adapter, decoded }: Pick<Machinery, 'adapter' | 'decoded'>,
  examples: readonly Example[],
  {
    rule,
    ...options
  }: {
    readonly rule: RunData['used']['rule'];
    readonly signal: AbortSignal | undefined;
    readonly onProgress: (done: number, total: number) => void;
  },
): Promise<Accuracy> {
  const { student, codec, tokenizer } = roles;
  const { parameters } = adapter.student;
  const reasoning = explicitly(adapter.student.reasoning);
  const decoder = await decoderFor(models, student, {
    batch: decoded.batch,
    question: decoded.question,
    capacity: capacityFor(decoded, reasoning),
    parameters,
    reasoning,
  });
  try {
    decoder.setParameters(adapter.packs);
    return await accuracy({
      ...{ decoder, codec, tokenizer, reasoning, ...options },
      judge: { rule, prompt: promptOf(tokenizer, codec) },
      endIds: student.endIds,
      problems: examples.map(({ tokens, problem }) => ({ tokens, answer: problem.answer })),
      limit: generationLimit(decoded, reasoning),
    });
  } finally {
    await decoder.dispose();
  }
}
