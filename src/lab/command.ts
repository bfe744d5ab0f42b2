import type { RunConfig } from '../contract/config';
import type { PairReport, RunEvent } from '../contract/events';
import type { Methods } from '../contract/methods/method';
import type { LoriWorkbench } from '../engine/session/workbench';
import type { LensArguments } from './options';

export interface Contender {
  /** The preset's id, or the method where a configuration of one's own is run with every method. */
  readonly name: string;
  readonly config: RunConfig;
}

export interface CommandInput {
  readonly workbench: LoriWorkbench;
  readonly pair: PairReport;
  readonly config: RunConfig;
  readonly methods: Methods;
  /** Of the WASM runtime. */
  readonly threads: number;
  /** What `eval` compares, on which seeds, and with which contender the others are compared. */
  readonly contenders: readonly Contender[];
  readonly seeds: readonly number[];
  readonly baseline: string | undefined;
  /** What --out held before, with --resume. */
  readonly earlier: unknown;
  /** Writes what there is so far to --out. */
  readonly save: (result: Record<string, unknown>) => Promise<void>;
  readonly samples: number;
  readonly question: string | undefined;
  readonly lens: LensArguments;
  readonly say: (line: string) => void;
  readonly onEvent: (event: RunEvent) => void;
}

export type Command = (input: CommandInput) => Promise<Record<string, unknown>>;

/** Without checkpoints on the way: where none is looked at, none need be made. */
export const unobserved = (config: RunConfig): RunConfig => ({
  ...config,
  observation: { ...config.observation, every: 0 },
});
