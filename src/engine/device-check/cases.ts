/**
 * The stored cases of the projection and the losses in one form: small ones with their inputs, and those at the ends of
 * the range (M 2000, R 512, L 36, H 2048), whose inputs are drawn again from their seeds and whose results are sampled.
 */
import { relativeError, unpackF32 } from '../kernels/shared/golden';
import losses from '../kernels/shared/losses.golden.json';
import range from '../kernels/shared/range.golden.json';
import { caseMatrix } from '../kernels/svd/cases';

type Values = Float32Array<ArrayBuffer>;

/** A result: little-endian float32 in base64, of every `every`-th entry. */
interface Sampled {
  readonly every: number;
  readonly values: string;
}

const whole = (values: string): Sampled => ({ every: 1, values });

/** The same numbers that scripts/goldens/kernels/range.py draws. */
const drawn = (name: keyof typeof range.seeds, ...shape: readonly number[]): Values =>
  caseMatrix(
    'white',
    1,
    shape.reduce((n, d) => n * d, 1),
    range.seeds[name],
  );

/** Each tensor's error against its stored reference, relative to the tensor's size. */
export const errorsOf = (got: readonly Float32Array[], want: readonly Sampled[]): readonly number[] =>
  got.map((values, i) => {
    const { every, values: stored } = want[i] as Sampled;
    const kept = every === 1 ? values : values.filter((_, at) => at % every === 0);
    // An entry that is not compared must still be a number.
    return values.every(Number.isFinite) ? relativeError(kept, unpackF32(stored)) : Infinity;
  });

export const PROJECTION_CASES = [
  ...losses.projection.map((c) => ({
    shape: c.shape,
    inputs: [unpackF32(c.x), unpackF32(c.uL), unpackF32(c.uH), unpackF32(c.dg)] as const,
    want: [whole(c.g), whole(c.dx)],
  })),
  ...range.projection.map(({ shape, g, dx }) => {
    const { batch, rows, layers, hidden, rankL, rankH } = shape;
    return {
      shape,
      inputs: [
        drawn('x', batch, rows, layers, hidden),
        drawn('uL', layers, rankL),
        drawn('uH', hidden, rankH),
        drawn('dg', batch, rows, rankL, rankH),
      ] as const,
      want: [g, dx],
    };
  }),
];

export const MOMENTS_CASES = [
  ...losses.moments.map((c) => ({ shape: c.shape, g: unpackF32(c.g), want: [whole(c.mu), whole(c.c)] })),
  ...range.moments.map(({ shape, mu, c }) => ({
    shape,
    g: drawn('g', shape.batch, shape.rows, shape.rank),
    want: [mu, c],
  })),
];

export const MOMENT_LOSS_CASES = [
  ...losses.momentloss.map((c) => ({
    ...{ shape: c.shape, weights: c.weights },
    inputs: [unpackF32(c.g), unpackF32(c.muT), unpackF32(c.cT)] as const,
    want: [whole(c.loss), whole(c.dg)],
  })),
  ...range.momentloss.map(({ shape, weights, loss, dg }) => {
    const { batch, steps, rank } = shape;
    const cT = drawn('cT', batch, rank, rank);
    mirror(cT, batch, rank);
    return {
      ...{ shape, weights },
      inputs: [drawn('g', batch, steps, rank), drawn('muT', batch, rank), cT] as const,
      want: [loss, dg],
    };
  }),
];

export const ANCHOR_LOSS_CASES = [
  ...losses.anchorloss.map((c) => ({
    shape: c.shape,
    inputs: [unpackF32(c.h), unpackF32(c.target), unpackF32(c.uH), unpackF32(c.layerScale)] as const,
    want: [whole(c.loss), whole(c.dh)],
  })),
  ...range.anchorloss.map(({ shape, loss, dh }) => {
    const { batch, layers, hidden, rank } = shape;
    return {
      shape,
      inputs: [
        drawn('h', batch, layers, hidden),
        drawn('target', batch, layers, rank),
        drawn('uH', hidden, rank),
        drawn('layerScale', layers).map((x) => x + 1),
      ] as const,
      want: [loss, dh],
    };
  }),
];

/** Makes each matrix of [B, R, R] symmetric by mirroring its upper triangle. */
function mirror(c: Values, batch: number, rank: number): void {
  for (let b = 0; b < batch; b++)
    for (let i = 0; i < rank; i++)
      for (let j = 0; j < i; j++) c[(b * rank + i) * rank + j] = c[(b * rank + j) * rank + i] as number;
}
