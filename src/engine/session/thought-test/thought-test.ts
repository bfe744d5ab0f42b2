import type { CallOptions } from '../../../contract/calls';
import type { Progress } from '../../../contract/events';
import type { ThoughtTestReport, ThoughtTestRequest } from '../../../contract/thought-test';
import { InputError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { layoutOf } from '../../data/batch';
import { stopsByItself, thoughtsIn, withThoughts } from '../../decode/reasoning';
import type { Device } from '../../device/device';
import { embeddingRows } from '../../model/fed-embeddings';
import type { Tokenizer } from '../../tokenizer/tokenizer';
import { problemsOf } from '../evaluation/problems';
import { subjectDecoder } from '../evaluation/subject-decoder';
import { countsOf } from '../evaluation/ways';
import type { DeviceModels } from '../models/device-models';
import { withoutWeights } from '../models/onnx-open';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { EVALUATION_BATCH, generationLimit } from '../runs/student';
import { checkThoughts } from './check';
import { thoughtTestReport } from './report';

export interface ThoughtTestContext {
  readonly models: DeviceModels;
  readonly device: Device | undefined;
  readonly loaded: LoadedModels;
}

/** Candidates for the pause token, in order of preference. */
const PAUSES = ['.', ',', '?'];

/**
 * The token fed as a pause: a full stop, or another mark, as tokenized in the questions.
 * @param ids of the questions' tokens @throws InputError if none is such a mark
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
  const { model, tokenizer, reasoning, label, source } = subject;
  if (model.onnx) throw withoutWeights(model.onnx.name, 'the test of the thoughts');
  checkThoughts(request, reasoning, model.config.hiddenSize, label);
  const { examples, rule, prompt, notes } = await problemsOf(
    subject,
    request.source,
    request.problems,
    loaded,
    options.signal,
  );
  const codec = subject.codec();
  const layout = layoutOf(
    examples.map(({ tokens }) => tokens),
    codec,
    Math.min(EVALUATION_BATCH, examples.length),
  );
  const pause = pauseOf(
    tokenizer,
    examples.flatMap(({ tokens }) => tokens.question),
  );
  // The longest condition may have twice as many thoughts; a student that stops by itself never gets more
  // than its maximum.
  const most = stopsByItself(reasoning) ? thoughtsIn(reasoning) : Math.max(...countsOf(reasoning));
  const longest = most > thoughtsIn(reasoning) ? withThoughts(reasoning, most) : reasoning;
  return Owned.while(async (owned) => {
    const used = owned.add(models.use(model));
    const decoder = await subjectDecoder(owned, models, subject, layout, longest);
    const report = await thoughtTestReport(
      {
        ...{ decoder, codec, tokenizer, reasoning, label, device },
        endIds: model.endIds,
        problems: examples.map(({ tokens, problem }) => ({ tokens, answer: problem.answer })),
        limit: generationLimit(layout, reasoning),
        judge: { rule, prompt },
        signal: options.signal,
        model: source,
        ids: examples.map(({ id }) => id),
        steps: examples.map(({ problem }) => problem.steps),
        pause: { text: pause.text, embedding: embeddingRows(used.source, [pause.id]).data as Float32Array },
      },
      request,
      options,
    );
    await owned.dispose();
    return { ...report, notes: [...notes, ...report.notes] };
  });
}
