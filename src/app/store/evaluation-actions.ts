import { evaluateOn, sameRequest } from '../../contract/evaluate-on';
import { type Evaluation, type EvaluationRequest, evaluationFile } from '../../contract/evaluation';
import { readJson } from '../../text/json';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import {
  type EvaluationDraft,
  evaluationErrors,
  evaluationRequestsOf,
  isComplete,
  withEvaluation,
} from './evaluation';
import type { Outcome, Turn } from './task-driver';

/** Milliseconds between two showings of answers that come one by one. */
const SHOW_EVERY = 200;

/** Evaluations. Their answers are kept as they come, so that a cancelled one goes on where it was. */
export interface EvaluationActions {
  changeEvaluation(change: Partial<EvaluationDraft>): void;
  /** One evaluation, or one for each number of thoughts that is typed. */
  runEvaluation(): Promise<boolean>;
  /** Goes on with one that was cancelled or failed, or was read from a file. */
  continueEvaluation(id: number): Promise<boolean>;
  cancelEvaluation(): void;
  removeEvaluation(id: number): void;
  /** Which one is shown, and which it is compared with. */
  showEvaluation(shown: number | null, other: number | null): void;
  /** Adds those of a file. @throws an error that says what is wrong with it */
  readEvaluations(text: string): void;
}

export function evaluationActions(ctx: Context, engine: EngineActions): EvaluationActions {
  const now = () => ctx.get().evaluation;
  const set = (change: Partial<ReturnType<typeof now>>) => ctx.set({ evaluation: { ...now(), ...change } });
  const running = ctx.task<true>({ get: () => now().task, set: (task) => set({ task }) });

  const keep = (evaluation: Evaluation) => {
    const { list, id } = withEvaluation(now().list, evaluation);
    set({ list, shown: id, ...(now().other === id && { other: null }) });
  };

  const answer = async (
    request: EvaluationRequest,
    begun: readonly Evaluation[],
    { signal, report }: Pick<Turn<true>, 'signal' | 'report'>,
    isContinued = false,
  ) => {
    let shown = performance.now();
    let latest: Evaluation | null = null;
    try {
      await evaluateOn(ctx.engine(), request, begun, {
        signal,
        isContinued,
        onProgress: report,
        onAnswers(soFar) {
          const isFirst = latest === null;
          latest = soFar;
          if (!isFirst && performance.now() - shown < SHOW_EVERY) return;
          shown = performance.now();
          keep(soFar);
        },
      });
    } finally {
      // Also what came last before it was cancelled or failed.
      if (latest !== null) keep(latest);
    }
  };

  const begunWith = (request: EvaluationRequest) =>
    sameRequest(
      now().list.map(({ evaluation }) => evaluation),
      request,
    );

  const ended = (outcome: Outcome<true>) => {
    if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
    return outcome.status === 'done';
  };

  return {
    changeEvaluation: (change) => set({ draft: { ...now().draft, ...change } }),
    async runEvaluation() {
      const { draft } = now();
      if (evaluationErrors(draft).size > 0) return false;
      const requests = evaluationRequestsOf(draft);
      return ended(
        await running.start(
          async (turn) => {
            for (const request of requests) await answer(request, begunWith(request), turn);
            return true;
          },
          () => engine.problemsReady(requests[0] as EvaluationRequest),
        ),
      );
    },
    async continueEvaluation(id) {
      const { evaluation } = now().list.find((one) => one.id === id) ?? {};
      if (!evaluation || isComplete(evaluation)) return false;
      return ended(
        await running.start(
          async (turn) => {
            await answer(evaluation.request, [evaluation], turn, true);
            return true;
          },
          () => engine.problemsReady(evaluation.request),
        ),
      );
    },
    cancelEvaluation: () => running.cancel(),
    removeEvaluation(id) {
      const { list, shown, other } = now();
      const left = list.filter((one) => one.id !== id);
      set({
        list: left,
        shown: shown === id ? (left.at(-1)?.id ?? null) : shown,
        other: other === id ? null : other,
      });
    },
    showEvaluation: (shown, other) => set({ shown, other: other === shown ? null : other }),
    readEvaluations(text) {
      const parsed = evaluationFile.safeParse(readJson(text));
      if (!parsed.success || parsed.data.evaluations.length === 0)
        throw Object.assign(new Error('the file holds no evaluations'), {
          code: 'file',
          hint: 'Choose a file that was downloaded here, or written by “npm run lab -- eval”.',
        });
      for (const one of parsed.data.evaluations) keep(one);
    },
  };
}
