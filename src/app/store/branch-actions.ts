import type { Intervention } from '../../contract/latents';
import type { AnswerDifference, BranchAnswer, ThoughtReport } from '../../contract/thoughts';
import { type Branches, canRedo, canUndo, choose, grow, prune, redo, refer, rename, undo } from './branches';
import type { Context } from './context';
import { momentLink } from './moment-link';
import type { Outcome, TaskDriver } from './task-driver';
import { answerKeyIn, differenceKey, keyIn, momentIn, seenThoughts, shownAnswer } from './thoughts';

/** Moving through the thoughts of the open question, and between its branches. */
export interface BranchActions {
  /** Shows thought `step`, computing it and those before it if needed; 0 is the question’s last position. */
  stepTo(step: number): Promise<boolean>;
  step(): Promise<boolean>;
  back(): Promise<boolean>;
  /** To the next breakpoint, or to the last thought and the answer. */
  runOn(): Promise<boolean>;
  /** Computes all remaining thoughts, then the answer, whatever the breakpoints. */
  stepAll(signal?: AbortSignal): Promise<boolean>;
  toggleBreakpoint(step: number): void;
  /** Shows a layer; `null` for the last. */
  showLayer(layer: number | null): void;
  /** Answers after the thought that is shown; on a branch, also compares the answer with the reference. */
  answer(): Promise<boolean>;
  /** Grows a branch with these interventions from the current one, runs it to its end and compares its answer. */
  intervene(interventions: readonly Intervention[], name?: string): Promise<boolean>;
  chooseBranch(id: number): Promise<boolean>;
  undoBranch(): Promise<boolean>;
  redoBranch(): Promise<boolean>;
  renameBranch(id: number, name: string): void;
  removeBranch(id: number): Promise<boolean>;
  /** Makes this branch the reference that answers are compared with. */
  compareWith(id: number): Promise<boolean>;
  /** Computes what has been shown again, because more can be said about it now. */
  lookAgain(): Promise<boolean>;
}

export interface BranchTasks {
  readonly thought: TaskDriver<ThoughtReport>;
  readonly answer: TaskDriver<BranchAnswer>;
  /** @returns whether it succeeded; notes a lost device */
  ended(outcome: Outcome<unknown>): boolean;
}

export function branchActions(ctx: Context, { thought, answer, ended }: BranchTasks): BranchActions {
  const now = () => ctx.get().latents;
  const publish = () => {
    const { link, latents, studentRun } = ctx.get();
    ctx.set({ link: { ...link, moment: momentLink(latents, studentRun) } });
  };
  const stepsOf = (): number | null => {
    const { session } = now();
    return session.status === 'done' ? session.value.latentSteps : null;
  };

  /** Computes the thoughts up to step `to` that have not been computed yet. */
  const look = async (to: number): Promise<boolean> => {
    for (let step = 0; step <= to; step++) {
      const key = keyIn(now(), step);
      if (now().seen[key]) continue;
      const moment = momentIn(now(), step);
      const outcome = await thought.start(({ signal, report }) =>
        ctx.engine().thought(moment, { signal, report }),
      );
      if (outcome.status !== 'done') return ended(outcome);
      ctx.latents({ seen: { ...now().seen, [key]: outcome.value } });
    }
    return true;
  };

  /** After a change of branch: shows the same step, and the answer if one was shown before. */
  const settle = async (branches: Branches, answered: boolean): Promise<boolean> => {
    if (branches === now().branches) return false;
    ctx.latents({ branches });
    publish();
    if (!(await look(now().step))) return false;
    return answered && !isAnswered() ? actions.answer() : true;
  };

  const isAnswered = (): boolean => {
    const latents = now();
    const isReference = latents.branches.current === latents.branches.reference;
    return isReference ? shownAnswer(latents) !== null : differenceKey(latents) in latents.differences;
  };
  const wasAnswered = (): boolean => Object.keys(now().answers).length > 0;

  const keepAnswers = (keys: readonly string[], given: readonly BranchAnswer[]) =>
    ctx.latents({
      answers: { ...now().answers, ...Object.fromEntries(keys.map((key, i) => [key, given[i]!])) },
    });

  const actions: BranchActions = {
    async stepTo(step) {
      const K = stepsOf();
      if (K === null || step < 0 || step > K || !(await look(step))) return false;
      ctx.latents({ step });
      publish();
      return true;
    },
    step: () => actions.stepTo(now().step + 1),
    back: () => actions.stepTo(now().step - 1),
    async runOn() {
      const K = stepsOf();
      if (K === null) return false;
      const { step, breakpoints } = now();
      const stop = breakpoints.find((one) => one > step && one <= K);
      for (let next = step + 1; next <= (stop ?? K); next++) if (!(await actions.stepTo(next))) return false;
      return stop === undefined ? actions.answer() : true;
    },
    async stepAll(signal) {
      const { session } = now();
      const K = stepsOf();
      if (K === null) return false;
      for (let next = now().step + 1; next <= K; next++) {
        if (signal?.aborted || now().session.value !== session.value) return false;
        if (!(await actions.stepTo(next))) return false;
      }
      return actions.answer();
    },
    toggleBreakpoint(step) {
      const { breakpoints } = now();
      const others = breakpoints.filter((one) => one !== step);
      ctx.latents({
        breakpoints:
          others.length < breakpoints.length ? others : [...breakpoints, step].sort((a, b) => a - b),
      });
    },
    showLayer(layer) {
      ctx.latents({ layer });
      publish();
    },
    async answer() {
      if (stepsOf() === null) return false;
      const latents = now();
      const { step, branches } = latents;
      const { current, reference } = branches;
      const key = answerKeyIn(latents, step);
      const after = momentIn(latents, step);
      if (current === reference) {
        const outcome = await answer.start(({ signal, report }) =>
          ctx.engine().answer(after, { signal, report }),
        );
        if (outcome.status === 'done') keepAnswers([key], [outcome.value]);
        return ended(outcome);
      }
      const before = momentIn(latents, step, reference);
      let found: AnswerDifference | undefined;
      const outcome = await answer.start(async ({ signal, report }) => {
        found = await ctx.engine().compareAnswers({ before, after }, { signal, report });
        return found.after;
      });
      if (outcome.status === 'done' && found) {
        keepAnswers([answerKeyIn(latents, step, reference), key], [found.before, found.after]);
        ctx.latents({ differences: { ...now().differences, [differenceKey(latents)]: found } });
      }
      return ended(outcome);
    },
    async intervene(interventions, name) {
      const K = stepsOf();
      if (K === null || interventions.length === 0) return false;
      const before = now();
      ctx.latents({ branches: grow(before.branches, interventions, name ?? null) });
      const leave = (): boolean => {
        if (now().session === before.session) ctx.latents({ branches: before.branches });
        return false;
      };
      // A branch that the engine refuses, or that was cancelled or failed on the way, is not kept.
      if (!(await actions.stepTo(K))) return leave();
      if (await actions.answer()) return true;
      // A change to the prompt affects only the answer, so that is where it is refused.
      const { answer: given } = now();
      return given.status === 'failed' && given.error.code === 'input' ? leave() : false;
    },
    chooseBranch: (id) => settle(choose(now().branches, id), wasAnswered()),
    undoBranch: async () => (canUndo(now().branches) ? settle(undo(now().branches), wasAnswered()) : false),
    redoBranch: async () => (canRedo(now().branches) ? settle(redo(now().branches), wasAnswered()) : false),
    renameBranch(id, name) {
      ctx.latents({ branches: rename(now().branches, id, name) });
    },
    removeBranch: (id) => settle(prune(now().branches, id), wasAnswered()),
    compareWith: (id) => settle(refer(now().branches, id), wasAnswered()),
    async lookAgain() {
      const latents = now();
      const last = seenThoughts(latents).length - 1;
      if (last < 0 || latents.session.status !== 'done') return false;
      ctx.latents({ seen: {} });
      return look(last);
    },
  };
  return actions;
}
