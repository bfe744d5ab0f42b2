import { RunConfigError } from '../../contract/complaints';
import type { Methods } from '../../contract/methods/method';
import { parseRunFile, type ReadRunFile, type RunFile } from '../../contract/run-file';
import { readJson } from '../../text/json';
import type { RunState } from './run';

/** Largest run file read, in characters; one with 4,000 losses and as many accuracies has under 400,000. */
export const MAX_RUN_FILE_LENGTH = 1_000_000;

/** The run as a file from which `npm run lab` and this page can repeat it. The list ends at the first loss that is not finite. */
export function formatRunFile(run: Pick<RunState, 'config' | 'series' | 'result'>): string {
  if (!run.config) throw new Error('there is no run to write to a file');
  const { step, accuracy } = run.series;
  const losses = run.series.losses.total ?? [];
  const broken = losses.findIndex((loss) => !Number.isFinite(loss));
  const finite = broken < 0 ? losses.length : broken;
  const validation = accuracy.filter(({ set }) => set === 'validation');
  const { result } = run;
  const file: RunFile = {
    kind: 'lori-run',
    config: run.config,
    models: { ...result?.models },
    ...(result?.data && { data: result.data }),
    ...(result && {
      observed: {
        steps: step.slice(0, finite),
        losses: losses.slice(0, finite),
        accuracy: result.heldOut?.share ?? null,
        validation: {
          steps: validation.map((event) => event.step),
          shares: validation.map((event) => event.accuracy.share),
        },
        provider: result.provider,
        seconds: result.seconds.train,
      },
    }),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads the text of a run file, or of a bare configuration. @throws RunConfigError naming what is wrong */
export function readRunFile(text: string, methods?: Methods): ReadRunFile {
  if (text.length > MAX_RUN_FILE_LENGTH) {
    throw new RunConfigError(
      `the file has ${text.length} characters; a run file has at most ${MAX_RUN_FILE_LENGTH}`,
    );
  }
  let value: unknown;
  try {
    value = readJson(text);
  } catch (cause) {
    throw new RunConfigError(`the run file cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseRunFile(value, methods);
}

/** The names in `file.models` whose hash differs from that of the loaded pair. */
export function modelsThatDiffer(file: RunFile, loaded: Readonly<Record<string, string>>): string[] {
  return Object.entries(file.models)
    .filter(([name, hash]) => loaded[name] !== hash)
    .map(([name]) => name);
}
