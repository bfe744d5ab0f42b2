import type { CallOptions } from '../../../contract/calls';
import type { Progress } from '../../../contract/events';
import type { StoppingReport, StoppingRequest } from '../../../contract/stopping';
import { InputError } from '../../base/errors';
import { Owned } from '../../base/owned';
import { expectWhole } from '../../base/whole';
import { layoutOf } from '../../data/batch';
import { atEveryStop } from '../../decode/branches';
import { type LatentsStage, type Reasoning, stopsIn } from '../../decode/reasoning';
import { answersOf, type EvaluationOptions } from '../../eval/accuracy';
import { isCorrect, textOf } from '../../eval/answer';
import { readQuestions } from '../../eval/read-questions';
import { problemsOf } from '../evaluation/problems';
import { subjectDecoder } from '../evaluation/subject-decoder';
import type { DeviceModels } from '../models/device-models';
import { withoutWeights } from '../models/onnx-open';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { EVALUATION_BATCH, generationLimit } from '../runs/student';

export interface StoppingContext {
  readonly models: DeviceModels;
  readonly loaded: LoadedModels;
}

export const MAX_PROBLEMS = 1000;

/** The stage that stops by itself. @throws InputError without one */
export function stoppingStage(
  { stages }: Reasoning,
  label: string,
): LatentsStage & Required<Pick<LatentsStage, 'stop'>> {
  const stage = stages.find(stopsIn);
  if (!stage)
    throw new InputError(
      `the ${label} has no stop head: it always makes the same number of thoughts`,
      'Choose a student of adaptive latent reasoning, trained here or published.',
    );
  return stage as LatentsStage & Required<Pick<LatentsStage, 'stop'>>;
}

/**
 * Answers problems as if the student had stopped after each possible number of thoughts, and reports its stop
 * head's log-odds there.
 * @throws InputError for a subject without a stop head, or impossible values, CancelledError, NumericError
 */
export async function stoppingReport(
  { models, loaded }: StoppingContext,
  request: StoppingRequest,
  { signal, report }: CallOptions<Progress> = {},
): Promise<StoppingReport> {
  const start = performance.now();
  const subject = resolveSubject(request.subject, loaded);
  const { model, reasoning, label, tokenizer } = subject;
  if (model.onnx) throw withoutWeights(model.onnx.name, 'counterfactual stopping');
  expectWhole('problems', request.problems, 1, MAX_PROBLEMS);
  stoppingStage(reasoning, label);
  const { examples, rule, prompt, notes } = await problemsOf(
    subject,
    request.source,
    request.problems,
    loaded,
    signal,
  );
  const codec = subject.codec();
  const layout = layoutOf(
    examples.map(({ tokens }) => tokens),
    codec,
    Math.min(EVALUATION_BATCH, examples.length),
  );
  const asked = examples.map(({ tokens, problem }) => ({ tokens, answer: problem.answer }));
  return Owned.while(async (owned) => {
    const decoder = await subjectDecoder(owned, models, subject, layout, reasoning);
    const found = await answersAtEveryStop(
      {
        ...{ decoder, codec, tokenizer, endIds: model.endIds, problems: asked, reasoning, signal },
        ...{ judge: { rule, prompt }, limit: generationLimit(layout, reasoning) },
      },
      label,
      (done) =>
        report?.({
          ...{ phase: 'thoughts', done, total: examples.length, unit: 'problems' },
          elapsed: performance.now() - start,
        }),
    );
    await owned.dispose();
    return {
      ...{ request, label, model: subject.source, notes, ...found },
      ids: examples.map(({ id }) => id),
      steps: examples.map(({ problem }) => problem.steps.length),
      milliseconds: performance.now() - start,
    };
  });
}

/** All answers, batch by batch. */
export async function answersAtEveryStop(
  of: Omit<EvaluationOptions, 'onProgress' | 'onOutcome' | 'interventions'>,
  label: string,
  tell: (done: number) => void,
): Promise<Pick<StoppingReport, 'min' | 'max' | 'odds' | 'right' | 'own'>> {
  const { decoder, tokenizer, problems, reasoning, signal, judge } = of;
  const { steps: max, stop } = stoppingStage(reasoning, label);
  const width = max + 1;
  const odds = new Float32Array(problems.length * width);
  const right = new Uint8Array(problems.length * width);
  tell(0);
  await readQuestions(of, 'counterfactual stopping', async (question, rows) => {
    const real = rows.map((_, i) => i);
    await atEveryStop(decoder, question, reasoning, { ...(signal && { signal }) }, async (at) => {
      const written = await answersOf(of, { state: at.state, rows: real });
      rows.forEach((problem, i) => {
        const place = problem * width + at.latents;
        odds[place] = at.odds[i] as number;
        const { answer } = problems[problem] as (typeof problems)[number];
        if (isCorrect(textOf(tokenizer, written[i] as number[]), answer, judge)) right[place] = 1;
      });
    });
    tell((rows.at(-1) ?? 0) + 1);
  });
  const own = problems.map((_, i) => {
    for (let k = stop.min; k < max; k++) if ((odds[i * width + k] as number) > 0) return k;
    return max;
  });
  return { min: stop.min, max, odds, right, own };
}
