import type { RunConfig } from '../../../contract/config';
import type { HostTensor } from '../../base/dtype';
import { HIDDEN, type TokenLayout } from '../../base/tokens';
import type { ProblemCodec, TokenProblem } from '../../data/tokens';
import type { WordProblem } from '../../data/word-problems';

/** A training sample: its tokens, and the problem they came from. */
export interface Sample {
  readonly tokens: TokenProblem;
  readonly problem: Pick<WordProblem, 'question' | 'steps' | 'answer'>;
}

/** What a method's own batches are made from. */
export interface BatchData<C extends RunConfig = RunConfig> {
  readonly config: C;
  /** All training samples. */
  readonly samples: readonly Sample[];
  readonly codec: ProblemCodec;
  readonly layout: TokenLayout;
}

/** A method's own batches, where question, rationale and answer as they are will not do. */
export interface Batches {
  /** Lengths that the recording needs to know, by the method's own names. */
  readonly sizes: Readonly<Record<string, number>>;
  /** The inputs of one batch. @param samples indices into the training samples  @param step from 0, for what is drawn */
  feeds(samples: readonly number[], step: number): Record<string, HostTensor>;
}

/** f32 [B, width], or any other shape of as many numbers. */
export function floats<R>(
  rows: readonly R[],
  width: number,
  of: (row: R, column: number) => number,
  shape: readonly number[] = [rows.length, width],
): HostTensor {
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, b) => {
    for (let j = 0; j < width; j++) data[b * width + j] = of(row, j);
  });
  return { dtype: 'f32', shape, data };
}

/** i32 [B, width]. */
export function integers<R>(
  rows: readonly R[],
  width: number,
  of: (row: R, column: number) => number,
): HostTensor {
  const { shape, data } = floats(rows, width, of);
  return { dtype: 'i32', shape, data: Int32Array.from(data as Float32Array) };
}

/** Additive mask [B, 1, 1, width]: 0 where a column may be seen. */
export const keyMask = <R>(
  rows: readonly R[],
  width: number,
  seen: (row: R, column: number) => boolean,
): HostTensor => floats(rows, width, (row, j) => (seen(row, j) ? 0 : HIDDEN), [rows.length, 1, 1, width]);

export const longest = <R>(rows: readonly R[], length: (row: R) => number): number =>
  rows.reduce((most, row) => Math.max(most, length(row)), 0);
