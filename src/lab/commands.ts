import type { RunConfig } from '../contract/config';
import { wilson } from '../engine/eval/interval';
import type { Command } from './command';
import { causal, lens } from './lens';

/** One run; every loss, every accuracy, every spectrum of the student and the result. */
const distil: Command = async ({ workbench, config, onEvent }) => {
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

/** Every contender on the same samples, over the seeds: accuracies with 95 % intervals, pooled over seeds. */
const evaluate: Command = async ({ workbench, contenders, seeds, say, onEvent }) => {
  const rows = [];
  for (const { name, config } of contenders) {
    const runs = [];
    for (const seed of seeds) {
      say(`${name}, seed ${seed}`);
      const result = await workbench.distil(unobserved({ ...config, seed }), { report: onEvent });
      runs.push(result);
    }
    const pooled = wilson(
      runs.reduce((n, r) => n + (r.heldOut?.correct ?? 0), 0),
      runs.reduce((n, r) => n + (r.heldOut?.total ?? 0), 0),
    );
    rows.push({ name, config, pooled, runs: runs.map(({ config: _config, ...rest }) => rest) });
    say(
      `${name}: ${(100 * pooled.share).toFixed(1)} % [${(100 * pooled.low).toFixed(1)}, ${(100 * pooled.high).toFixed(1)}]`,
    );
  }
  return { seeds, rows };
};

/** One question, thought by thought, with a student trained first. */
const step: Command = async ({ workbench, config, question, onEvent }) => {
  const run = await workbench.distil(unobserved(config), { report: onEvent });
  const [problem] = await workbench.problems('held-out', 0, 1);
  const text = question ?? problem?.question ?? '';
  const session = await workbench.openQuestion({
    question: text,
    student: 'trained',
    ...(question === undefined && problem && { expected: problem.answer }),
  });
  const thoughts = [];
  for (let t = 0; t < session.latentSteps; t++) thoughts.push(await workbench.stepLatent(session.session));
  const answer = await workbench.answer(session.session);
  return { session, thoughts, answer, explicit: await workbench.explicit(text), heldOut: run.heldOut };
};

/** Milliseconds a step, session creation, program and node counts of the configuration. */
const bench: Command = async ({ workbench, config }) => {
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

/** Where nobody looks at the checkpoints there need not be any. */
const unobserved = (config: RunConfig): RunConfig => ({
  ...config,
  observation: { ...config.observation, every: 0 },
});

export const COMMANDS = { lens, causal, distil, eval: evaluate, step, bench } as const satisfies Record<
  string,
  Command
>;
export type CommandName = keyof typeof COMMANDS;
