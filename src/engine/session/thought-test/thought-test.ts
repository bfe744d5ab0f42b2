import type { CallOptions } from '../../../contract/calls';
import type { Progress } from '../../../contract/events';
import type { ThoughtTestReport, ThoughtTestRequest } from '../../../contract/thought-test';
import { InputError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { layoutOf } from '../../data/batch';
import { thoughtsIn } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { embeddingRows } from '../../model/fed-embeddings';
import { uploadParameters } from '../../model/upload-parameters';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import type { DeviceModels } from '../models/device-models';
import { withoutWeights } from '../models/onnx-open';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { capacityFor, decoderFor, EVALUATION_BATCH, generationLimit } from '../runs/student';
import { checkThoughts, hasAnyNumber, thoughtTestReport, withThoughts } from './report';

export interface ThoughtTestContext {
  readonly models: DeviceModels;
  readonly device: Device | undefined;
  readonly loaded: LoadedModels;
}

/** What may pause, the first choice first. */
const PAUSES = ['.', ',', '?'];

/**
 * The token fed as a pause: a full stop, or another mark, as the questions have it.
 * @param ids of the questions' tokens @throws InputError if they hold no such mark
 */
export function pauseOf(
  tokenizer: Pick<Tokenizer, 'tokenText'>,
  ids: readonly number[],
): { readonly id: number; readonly text: string } {
  const marks = new Map([...new Set(ids)].map((id) => [tokenizer.tokenText(id).trim(), id]));
  for (const text of PAUSES) {
    const id = marks.get(text);
    if (id !== undefined) return { id, text };
  }
  throw new InputError(
    `none of ${PAUSES.join(' ')} is a token of the questions`,
    'Choose problems whose questions have a full stop.',
  );
}

/**
 * Tests whether the thoughts of a student matter, on held-out problems, see `thoughtTestReport`.
 * @throws InputError for impossible values, before anything is computed; CancelledError
 */
export async function testThoughts(
  { models, device, loaded }: ThoughtTestContext,
  request: ThoughtTestRequest,
  options: CallOptions<Progress> = {},
): Promise<ThoughtTestReport> {
  const subject = resolveSubject(request.subject, loaded);
  const { model, tokenizer, reasoning, parameters, packs, label, source } = subject;
  if (model.onnx) throw withoutWeights(model.onnx.name, 'the test of the thoughts');
  const { problems } = loaded;
  if (!problems) throw new InputError('no data set is loaded', 'Load the bundled pair first.');
  checkThoughts(request, reasoning, model.config.hiddenSize, label);
  const codec = subject.codec();
  // In the tokens of the subject's own tokenizer, which may not be the pair's.
  const asked = problems
    .take('held-out', 0, request.problems)
    .map(({ id, problem }) => ({ id, problem, tokens: codec.encode(problem) }));
  const layout = layoutOf(
    asked.map(({ tokens }) => tokens),
    codec,
    Math.min(EVALUATION_BATCH, asked.length),
  );
  // The longest condition thinks twice as long.
  const longest = hasAnyNumber(reasoning) ? withThoughts(reasoning, 2 * thoughtsIn(reasoning)) : reasoning;
  return Owned.while(async (owned) => {
    const used = owned.add(models.use(model));
    const { batch, question } = layout;
    const capacity = capacityFor(layout, longest);
    const decoder = owned.add(
      await decoderFor(models, model, { batch, question, capacity, parameters, reasoning: longest }),
    );
    const values = uploadParameters(models.runtime, used.config, parameters, packs);
    decoder.setParameters(values.map((value) => owned.add(value)));
    const pause = pauseOf(
      tokenizer,
      asked.flatMap(({ tokens }) => tokens.question),
    );
    const report = await thoughtTestReport(
      {
        ...{ decoder, codec, tokenizer, reasoning, label, device },
        endIds: model.endIds,
        problems: asked.map(({ tokens, problem }) => ({ tokens, answer: problem.answer })),
        limit: generationLimit(layout, reasoning),
        signal: options.signal,
        model: source,
        ids: asked.map(({ id }) => id),
        steps: asked.map(({ problem }) => problem.steps),
        pause: { text: pause.text, embedding: embeddingRows(used.source, [pause.id]).data as Float32Array },
      },
      request,
      options,
    );
    await owned.dispose();
    return report;
  });
}
