import { isResult } from '../contract/arena';
import type { RunConfig } from '../contract/config';
import type { PairReport, RunEvent } from '../contract/events';
import type { Methods } from '../contract/methods/method';
import type { RunFile } from '../contract/run-file';
import type { LoriWorkbench } from '../engine/session/workbench';
import type { KeptRun } from './keep';
import type {
  EvaluationArguments,
  ExportArguments,
  GenerateArguments,
  LensArguments,
  StepArguments,
  TrainingArguments,
} from './options';

export interface Contender {
  /** The preset's id, or the method if a custom configuration is run with every method. */
  readonly name: string;
  readonly config: RunConfig;
}

export interface CommandInput {
  readonly workbench: LoriWorkbench;
  readonly pair: PairReport;
  readonly config: RunConfig;
  readonly methods: Methods;
  /** Number of threads of the WASM runtime. */
  readonly threads: number;
  /** What `eval` compares, the seeds, and the contender that the others are compared with. */
  readonly contenders: readonly Contender[];
  readonly seeds: readonly number[];
  /** Whether the seeds were given. */
  readonly isSeeded: boolean;
  readonly baseline: string | undefined;
  /** What `eval` evaluates problem by problem, if it does. */
  readonly evaluation: EvaluationArguments;
  /** The named presets. */
  readonly chosen: { readonly preset: readonly string[] };
  /** Previous contents of --out, with --resume. */
  readonly earlier: unknown;
  /** Writes the results so far to --out. */
  readonly save: (result: Record<string, unknown>) => Promise<void>;
  readonly samples: number;
  readonly question: string | undefined;
  readonly stepping: StepArguments;
  readonly lens: LensArguments;
  /** Where the run is stored, and the folder of the run to resume; whether settings are given. */
  readonly keeping: {
    readonly keep: string | undefined;
    readonly resume: string | undefined;
    readonly isAsked: boolean;
  };
  /** The stored run whose student is used instead of training one; `config` is then its own. */
  readonly kept: KeptRun | undefined;
  /** Where the result is written, if not to standard output. */
  readonly out: string | undefined;
  /** Where a report is written as a page. */
  readonly html: string | undefined;
  /** The arena file. */
  readonly plan: string | undefined;
  /** The file that describes the search space. */
  readonly space: string | undefined;
  /** Id of the ablation to run as an arena. */
  readonly ablation: string | undefined;
  readonly generation: GenerateArguments;
  readonly exported: ExportArguments;
  readonly training: TrainingArguments;
  /** The run file being repeated. */
  readonly file: RunFile | null;
  readonly say: (line: string) => void;
  /** Writes text as it arrives, without a line break. */
  readonly write: (text: string) => void;
  readonly onEvent: (event: RunEvent) => void;
}

/** `table` is printed for people; `file` is written to --out, and the rest goes to standard output. */
export type Command = (input: CommandInput) => Promise<Record<string, unknown>>;

/** A run that diverges, or a method that cannot use its settings, is a result; any other error is thrown. */
export async function orFailed<T>(run: () => Promise<T>): Promise<T | { readonly failed: string }> {
  try {
    return await run();
  } catch (error) {
    if (!isResult((error as { code?: unknown }).code)) throw error;
    return { failed: (error as Error).message };
  }
}

/** Without intermediate checkpoints, for when nobody looks at them. */
export const unobserved = (config: RunConfig): RunConfig => ({
  ...config,
  observation: { ...config.observation, every: 0 },
});
