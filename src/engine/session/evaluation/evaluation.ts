import type { CallOptions } from '../../../contract/calls';
import {
  type Evaluated,
  type EvaluatedItem,
  type EvaluationEvent,
  type EvaluationHead,
  type EvaluationRequest,
  evaluationRequest,
} from '../../../contract/evaluation';
import type { Progress } from '../../../contract/events';
import { quote } from '../../../text/quote';
import { BegunOtherwiseError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { layoutOf } from '../../data/batch';
import { stopsByItself, thoughtsIn } from '../../decode/reasoning';
import { type EvaluationOptions, outcomes } from '../../eval/accuracy';
import { identityOf } from '../latents/identity';
import type { DeviceModels } from '../models/device-models';
import { withoutWeights } from '../models/onnx-open';
import type { Example } from '../models/problems';
import { type LoadedModels, type ResolvedSubject, resolveSubject } from '../models/subjects';
import { parseRequest } from '../parse-request';
import { generationLimit } from '../runs/student';
import { problemsOf } from './problems';
import { subjectDecoder } from './subject-decoder';
import { countsOf, reasoningIn } from './ways';

export interface EvaluationContext {
  readonly models: DeviceModels;
  readonly loaded: LoadedModels;
}

/**
 * Has a subject answer problems in one mode, greedily, and reports every answer as it comes: after an
 * interruption the caller has the answers so far, and names them to request the rest.
 * @throws InputError for a request that the subject cannot meet, BegunOtherwiseError for other weights or
 * problems than it was started with, MemoryError, CancelledError, NumericError
 */
export async function evaluate(
  { models, loaded }: EvaluationContext,
  value: EvaluationRequest,
  { signal, report }: CallOptions<Progress | EvaluationEvent> = {},
): Promise<Evaluated> {
  const { known = [], identity: begun, data: begunOn, ...request } = parseRequest(evaluationRequest(), value);
  const start = performance.now();
  const subject = resolveSubject(request.subject, loaded);
  const { model, tokenizer, label } = subject;
  if (model.onnx) throw withoutWeights(model.onnx.name, 'an evaluation');
  const reasoning = reasoningIn(request, subject.reasoning, label);
  const identity = await identityOfSubject(subject);
  if (begun && (begun.base !== identity.base || begun.student !== identity.student))
    throw new BegunOtherwiseError(
      `the evaluation was started with other weights than the ${label}’s`,
      'Open the student that it was started with, or start a new one.',
    );
  const { examples, rule, prompt, data, notes } = await problemsOf(
    subject,
    request.source,
    request.problems,
    loaded,
    signal,
  );
  if (begunOn && (begunOn.name !== data.name || begunOn.sha256 !== data.sha256))
    throw new BegunOtherwiseError(
      `the evaluation was started on other problems, those of ${quote(begunOn.name)}; these are of ${quote(data.name)}`,
      'Open the data set that it was started on, or start a new one.',
    );
  const head: EvaluationHead = {
    ...{ request, label, model: subject.source, identity, data, notes },
    thoughts: request.mode === 'latent' ? thoughtsIn(subject.reasoning) : null,
    counts: request.mode === 'latent' ? countsOf(subject.reasoning) : [],
    stopsByItself: request.thoughts === undefined && stopsByItself(reasoning),
    rule: request.rule === 'set' ? rule : request.rule,
    total: examples.length,
  };
  report?.({ kind: 'evaluation', head });
  const skipped = new Set(known);
  const left = examples.filter(({ id }) => !skipped.has(id));
  const items: EvaluatedItem[] = [];
  const tell = (): void =>
    report?.({
      ...{ phase: 'evaluate', unit: 'problems', elapsed: performance.now() - start },
      ...{ done: examples.length - left.length + items.length, total: examples.length },
    });
  tell();
  let milliseconds = 0;
  if (left.length === 0) return { ...head, items, milliseconds };
  const layout = layoutOf(
    examples.map(({ tokens }) => tokens),
    subject.codec(),
    Math.min(request.together, left.length),
  );
  await Owned.while(async (owned) => {
    const decoder = await subjectDecoder(owned, models, subject, layout, reasoning);
    const isAlone = decoder.shape.batch === 1;
    const options: Omit<EvaluationOptions, 'problems'> = {
      ...{ decoder, codec: subject.codec(), tokenizer, endIds: model.endIds, reasoning, signal },
      ...{ judge: { rule: head.rule, prompt }, limit: generationLimit(layout, reasoning) },
    };
    const asked = (of: readonly Example[]) =>
      of.map(({ tokens, problem }) => ({ tokens, answer: problem.answer }));
    // A program's first call takes longer than the model itself, so it is made once untimed.
    if (isAlone) await outcomes({ ...options, problems: asked(left.slice(0, 1)) });
    // Within a batch, answers that end first arrive first.
    let fresh = new Map<number, EvaluatedItem>();
    const began = performance.now();
    await outcomes({
      ...options,
      problems: asked(left),
      onOutcome: ({ problem: i, isRight, latents, text, tokens, written, value, milliseconds }) => {
        const { id, problem } = left[i] as Example;
        fresh.set(i, {
          ...{ id, question: problem.question, steps: problem.steps.length, answer: problem.answer },
          ...{ text: text.trim(), value, right: isRight, tokens },
          ...(reasoning.explicit && { written }),
          thoughts: stopsByItself(reasoning) ? latents : thoughtsIn(reasoning),
          milliseconds: isAlone ? milliseconds : null,
        });
      },
      onProgress: () => {
        const inOrder = [...fresh].sort(([a], [b]) => a - b).map(([, item]) => item);
        items.push(...inOrder);
        report?.({ kind: 'items', items: inOrder });
        fresh = new Map();
        tell();
      },
    });
    milliseconds = performance.now() - began;
    await owned.dispose();
  });
  return { ...head, items, milliseconds };
}

/** A model without trained values has no student to identify. */
const identityOfSubject = (subject: ResolvedSubject): Promise<EvaluationHead['identity']> =>
  identityOf(subject.model, subject.packs.length > 0 ? subject : undefined);
