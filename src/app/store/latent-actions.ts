import type { StudentChoice } from '../../contract/calls';
import type {
  AnswerReport,
  ExplicitReport,
  LatentSession,
  LatentThought,
  Problem,
} from '../../contract/events';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { latentsOf } from './latent-choice';
import type { LatentsState } from './state';
import { idle } from './task';
import type { Outcome } from './task-driver';

export interface LatentActions {
  /** Loads `count` more held-out problems. */
  loadProblems(count?: number): Promise<boolean>;
  pickProblem(problem: Problem): void;
  typeQuestion(text: string): void;
  chooseStudent(student: StudentChoice): void;
  chooseSteps(steps: number | null): void;
  /** Opens the question for stepping, dropping its earlier thoughts. */
  openQuestion(): Promise<boolean>;
  step(): Promise<boolean>;
  /** Computes all remaining thoughts, then the answer. */
  stepAll(signal?: AbortSignal): Promise<boolean>;
  answer(): Promise<boolean>;
  explicit(): Promise<boolean>;
  /** Cancels whichever of these is in progress. */
  cancelLatents(): void;
}

type LatentTask = 'problems' | 'session' | 'thought' | 'answer' | 'explicit';

export function latentActions(ctx: Context, engine: EngineActions): LatentActions {
  const now = () => ctx.get().latents;
  const task = <T>(name: LatentTask) =>
    ctx.task<T>({
      get: () => now()[name] as LatentsState[typeof name] as never,
      set: (next) => ctx.latents({ [name]: next }),
    });
  const problems = task<readonly Problem[]>('problems');
  const session = task<LatentSession>('session');
  const thought = task<LatentThought>('thought');
  const answer = task<AnswerReport>('answer');
  const explicit = task<ExplicitReport>('explicit');

  const ended = ({ status, ...outcome }: Outcome<unknown>) => {
    if ('thrown' in outcome) noteLoss(ctx, outcome.thrown);
    return status === 'done';
  };

  /** Results for the previous question are no longer of use. */
  const forget = (change: Partial<LatentsState>) => {
    for (const one of [session, thought, answer]) one.abandon();
    ctx.latents({ session: idle, thoughts: [], thought: idle, answer: idle, ...change });
  };

  const ask = (text: string, id: string | null, expected: string | null) => {
    explicit.abandon();
    forget({ question: { text, id, expected }, explicit: idle });
    ctx.set({ link: { ...ctx.get().link, question: id ?? (text === '' ? null : text) } });
  };

  const actions: LatentActions = {
    async loadProblems(count = 20) {
      const old = now().problems.value ?? [];
      const outcome = await problems.start(
        async () => [...old, ...(await ctx.engine().problems('held-out', old.length, count))],
        engine.pairReady,
      );
      return outcome.status === 'done';
    },
    pickProblem: (problem) => ask(problem.question, problem.id, problem.answer),
    typeQuestion: (text) => ask(text, null, null),
    chooseStudent: (student) => forget({ student }),
    chooseSteps: (steps) => forget({ steps }),
    async openQuestion() {
      forget({});
      return ended(
        await session.start(() => {
          const { question, student, steps } = now();
          const { steps: shown, filter, temperature } = latentsOf(ctx.get());
          return ctx.engine().openQuestion({
            question: question.text,
            student,
            ...(question.expected !== null && { expected: question.expected }),
            // The base runs with the settings it is given; a student keeps those it was trained with.
            ...(student === 'base'
              ? { steps: steps ?? shown, latent: { filter, temperature } }
              : steps !== null && { steps }),
          });
        }, engine.pairReady),
      );
    },
    async step() {
      const { session: open, thoughts } = now();
      if (open.status !== 'done' || thoughts.length >= open.value.latentSteps) return false;
      const outcome = await thought.start(() => ctx.engine().stepLatent(open.value.session));
      if (outcome.status === 'done') ctx.latents({ thoughts: [...now().thoughts, outcome.value] });
      return ended(outcome);
    },
    async stepAll(signal) {
      const open = now().session;
      if (open.status !== 'done') return false;
      while (now().thoughts.length < open.value.latentSteps) {
        if (signal?.aborted || now().session.value !== open.value || !(await actions.step())) return false;
      }
      return actions.answer();
    },
    async answer() {
      const open = now().session;
      if (open.status !== 'done') return false;
      return ended(await answer.start(() => ctx.engine().answer(open.value.session)));
    },
    async explicit() {
      const { text } = now().question;
      return ended(await explicit.start(() => ctx.engine().explicit(text)));
    },
    cancelLatents() {
      for (const one of [problems, session, thought, answer, explicit]) one.cancel();
    },
  };
  return actions;
}
