import { evaluateOn, sameRequest } from '../../contract/evaluate-on';
import {
  type Evaluation,
  type EvaluationRequest,
  evaluationFile,
  evaluationKey,
  withAnswersOf,
} from '../../contract/evaluation';
import type { Store } from '../../storage/store';
import { readJson } from '../../text/json';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { evaluationErrors, evaluationRequestsOf, isComplete, withEvaluation } from './evaluation';
import { sentencesOf } from './task';
import type { Outcome, Turn } from './task-driver';

/** Milliseconds between two updates of the page while answers arrive. */
const SHOW_EVERY = 200;
/** Milliseconds between two writes of them: the most that a reload or a crash can lose. */
const SAVE_EVERY = 2000;

/** Evaluations. Answers are stored in this browser as they arrive, so that an interrupted evaluation can continue. */
export interface EvaluationActions {
  /** Runs one evaluation, or one for each number of thoughts typed. */
  runEvaluation(): Promise<boolean>;
  /** Continues one that was cancelled, failed, or was read from a file. */
  continueEvaluation(id: number): Promise<boolean>;
  cancelEvaluation(): void;
  removeEvaluation(id: number): void;
  /** Chooses the one shown, and the one it is compared with. */
  showEvaluation(shown: number | null, other: number | null): void;
  /** Adds the evaluations in a file. @throws an error that says what is wrong with it */
  readEvaluations(text: string): void;
  /** Reads what this browser has stored, other tabs' included, and adds it to the list. */
  loadEvaluations(): Promise<void>;
  /** Deletes a stored row that cannot be read. */
  deleteDamagedEvaluation(id: string): Promise<void>;
}

export function evaluationActions(ctx: Context, engine: EngineActions): EvaluationActions {
  const now = () => ctx.get().evaluation;
  const set = (change: Partial<ReturnType<typeof now>>) => ctx.set({ evaluation: { ...now(), ...change } });
  const running = ctx.task<true>({ get: () => now().task, set: (task) => set({ task }) });

  const show = (evaluation: Evaluation) => {
    const { list, id } = withEvaluation(now().list, evaluation);
    set({ list, shown: id, ...(now().other === id && { other: null }) });
  };

  /** Writes run one after another, so that the last one wins. */
  let storing: Promise<void> = Promise.resolve();
  const stored = (work: (store: Store) => Promise<void>, failed: string): Promise<void> => {
    storing = storing
      .then(async () => work(await ctx.storage))
      .catch((thrown) => ctx.notify('warning', `${failed}: ${sentencesOf(thrown)}`));
    return storing;
  };
  /** @param onKept receives the evaluation as stored now, including answers from other tabs */
  const save = (evaluation: Evaluation, onKept?: (kept: Evaluation) => void): Promise<void> =>
    stored(async (store) => {
      const kept = await store.saveEvaluation({ savedAt: Date.now(), evaluation });
      onKept?.(kept.evaluation);
    }, 'An evaluation could not be kept in this browser');
  const drop = (key: string): Promise<void> =>
    stored((store) => store.deleteEvaluation(key), 'A kept evaluation could not be deleted');

  /** The current evaluation so far. */
  let latest: Evaluation | null = null;
  ctx.onHide(() => {
    if (latest) void save(latest);
  });

  const answer = async (
    request: EvaluationRequest,
    begun: readonly Evaluation[],
    { signal, report }: Pick<Turn<true>, 'signal' | 'report'>,
    isContinued = false,
  ) => {
    let shown = performance.now();
    let saved = shown;
    let elsewhere: Evaluation | undefined;
    const keep = (evaluation: Evaluation) =>
      save(evaluation, (kept) => {
        elsewhere = kept;
        const here = now().list.find((one) => evaluationKey(one.evaluation) === evaluationKey(kept));
        if (here) set({ list: withEvaluation(now().list, withAnswersOf(here.evaluation, kept)).list });
      });
    latest = null;
    try {
      await evaluateOn(ctx.engine(), request, begun, {
        signal,
        isContinued,
        onProgress: report,
        onAnswers(soFar) {
          const isFirst = latest === null;
          latest = soFar;
          const at = performance.now();
          if (isFirst || at - shown >= SHOW_EVERY) {
            shown = at;
            show(withAnswersOf(soFar, elsewhere));
          }
          if (at - saved >= SAVE_EVERY) {
            saved = at;
            void keep(soFar);
          }
        },
      });
    } finally {
      // Stores the last answers even if it was cancelled or failed.
      const last = latest as Evaluation | null;
      latest = null;
      if (last !== null) {
        show(withAnswersOf(last, elsewhere));
        void keep(last);
      }
    }
  };

  const load = async (): Promise<void> => {
    try {
      await storing;
      const { rows, damaged } = await (await ctx.storage).listEvaluations();
      let { list } = now();
      for (const { evaluation } of rows) {
        const key = evaluationKey(evaluation);
        const here = list.find((one) => evaluationKey(one.evaluation) === key);
        // Answers in this tab are newer.
        ({ list } = withEvaluation(list, here ? withAnswersOf(here.evaluation, evaluation) : evaluation));
      }
      set({ list, damaged, isRead: true, shown: now().shown ?? list.at(-1)?.id ?? null });
    } catch (thrown) {
      set({ isRead: true });
      ctx.notify('warning', `Kept evaluations could not be read: ${sentencesOf(thrown)}`);
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
    async runEvaluation() {
      const { draft } = ctx.get().forms.evaluation;
      if (evaluationErrors(draft).size > 0) return false;
      const requests = evaluationRequestsOf(draft);
      return ended(
        await running.start(
          async (turn) => {
            await load();
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
            await load();
            const { evaluation: known } = now().list.find((one) => one.id === id) ?? { evaluation };
            await answer(known.request, [known], turn, true);
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
      for (const { evaluation } of list.filter((one) => one.id === id)) void drop(evaluationKey(evaluation));
      set({
        list: left,
        shown: shown === id ? (left.at(-1)?.id ?? null) : shown,
        other: other === id ? null : other,
      });
    },
    showEvaluation: (shown, other) => set({ shown, other: other === shown ? null : other }),
    readEvaluations(text) {
      const parsed = evaluationFile().safeParse(readJson(text));
      if (!parsed.success || parsed.data.evaluations.length === 0)
        throw Object.assign(new Error('the file contains no evaluations'), {
          code: 'file',
          hint: 'Choose a file that was downloaded here, or written by “npm run lab -- eval”.',
        });
      for (const one of parsed.data.evaluations) {
        show(one);
        void save(one);
      }
    },
    loadEvaluations: load,
    async deleteDamagedEvaluation(id) {
      await drop(id);
      set({ damaged: now().damaged.filter((one) => one.id !== id) });
    },
  };
}
