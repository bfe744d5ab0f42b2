import type { StudentChoice } from '../../contract/calls';
import type { Problem } from '../../contract/events';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { busy, failed, failureOf, idle, ready } from './task';

export interface LatentActions {
  /** Held-out problems, `count` more of them. */
  loadProblems(count?: number): Promise<boolean>;
  pickProblem(problem: Problem): void;
  typeQuestion(text: string): void;
  chooseStudent(student: StudentChoice): void;
  chooseSteps(steps: number | null): void;
  /** Opens the question for stepping; its thoughts so far are dropped. */
  openQuestion(): Promise<boolean>;
  step(): Promise<boolean>;
  /** All thoughts left, then the answer. */
  stepAll(signal?: AbortSignal): Promise<boolean>;
  answer(): Promise<boolean>;
  explicit(): Promise<boolean>;
}

export function latentActions(ctx: Context, engine: EngineActions): LatentActions {
  const now = () => ctx.get().latents;
  // A question opened later makes what comes back for an earlier one worthless.
  let turn = 0;

  const ask = (text: string, id: string | null, expected: string | null) => {
    turn++;
    ctx.latents({
      question: { text, id, expected },
      session: idle,
      thoughts: [],
      stepping: false,
      answer: idle,
      explicit: idle,
      error: null,
    });
    ctx.set({ link: { ...ctx.get().link, question: id ?? (text === '' ? null : text) } });
  };

  const actions: LatentActions = {
    async loadProblems(count = 20) {
      const { problems } = now();
      if (problems.status === 'busy') return false;
      ctx.latents({ problems: busy(problems) });
      if (ctx.get().pair.status !== 'ready' && !(await engine.loadPair())) {
        ctx.latents({ problems });
        return false;
      }
      try {
        const old = problems.value ?? [];
        const more = await ctx.engine().problems('held-out', old.length, count);
        ctx.latents({ problems: ready([...old, ...more]) });
        return true;
      } catch (thrown) {
        ctx.latents({ problems: failed(problems, failureOf(thrown)) });
        return false;
      }
    },
    pickProblem: (problem) => ask(problem.question, problem.id, problem.answer),
    typeQuestion: (text) => ask(text, null, null),
    chooseStudent(student) {
      turn++;
      ctx.latents({ student, session: idle, thoughts: [], stepping: false, answer: idle, error: null });
    },
    chooseSteps(steps) {
      turn++;
      ctx.latents({ steps, session: idle, thoughts: [], stepping: false, answer: idle, error: null });
    },
    async openQuestion() {
      const mine = ++turn;
      ctx.latents({ session: busy(idle), thoughts: [], stepping: false, answer: idle, error: null });
      if (ctx.get().pair.status !== 'ready' && !(await engine.loadPair())) {
        if (mine === turn) ctx.latents({ session: idle });
        return false;
      }
      const { question, student, steps } = now();
      try {
        const session = await ctx.engine().openQuestion({
          question: question.text,
          student,
          ...(question.expected !== null && { expected: question.expected }),
          ...(steps !== null && { steps }),
        });
        if (mine !== turn) return false;
        ctx.latents({ session: ready(session) });
        return true;
      } catch (thrown) {
        if (mine === turn) ctx.latents({ session: failed(idle, failureOf(thrown)) });
        noteLoss(ctx, thrown);
        return false;
      }
    },
    async step() {
      const mine = turn;
      const { session, stepping, thoughts } = now();
      if (session.status !== 'ready' || stepping || thoughts.length >= session.value.latentSteps)
        return false;
      ctx.latents({ stepping: true, error: null });
      try {
        const thought = await ctx.engine().stepLatent(session.value.session);
        if (mine !== turn) return false;
        ctx.latents({ thoughts: [...now().thoughts, thought], stepping: false });
        return true;
      } catch (thrown) {
        if (mine === turn) ctx.latents({ stepping: false, error: failureOf(thrown) });
        noteLoss(ctx, thrown);
        return false;
      }
    },
    async stepAll(signal) {
      const { session } = now();
      if (session.status !== 'ready') return false;
      while (now().thoughts.length < session.value.latentSteps) {
        if (signal?.aborted || !(await actions.step())) return false;
      }
      return actions.answer();
    },
    async answer() {
      const mine = turn;
      const { session, answer } = now();
      if (session.status !== 'ready' || answer.status === 'busy') return false;
      ctx.latents({ answer: busy(answer) });
      try {
        const report = await ctx.engine().answer(session.value.session);
        if (mine !== turn) return false;
        ctx.latents({ answer: ready(report) });
        return true;
      } catch (thrown) {
        if (mine === turn) ctx.latents({ answer: failed(idle, failureOf(thrown)) });
        noteLoss(ctx, thrown);
        return false;
      }
    },
    async explicit() {
      const { question, explicit } = now();
      if (explicit.status === 'busy') return false;
      ctx.latents({ explicit: busy(explicit) });
      const same = () => now().question.text === question.text;
      try {
        const report = await ctx.engine().explicit(question.text);
        if (same()) ctx.latents({ explicit: ready(report) });
        return same();
      } catch (thrown) {
        if (same()) ctx.latents({ explicit: failed(idle, failureOf(thrown)) });
        noteLoss(ctx, thrown);
        return false;
      }
    },
  };
  return actions;
}
