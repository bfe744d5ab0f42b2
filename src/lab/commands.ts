import type { RunConfig } from '../contract/config';
import type { RunEvent } from '../contract/events';
import { wilson } from '../engine/eval/interval';
import type { LoriWorkbench } from '../engine/session/workbench';

export interface CommandInput {
  readonly workbench: LoriWorkbench;
  readonly config: RunConfig;
  /** What `eval` compares. */
  readonly contenders: readonly { readonly name: string; readonly config: RunConfig }[];
  readonly seeds: readonly number[];
  readonly samples: number;
  readonly question: string | undefined;
  readonly say: (line: string) => void;
  readonly onEvent: (event: RunEvent) => void;
}

type Command = (input: CommandInput) => Promise<Record<string, unknown>>;

/** Figure 6 of the teacher. */
const spectra: Command = async ({ workbench, samples, config }) => ({
  spectra: await workbench.spectra({ samples, seed: config.seed }),
});

/** One run; every loss, every accuracy and the result. */
const distil: Command = async ({ workbench, config, onEvent }) => {
  const steps: object[] = [];
  const evaluations: object[] = [];
  const result = await workbench.distil(config, {
    report: (event) => {
      onEvent(event);
      if (event.kind === 'step') steps.push(event);
      if (event.kind === 'evaluation') evaluations.push(event);
    },
  });
  return { result, steps, evaluations };
};

/** Every contender on the same samples, over the seeds: accuracies with 95 % intervals, pooled over seeds. */
const evaluate: Command = async ({ workbench, contenders, seeds, say, onEvent }) => {
  const rows = [];
  for (const { name, config } of contenders) {
    const runs = [];
    for (const seed of seeds) {
      say(`${name}, seed ${seed}`);
      const result = await workbench.distil({ ...config, seed }, { report: onEvent });
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
  const run = await workbench.distil(config, { report: onEvent });
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
    { ...config, optimiser: steps, data: { ...config.data, validation: 0, heldOut: 0 } },
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

export const COMMANDS = { spectra, distil, eval: evaluate, step, bench } as const satisfies Record<
  string,
  Command
>;
export type CommandName = keyof typeof COMMANDS;
