import { momentOf } from '../contract/latents';
import { type Command, unobserved } from './command';
import { evaluate } from './eval';
import { generate } from './generate';
import { causal, lens } from './lens';
import { withRoles } from './roles';
import { states } from './states';

/** One run: all losses, accuracies and spectra of the student, and the result. */
const distil: Command = async (input) => {
  const { workbench, onEvent } = input;
  const config = await withRoles(input);
  const steps: object[] = [];
  const evaluations: object[] = [];
  const spectra: object[] = [];
  const result = await workbench.distil(config, {
    report: (event) => {
      onEvent(event);
      if (event.kind === 'step') steps.push(event);
      if (event.kind === 'evaluation') evaluations.push(event);
      if (event.kind === 'spectrum') spectra.push(event);
    },
  });
  return { result, steps, evaluations, spectra };
};

/** One question, thought by thought; a student is trained first. */
const step: Command = async (input) => {
  const { workbench, question, onEvent } = input;
  const config = await withRoles(input);
  const run = await workbench.distil(unobserved(config), { report: onEvent });
  const [problem] = await workbench.problems('held-out', 0, 1);
  const text = question ?? problem?.question ?? '';
  const session = await workbench.openQuestion({
    question: text,
    student: 'trained',
    ...(question === undefined && problem && { expected: problem.answer }),
  });
  const thoughts = [];
  const { session: id, latentSteps: K } = session;
  for (let t = 1; t <= K; t++) thoughts.push(await workbench.thought(momentOf(id, t)));
  const answer = await workbench.answer(momentOf(id, K));
  return { session, thoughts, answer, explicit: await workbench.explicit(text), heldOut: run.heldOut };
};

/** Milliseconds per step, session creation time, and program and node counts of the configuration. */
const bench: Command = async (input) => {
  const { workbench } = input;
  const config = await withRoles(input);
  const steps = { ...config.optimiser, steps: 40 };
  const milliseconds: number[] = [];
  const result = await workbench.distil(
    unobserved({ ...config, optimiser: steps, data: { ...config.data, validation: 0, heldOut: 0 } }),
    { report: (event) => event.kind === 'step' && milliseconds.push(event.milliseconds) },
  );
  const warm = milliseconds.slice(10).sort((a, b) => a - b);
  return {
    millisecondsAStep: { best: warm[0], median: warm[warm.length >> 1], worst: warm[warm.length - 1] },
    compileSeconds: result.seconds.compile,
    programs: result.programs,
    trainable: result.trainable,
  };
};

export const COMMANDS = {
  lens,
  causal,
  distil,
  eval: evaluate,
  step,
  generate,
  states,
  bench,
} as const satisfies Record<string, Command>;
export type CommandName = keyof typeof COMMANDS;
