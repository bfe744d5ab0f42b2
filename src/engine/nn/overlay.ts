import type { HostTensor } from '../base/dtype';
import { floatsOf } from '../base/half';
import type { DecoderConfig } from './config';
import { mergeRem, type RemPair } from './merge-rem';
import { OUTER_PREFIX, type PackedWeight, packedWeights } from './weight-parts';
import type { WeightSource } from './weight-source';

/** Rows [from, to) of a matrix [rows, columns], or elements of a vector; all by default. */
export type ReadRows = (from?: number, to?: number) => HostTensor;

/** A change of one of a checkpoint's tensors, in our order: linears are [out, in], whatever the checkpoint has. */
export type Overlay =
  /** W + scale·B·A with A [r, in], B [out, r]. */
  | { readonly kind: 'lora'; readonly a: ReadRows; readonly b: ReadRows; readonly scale: number }
  /** Another tensor in its place, of as many rows as the configuration has. */
  | { readonly kind: 'replace'; readonly read: ReadRows }
  /** Row i of the tensor in place of row rows[i]. */
  | { readonly kind: 'rows'; readonly rows: readonly number[]; readonly read: ReadRows }
  /** Rows [from, to) as they read what a REM makes of their input; after every change of the weights themselves. */
  | { readonly kind: 'rem'; readonly from: number; readonly to: number; readonly pair: RemPair }
  /** scale·v is added. */
  | { readonly kind: 'add'; readonly read: ReadRows; readonly scale: number };

/** By the name of the checkpoint's tensor; several are applied one after another. */
export type Overlays = ReadonlyMap<string, readonly Overlay[]>;

/**
 * A model's weights with changes, made while they are read, and kept by nobody: everything that reads a model reads the changed
 * one. Changed tensors are float32; sums are in float64, rounded once.
 * @param config with the changed vocabulary, and with an untied head where the head is no longer the embedding
 * @param base the weights before, in `baseConfig`; a head that it does not have is its embedding
 */
export function overlaidSource(config: DecoderConfig, base: WeightSource, overlays: Overlays): WeightSource {
  const packed = packedWeights(config);
  const changed = new Set(
    [...packed].flatMap(([name, { parts }]) => (parts.some((part) => overlays.has(part.name)) ? [name] : [])),
  );
  const origin = (name: string): string =>
    base.tensors.has(name) ? name : name.replace(`${OUTER_PREFIX}head`, `${OUTER_PREFIX}embedding`);
  const tensors = new Map(
    [...packed].map(([name, { shape }]) => {
      const dtype = changed.has(name) ? 'f32' : (base.tensors.get(origin(name))?.dtype ?? 'f32');
      return [name, { dtype, shape }] as const;
    }),
  );
  return {
    tensors,
    read(name, from, to) {
      const weight = packed.get(name);
      if (!weight || !changed.has(name)) return base.read(origin(name), from, to);
      const [first, end] = [from ?? 0, to ?? (weight.shape[0] as number)];
      return changedRows(weight, base, origin(name), overlays, [first, end]);
    },
  };
}

function changedRows(
  { shape, parts }: PackedWeight,
  base: WeightSource,
  name: string,
  overlays: Overlays,
  [from, to]: readonly [number, number],
): HostTensor {
  const width = shape.slice(1).reduce((n, d) => n * d, 1);
  const data = new Float32Array((to - from) * width);
  const own = Math.min(to, base.tensors.get(name)?.shape[0] ?? 0);
  if (from < own) data.set(floatsOf(base.read(name, from, own)));
  let first = 0;
  for (const part of parts) {
    const rows = part.shape[part.transposed ? 1 : 0] as number;
    const [begin, end] = [Math.max(from - first, 0), Math.min(to - first, rows)];
    if (begin < end) {
      const at = (first + begin - from) * width;
      const piece = data.subarray(at, at + (end - begin) * width);
      for (const overlay of overlays.get(part.name) ?? []) change(overlay, piece, width, begin, end);
    }
    first += rows;
  }
  return { dtype: 'f32', shape: [to - from, ...shape.slice(1)], data };
}

/** @param rows the values of rows [from, to), which are changed */
function change(overlay: Overlay, rows: Float32Array, width: number, from: number, to: number): void {
  if (overlay.kind === 'replace') rows.set(floatsOf(overlay.read(from, to)));
  else if (overlay.kind === 'lora') addProduct(overlay, rows, width, from, to);
  else if (overlay.kind === 'add') {
    const values = floatsOf(overlay.read(from, to));
    for (let i = 0; i < rows.length; i++)
      rows[i] = (rows[i] as number) + overlay.scale * (values[i] as number);
  } else if (overlay.kind === 'rem') {
    const [begin, end] = [Math.max(overlay.from, from), Math.min(overlay.to, to)];
    if (begin < end)
      mergeRem(rows.subarray((begin - from) * width, (end - from) * width), overlay.pair, width);
  } else
    overlay.rows.forEach((row, i) => {
      if (row >= from && row < to) rows.set(floatsOf(overlay.read(i, i + 1)), (row - from) * width);
    });
}

function addProduct(
  { a, b, scale }: Extract<Overlay, { kind: 'lora' }>,
  rows: Float32Array,
  width: number,
  from: number,
  to: number,
): void {
  const as = floatsOf(a());
  const bs = floatsOf(b(from, to));
  const rank = as.length / width;
  const sum = new Float64Array(width);
  for (let o = 0; o < to - from; o++) {
    sum.fill(0);
    let k = 0;
    // Four at once, because sums are then read and written a quarter as often.
    for (; k + 4 <= rank; k += 4) {
      const at = o * rank + k;
      addFour(
        sum,
        as,
        k * width,
        bs[at] as number,
        bs[at + 1] as number,
        bs[at + 2] as number,
        bs[at + 3] as number,
      );
    }
    for (; k < rank; k++) addFour(sum, as, k * width, bs[o * rank + k] as number, 0, 0, 0);
    const at = o * width;
    for (let i = 0; i < width; i++) rows[at + i] = (rows[at + i] as number) + scale * (sum[i] as number);
  }
}

/** Adds four rows of `a`, from the one that begins at `at`, times their factors; rows that are not there have factor 0. */
function addFour(
  sum: Float64Array,
  a: Float32Array,
  at: number,
  f: number,
  g: number,
  h: number,
  j: number,
): void {
  const width = sum.length;
  if (g === 0 && h === 0 && j === 0) {
    if (f !== 0) for (let i = 0; i < width; i++) sum[i] = (sum[i] as number) + f * (a[at + i] as number);
    return;
  }
  const [second, third, fourth] = [at + width, at + 2 * width, at + 3 * width];
  for (let i = 0; i < width; i++)
    sum[i] =
      (sum[i] as number) +
      f * (a[at + i] as number) +
      g * (a[second + i] as number) +
      h * (a[third + i] as number) +
      j * (a[fourth + i] as number);
}
