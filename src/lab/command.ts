import type { RunConfig } from '../contract/config';
import type { PairReport, RunEvent } from '../contract/events';
import type { LoriWorkbench } from '../engine/session/workbench';
import type { LensArguments } from './options';

export interface CommandInput {
  readonly workbench: LoriWorkbench;
  readonly pair: PairReport;
  readonly config: RunConfig;
  /** What `eval` compares. */
  readonly contenders: readonly { readonly name: string; readonly config: RunConfig }[];
  readonly seeds: readonly number[];
  readonly samples: number;
  readonly question: string | undefined;
  readonly lens: LensArguments;
  readonly say: (line: string) => void;
  readonly onEvent: (event: RunEvent) => void;
}

export type Command = (input: CommandInput) => Promise<Record<string, unknown>>;
