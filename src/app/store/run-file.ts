import { parseRunFile, RunConfigError, type RunFile } from '../../contract/config';
import { readJson } from '../../text/json';
import type { RunState } from './run';

/** Largest run file read; one with 4,000 losses has under 200 kB. */
export const LARGEST_RUN_FILE = 1_000_000;

/** The run as a file that `npm run lab` and this page repeat it from. Losses that are not finite end the list. */
export function formatRunFile(run: Pick<RunState, 'config' | 'series' | 'result'>): string {
  if (!run.config) throw new Error('there is no run to write to a file');
  const losses = run.series.losses.total ?? [];
  const broken = losses.findIndex((loss) => !Number.isFinite(loss));
  const { result } = run;
  const file: RunFile = {
    kind: 'lori-run',
    config: run.config,
    models: { ...result?.models },
    ...(result && {
      observed: {
        losses: broken < 0 ? losses : losses.slice(0, broken),
        accuracy: result.heldOut?.share ?? null,
        provider: result.provider,
        seconds: result.seconds.train,
      },
    }),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Reads the text of a run file, or of a bare configuration. Throws `RunConfigError` that names what is wrong. */
export function readRunFile(text: string): RunFile {
  if (text.length > LARGEST_RUN_FILE) {
    throw new RunConfigError(
      `the file has ${text.length} characters; a run file has at most ${LARGEST_RUN_FILE}`,
    );
  }
  let value: unknown;
  try {
    value = readJson(text);
  } catch (cause) {
    throw new RunConfigError(`the run file cannot be read: ${(cause as Error).message}`, { cause });
  }
  return parseRunFile(value);
}

/** The names in `file.models` whose hash is not that of the loaded pair. */
export function modelsThatDiffer(file: RunFile, loaded: Readonly<Record<string, string>>): string[] {
  return Object.entries(file.models)
    .filter(([name, hash]) => loaded[name] !== hash)
    .map(([name]) => name);
}
