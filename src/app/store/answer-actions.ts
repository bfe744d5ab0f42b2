import { rowText, type SizedRow } from '../../contract/data';
import { type GenerateEnding, generateDefaults } from '../../contract/generate';
import type { Context } from './context';
import { answeredPart, answersError, type DataAnswers } from './data-answers';
import { dataLink } from './data-link';
import { type EngineActions, noteLoss } from './engine-actions';
import { failureOf } from './task';

/** Answers that are remembered, at most. */
const MAX_KNOWN = 10_000;

/** What a model wrote. */
interface Answer {
  readonly text: string;
  readonly ending: GenerateEnding;
  readonly model: string;
}

export interface AnswerActions {
  changeAnswers(change: Partial<Pick<DataAnswers, 'limit'>>): void;
  /**
   * Has the open model answer the drawn rows, greedily, from their questions alone. Rows that it has answered before, with the same
   * limit, are not answered again; rows that it cannot be asked are listed.
   */
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
  /** Greedy answers are the same whenever they are asked for: what there is of them is not asked for again. */
  const known = new Map<string, Answer>();
  const readerHash = (): string | undefined => {
    const { lens, pair } = ctx.get();
    return (lens.opened.value ?? pair.value?.models.find(({ role }) => role === 'teacher'))?.sha256;
  };
  const answerTo = async (
    prompt: string,
    subject: { readonly kind: 'opened' | 'teacher' },
    limit: number,
    signal: AbortSignal,
  ): Promise<Answer> => {
    const key = JSON.stringify([subject.kind, readerHash(), limit, prompt]);
    const before = known.get(key);
    if (before) return before;
    const settings = { ...generateDefaults, temperature: 0, samples: 1, limit };
    const { samples, model } = await ctx
      .engine()
      .generate({ subject, prompt, stop: [], settings }, { signal });
    const { text, ending } = samples[0]!;
    const answer = { text, ending, model };
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(key, answer);
    return answer;
  };
  return {
    changeAnswers(change) {
      set(change);
      ctx.set({ link: { ...ctx.get().link, data: dataLink(ctx.get().data) } });
    },
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
          const { limit } = now();
          set({ rows: [], refused: [], model: null, part });
          const start = performance.now();
          for (const [i, row] of rows.entries()) {
            const elapsed = performance.now() - start;
            report({ phase: 'evaluate', done: i, total: rows.length, unit: 'problems', elapsed });
            const { question: prompt } = rowText(row);
            try {
              const { text, ending, model } = await answerTo(prompt, subject, limit, signal);
              set({ rows: [...now().rows, { row, text, ending }], model });
            } catch (thrown) {
              // About this row alone: the rest is answered.
              const { code, message } = failureOf(thrown);
              if (code !== 'input') throw thrown;
              set({ refused: [...now().refused, { row, reason: message }] });
            }
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
