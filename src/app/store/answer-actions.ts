import { rowText, type SizedRow } from '../../contract/data';
import { generateDefaults } from '../../contract/generate';
import type { Context } from './context';
import { answeredPart, answersError, type DataAnswers } from './data-answers';
import { type EngineActions, noteLoss } from './engine-actions';

export interface AnswerActions {
  changeAnswers(change: Partial<Pick<DataAnswers, 'limit'>>): void;
  /** Has the open model answer the drawn rows, greedily, from their questions alone. */
  answerRows(): Promise<boolean>;
  cancelAnswers(): void;
}

export function answerActions(
  ctx: Context,
  engine: EngineActions,
  drawn: (part: 'sample' | 'held-out', signal: AbortSignal) => Promise<readonly SizedRow[]>,
  reader: () => { readonly kind: 'opened' | 'teacher' } | null,
): AnswerActions {
  const now = () => ctx.get().data.answers;
  const set = (change: Partial<DataAnswers>) =>
    ctx.set({ data: { ...ctx.get().data, answers: { ...now(), ...change } } });
  const task = ctx.task<true>({ get: () => now().task, set: (next) => set({ task: next }) });
  return {
    changeAnswers: (change) => set(change),
    async answerRows() {
      const outcome = await task.start(
        async ({ signal, report }) => {
          const part = answeredPart(ctx.get().data.draft);
          const rows = await drawn(part, signal);
          const subject = reader();
          if (rows.length === 0 || subject === null)
            throw Object.assign(new Error(`there are no rows in the ${part} part`), {
              code: 'input',
              hint: 'Draw some above.',
            });
          set({ rows: [], model: null, part });
          const start = performance.now();
          for (const [i, row] of rows.entries()) {
            const elapsed = performance.now() - start;
            report({ phase: 'evaluate', done: i, total: rows.length, unit: 'problems', elapsed });
            const settings = { ...generateDefaults, temperature: 0, samples: 1, limit: now().limit };
            const { question: prompt } = rowText(row);
            const found = await ctx.engine().generate({ subject, prompt, stop: [], settings }, { signal });
            const { text, ending } = found.samples[0]!;
            set({ rows: [...now().rows, { row, text, ending }], model: found.model });
          }
          return true;
        },
        async () => {
          if (answersError(now()) !== null) return false;
          return reader() === null ? engine.loadPair() : engine.deviceReady();
        },
      );
      if (outcome.status === 'failed') noteLoss(ctx, outcome.thrown);
      return outcome.status === 'done';
    },
    cancelAnswers: () => task.cancel(),
  };
}
