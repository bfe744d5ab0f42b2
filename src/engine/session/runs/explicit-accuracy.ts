import type { Accuracy } from '../../../contract/events';
import type { TokenLayout } from '../../base/tokens';
import { explicitly, type Reasoning } from '../../decode/reasoning';
import { accuracy } from '../../eval/accuracy';
import { promptOf } from '../../eval/answer';
import type { Runtime } from '../../runtime/runtime';
import { answeredAtOnce } from '../models/fits';
import type { LoadedModel } from '../models/pair';
import type { Example } from '../models/problems';
import type { TrainedAdapter } from './adapter';
import type { RunContext } from './context';
import type { RunData } from './run-data';
import { capacityFor, decoderFor, generationLimit } from './student';

/**
 * With what sizes a student answers that writes its rationale: as many problems at once as fit.
 * @throws MemoryError if not even one does
 */
export function explicitSizes(
  provider: Runtime['provider'],
  { config }: Pick<LoadedModel, 'config'>,
  decoded: TokenLayout,
  reasoning: Reasoning,
) {
  const capacity = capacityFor(decoded, reasoning);
  const room = { most: decoded.batch, tokens: capacity };
  const batch = answeredAtOnce(config, provider, room, 'answering with a written rationale');
  return { batch, question: decoded.question, capacity };
}

/**
 * Accuracy when the student writes its rationale and answer itself (LoRi-E). It needs a decoder of its own,
 * because these are longer than the answers in training, and other adapters may run.
 */
export async function explicitAccuracy(
  { models, roles }: Pick<RunContext, 'models' | 'roles'>,
  { adapter, decoded }: { readonly adapter: TrainedAdapter; readonly decoded: TokenLayout },
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
  const sizes = explicitSizes(models.runtime.provider, student, decoded, reasoning);
  const decoder = await decoderFor(models, student, { ...sizes, parameters, reasoning });
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
