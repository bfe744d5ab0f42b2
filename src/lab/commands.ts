import type { RunOptions } from '../contract/calls';
import { median } from '../contract/statistics';
import { arena } from './arena';
import { type Command, unobserved } from './command';
import { evaluate } from './eval';
import { exportFile } from './export';
import { generate } from './generate';
import { checkAsked, isBundlePath, keepIn, keepResult, keptIn, refuseKept } from './keep';
import { causal, lens } from './lens';
import { withRoles } from './roles';
import { search } from './search';
import { states } from './states';
import { step } from './step';
import { stopping } from './stopping';
import { thoughts } from './thought-test';

/** One run: all losses, accuracies and spectra of the student, and the result. */
const distil: Command = async (input) => {
  const { workbench, methods, onEvent, say, keeping } = input;
  const { resume } = keeping;
  // Nothing can be stored into a bundle.
  const { keep: into = resume !== undefined && isBundlePath(resume) ? undefined : resume } = keeping;
  const kept = resume === undefined ? undefined : await keptIn(resume, methods);
  if (kept && keeping.isAsked) checkAsked(input.config, kept.config);
  if (into !== undefined && into !== resume) await refuseKept(into);
  const config = await withRoles(kept ? { ...input, config: kept.config } : input);
  const steps: object[] = [];
  const evaluations: object[] = [];
  const spectra: object[] = [];
  const stages: object[] = [];
  const drawn: object[] = [];
  const options: RunOptions = {
    ...(into !== undefined && { keep: await keepIn(into) }),
    report: (event) => {
      onEvent(event);
      if (event.kind === 'step') steps.push(event);
      if (event.kind === 'evaluation') evaluations.push(event);
      if (event.kind === 'spectrum') spectra.push(event);
      if (event.kind === 'stage') stages.push(event);
      if (event.kind === 'groups') drawn.push(event);
      if (event.kind === 'kept' && event.failure !== null) say(`warning: not kept: ${event.failure}`);
    },
  };
  if (kept) say(`resuming after step ${kept.step} of ${kept.config.optimiser.steps}`);
  const result = await (kept ? workbench.resume(kept.file, options) : workbench.distil(config, options));
  if (into !== undefined) await keepResult(into, result, methods, kept?.run.id);
  const curriculum = { ...(stages.length > 0 && { stages }), ...(drawn.length > 0 && { drawn }) };
  const from = kept && { resumedFrom: kept.step };
  return { result, ...from, steps, evaluations, spectra, ...curriculum };
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
  const warm = milliseconds.slice(10);
  return {
    millisecondsAStep: { best: Math.min(...warm), median: median(warm), worst: Math.max(...warm) },
    compileSeconds: result.seconds.compile,
    programs: result.programs,
    trainable: result.trainable,
  };
};

export const COMMANDS = {
  lens,
  causal,
  thoughts,
  stopping,
  distil,
  eval: evaluate,
  arena,
  search,
  step,
  generate,
  states,
  export: exportFile,
  bench,
} as const satisfies Record<string, Command>;
export type CommandName = keyof typeof COMMANDS;
