import type { WeightStorage } from '../../../src/contract/weight-storage';

/** What one run of the bench trains. */
export interface Options {
  readonly method: string;
  readonly batch: number;
  readonly samples: number;
  readonly steps: number;
  /** Tokens of the longest question, about. */
  readonly question: number;
  readonly latents: number;
  readonly threads: number;
  readonly storage: WeightStorage;
  /** Of the configuration. */
  readonly changes: object;
}
