import type { StudentChoice } from '../../contract/calls';
import type { ExplicitReport, LatentSession, Problem } from '../../contract/events';
import type { BranchAnswer, ThoughtReport } from '../../contract/thoughts';
import { type BranchActions, branchActions } from './branch-actions';
import { readBranchesFile } from './branches-file';
import type { Context } from './context';
import { type EngineActions, noteLoss } from './engine-actions';
import { baseLatents } from './latent-choice';
import { askedBy, type MomentLink, shownBy, strangerIn, studentMissing } from './moment-link';
import type { StudentActions } from './student-actions';
import { idle } from './task';
import type { Outcome } from './task-driver';
import { type LatentsState, nothingSeen } from './thoughts';

export interface LatentActions extends BranchActions {
  /** Loads `count` more held-out problems. */
  loadProblems(count?: number): Promise<boolean>;
  pickProblem(problem: Problem): void;
  typeQuestion(text: string): void;
  chooseStudent(student: StudentChoice): void;
  chooseSteps(steps: number | null): void;
  /** Opens the question for stepping, dropping its earlier thoughts. */
  openQuestion(): Promise<boolean>;
  /** Opens the current question at the moment that a link names, or says what is missing. */
  followMoment(link: MomentLink): Promise<boolean>;
  /**
   * Opens the question of a branches file, with its branches, for the chosen student.
   * @throws an error that says what is wrong with the file
   */
  readBranches(text: string): Promise<boolean>;
  explicit(): Promise<boolean>;
  /** Cancels whichever of these is in progress. */
  cancelLatents(): void;
}

type LatentTask = 'problems' | 'session' | 'thought' | 'answer' | 'explicit';

export function latentActions(
  ctx: Context,
  engine: EngineActions,
  students: Pick<StudentActions, 'openStudent'>,
): LatentActions {
  /** Opens the student that a link refers to, if this browser has it. */
  const takeStudent = async ({ student, kept: run }: MomentLink): Promise<void> => {
    const { studentRun, kept, saved } = ctx.get();
    const isKept = run !== undefined && kept.has(run) && saved.some(({ id }) => id === run);
    if (student === 'trained' && isKept && studentRun !== run) await students.openStudent(run);
  };
  /** Loads the models that answer unless they are loaded. @returns whether they are there */
  const ready = () => {
    const { latents, studentConfig } = ctx.get();
    return latents.student === 'trained' && studentConfig !== null
      ? engine.readyFor(studentConfig)
      : engine.pairReady();
  };
  const now = () => ctx.get().latents;
  const task = <T>(name: LatentTask) =>
    ctx.task<T>({
      get: () => now()[name] as LatentsState[typeof name] as never,
      set: (next) => ctx.latents({ [name]: next }),
    });
  const problems = task<readonly Problem[]>('problems');
  const session = task<LatentSession>('session');
  const thought = task<ThoughtReport>('thought');
  const answer = task<BranchAnswer>('answer');
  const explicit = task<ExplicitReport>('explicit');

  const ended = ({ status, ...outcome }: Outcome<unknown>) => {
    if ('thrown' in outcome) noteLoss(ctx, outcome.thrown);
    return status === 'done';
  };

  /** Drops results for the previous question, which are no longer of use. */
  const forget = (change: Partial<LatentsState>) => {
    for (const one of [session, thought, answer]) one.abandon();
    ctx.latents({ ...nothingSeen, missing: null, ...change });
    ctx.set({ link: { ...ctx.get().link, moment: {} } });
  };

  const ask = (text: string, id: string | null, expected: string | null) => {
    explicit.abandon();
    forget({ question: { text, id, expected }, explicit: idle });
    ctx.set({ link: { ...ctx.get().link, question: id ?? (text === '' ? null : text) } });
  };

  const branches = branchActions(ctx, { thought, answer, ended });

  const open = async (): Promise<boolean> =>
    ended(
      await session.start(() => {
        const { question, student, steps } = now();
        const { steps: shown, filter, temperature } = baseLatents(ctx.get());
        return ctx.engine().openQuestion({
          question: question.text,
          student,
          ...(question.expected !== null && { expected: question.expected }),
          // The base model runs with the given settings; a student keeps those it was trained with.
          ...(student === 'base'
            ? { steps: steps ?? shown, latent: { filter, temperature } }
            : steps !== null && { steps }),
        });
      }, ready),
    );

  return {
    ...branches,
    async loadProblems(count = 20) {
      const old = now().problems.value ?? [];
      const outcome = await problems.start(
        async () => [...old, ...(await ctx.engine().problems('held-out', old.length, count))],
        ready,
      );
      return outcome.status === 'done';
    },
    pickProblem: (problem) => ask(problem.question, problem.id, problem.answer),
    typeQuestion: (text) => ask(text, null, null),
    chooseStudent: (student) => forget({ student, choice: null }),
    chooseSteps: (steps) => forget({ steps }),
    async openQuestion() {
      forget({});
      return (await open()) && branches.stepTo(0);
    },
    async followMoment(link) {
      if (Object.keys(link).length === 0) return false;
      await takeStudent(link);
      forget(askedBy(link));
      // Until it is open, or if it cannot be opened, the address still says what was requested.
      ctx.set({ link: { ...ctx.get().link, moment: link } });
      const { question, student } = now();
      if (question.text === '') {
        ctx.latents({ missing: 'The link names a moment, but its question is missing here.' });
        return false;
      }
      const isHere =
        student === 'base' ||
        (student === 'trained'
          ? ctx.get().studentConfig !== null
          : ctx.get().lens.opened.value?.thoughts !== undefined);
      if (!isHere) {
        ctx.latents({
          missing: studentMissing(link),
        });
        return false;
      }
      if (!(await open()) || now().session.status !== 'done') return false;
      const { identity, latentSteps, layers } = now().session.value as LatentSession;
      const { branches: asked, step, layer } = shownBy(link);
      const problems = [
        strangerIn(link, identity),
        step > latentSteps && `The link shows thought ${step}; there are ${latentSteps}.`,
        layer !== null && layer > layers && `The link shows layer ${layer}; there are ${layers}.`,
      ].filter((one) => typeof one === 'string');
      ctx.latents({
        branches: asked,
        layer: layer !== null && layer > layers ? null : layer,
        missing: problems.length > 0 ? problems.join(' ') : null,
      });
      if (!(await branches.stepTo(Math.min(step, latentSteps)))) return false;
      return asked.list.length > 1 ? branches.answer() : true;
    },
    async readBranches(text) {
      const file = readBranchesFile(text);
      ask(file.question.text, file.question.id, file.question.expected);
      if (!(await open()) || now().session.status !== 'done') return false;
      const { identity } = now().session.value as LatentSession;
      const isSame =
        file.models === null ||
        (file.models.base === identity.base && file.models.student === identity.student);
      ctx.latents({
        branches: file.branches,
        missing: isSame
          ? null
          : `The branches were made with ${file.student ?? 'a student'} and other weights than those here: the interventions are the same, their results are not.`,
      });
      return branches.stepTo(0);
    },
    async explicit() {
      const { text } = now().question;
      const done = ended(await explicit.start(() => ctx.engine().explicit(text)));
      // The thoughts can be compared with the teacher's rationale now.
      if (done) void branches.lookAgain();
      return done;
    },
    cancelLatents() {
      for (const one of [problems, session, thought, answer, explicit]) one.cancel();
    },
  };
}
