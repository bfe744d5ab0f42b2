import type { Rng } from '../../src/engine/base/rng';

export interface Target {
  readonly name: string;
  /** How often it is drawn, relative to the others. */
  readonly weight: number;
  /** Reads one mutant; returns what a person would be shown. Throws what the reader throws. */
  run(rng: Rng): Promise<unknown>;
}
