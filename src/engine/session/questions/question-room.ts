import type { CallOptions, QuestionRequest } from '../../../contract/calls';
import type { ExplicitReport, LatentSession } from '../../../contract/events';
import { type AnswerPair, answerPair, type Moment, moment } from '../../../contract/latents';
import type { AnswerDifference, BranchAnswer, ThoughtReport } from '../../../contract/thoughts';
import { InputError } from '../../base/errors';
import type { Desk } from '../desk';
import type { LatentStepper } from '../latents/latent-stepper';
import type { Asking } from '../latents/vectors';
import { steppedOf } from '../models/subjects';
import { parseRequest } from '../parse-request';

/** The open question, and calls about the thoughts after it. */
export class QuestionRoom {
  constructor(private readonly desk: Desk) {}

  open(request: QuestionRequest): Promise<LatentSession> {
    const { desk } = this;
    return desk.queue.between(async () => {
      if (request.student !== 'trained') desk.ready();
      const student = desk.student;
      if (request.student === 'trained' && !student)
        throw new InputError(
          'no student has been trained yet',
          'Distil one first, or step through the untrained base.',
        );
      if (request.student === 'opened')
        return desk.questions.open(request, undefined, steppedOf(desk.openedModel));
      return desk.questions.open(request, request.student === 'trained' ? student : undefined);
    });
  }

  thought(value: Moment, options: CallOptions): Promise<ThoughtReport> {
    return this.atMoment(value, options, (stepper, at, asking) => stepper.thought(at, asking));
  }

  answer(value: Moment, options: CallOptions): Promise<BranchAnswer> {
    return this.atMoment(value, options, (stepper, at, asking) => stepper.answer(at, asking));
  }

  async compareAnswers(value: AnswerPair, options: CallOptions): Promise<AnswerDifference> {
    const { before, after } = parseRequest(answerPair(), value);
    if (before.session !== after.session)
      throw new InputError(
        `questions ${before.session} and ${after.session}; answers to one question are compared`,
        'Choose two branches of the same question.',
      );
    return this.atMoment(before, options, (stepper, at, asking) => stepper.compare(at, after, asking));
  }

  explicit(question: string): Promise<ExplicitReport> {
    return this.desk.queue.between(() => this.desk.questions.explicit(question));
  }

  private async atMoment<T>(
    value: Moment,
    { signal, report }: CallOptions,
    work: (stepper: LatentStepper, at: Moment, asking: Asking) => Promise<T>,
  ): Promise<T> {
    const at = parseRequest(moment(), value);
    const start = performance.now();
    const onProgress = (done: number, total: number): void =>
      report?.({ phase: 'states', done, total, unit: 'problems', elapsed: performance.now() - start });
    const { queue, questions } = this.desk;
    return queue.between(async () => work(questions.at(at.session), at, { signal, onProgress }), signal);
  }
}
