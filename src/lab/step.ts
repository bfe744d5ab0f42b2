import { readInterventions } from '../contract/intervention-text';
import { type Intervention, momentOf } from '../contract/latents';
import { median } from '../contract/statistics';
import { type Command, unobserved } from './command';
import { withRoles } from './roles';
import { openKept } from './subjects';

/**
 * Steps through one question, thought by thought, and again with each of the given interventions, whose
 * answers are compared with the unmodified one. A student is trained first, unless the untrained base is
 * requested.
 */
export const step: Command = async (input) => {
  const { workbench, question, stepping, kept, say, onEvent } = input;
  // Checked now rather than after the run that trains the student.
  const branches = stepping.intervene.map((text) => readInterventions(text));
  const config = await withRoles(input);
  if (kept && stepping.untrained)
    throw new Error('--kept and --untrained both say whose thoughts are stepped; give one of them');
  if (kept) await openKept(workbench, kept, say);
  const run =
    stepping.untrained || kept ? undefined : await workbench.distil(unobserved(config), { report: onEvent });
  const [problem] = await workbench.problems('held-out', 0, 1);
  const text = question ?? problem?.question ?? '';
  const session = await workbench.openQuestion({
    question: text,
    student: stepping.untrained ? 'base' : 'trained',
    ...(question === undefined && problem && { expected: problem.answer }),
  });
  const { session: id, latentSteps: K } = session;
  // First, so that thoughts can be compared with the teacher's rationale.
  const explicit = await workbench.explicit(text);
  const timed = async <T>(work: Promise<T>): Promise<[T, number]> => {
    const start = performance.now();
    return [await work, performance.now() - start];
  };
  const walk = async (interventions: Intervention[]) => {
    const thoughts = [];
    const times: number[] = [];
    for (let t = 1; t <= K; t++) {
      const [thought, time] = await timed(workbench.thought(momentOf(id, t, interventions)));
      thoughts.push(thought);
      times.push(time);
    }
    return { thoughts, times };
  };
  const plain = momentOf(id, K);
  const { thoughts, times } = await walk([]);
  const answer = await workbench.answer(plain);
  const tried = [];
  for (const [i, interventions] of branches.entries()) {
    const [difference, milliseconds] = await timed(
      workbench.compareAnswers({ before: plain, after: momentOf(id, K, interventions) }),
    );
    const { before, after, divergence } = difference;
    say(
      `${stepping.intervene[i]}: “${before.text}” → “${after.text}”, KL ${(divergence[0]?.nats ?? 0).toPrecision(3)} nats, ${milliseconds.toFixed(0)} ms`,
    );
    tried.push({ interventions, difference, milliseconds, thoughts: (await walk(interventions)).thoughts });
  }
  return {
    session,
    thoughts,
    answer,
    explicit,
    ...(tried.length > 0 && { branches: tried }),
    // Includes every readout of a thought, and for a branch its replay and both answers.
    milliseconds: {
      thought: times.length > 0 ? median(times) : null,
      branch: tried.length > 0 ? median(tried.map((one) => one.milliseconds)) : null,
    },
    ...(run && { heldOut: run.heldOut }),
  };
};
