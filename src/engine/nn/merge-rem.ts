import { ConfigError } from '../base/errors';
import { floatsOf } from '../base/half';
import type { RemSpec } from './attachments';
import type { DecoderConfig } from './config';
import type { Weights } from './weights';

/** One pair of a REM: W₁ and W₂ [H, width], row by row, and α/width. */
export interface RemPair {
  readonly w1: Float32Array;
  readonly w2: Float32Array;
  readonly scale: number;
}

/** The pairs of a layer's pack, by the linear that reads them. @throws ConfigError for a pack of another length */
export function remPairs(
  { hiddenSize: H }: DecoderConfig,
  { sites, width, alpha }: RemSpec,
  pack: Float32Array,
): Partial<Record<'q' | 'k' | 'v', RemPair>> {
  const size = H * width;
  if (pack.length !== 2 * size * sites.length)
    throw new ConfigError(
      `a pack of ${pack.length} values; ${2 * size * sites.length} are expected`,
      'Merge a module with the specification it was trained with.',
    );
  const part = (i: number) => pack.subarray(i * size, (i + 1) * size);
  return Object.fromEntries(
    sites.map((site, i) => [site[0], { w1: part(2 * i), w2: part(2 * i + 1), scale: alpha / width }]),
  );
}

/**
 * W·(I + s·W₂W₁ᵀ): a projection that reads h as it would have read h + s·W₂W₁ᵀh, so that nothing of the module is left at
 * inference (DART §3.2). Sums in float64.
 * @param weight [out, H], row by row
 */
export function mergeRem(
  weight: Float32Array,
  H: number,
  { w1, w2, scale }: RemPair,
): Float32Array<ArrayBuffer> {
  const width = w1.length / H;
  const out = new Float32Array(weight);
  const through = new Float64Array(width);
  for (let row = 0; row < weight.length; row += H) {
    through.fill(0);
    for (let h = 0; h < H; h++)
      for (let j = 0; j < width; j++)
        through[j] = (through[j] as number) + (weight[row + h] as number) * (w2[h * width + j] as number);
    for (let h = 0; h < H; h++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += (through[j] as number) * (w1[h * width + j] as number);
      out[row + h] = (weight[row + h] as number) + scale * sum;
    }
  }
  return out;
}

/** A model with a REM's packs merged into its projections; biases and everything else are the same tensors. */
export function mergedRem(
  config: DecoderConfig,
  weights: Weights,
  spec: RemSpec,
  packs: readonly Float32Array[],
): Weights {
  const { hiddenSize: H, heads, kvHeads, headDim: d } = config;
  const rows = {
    q: [0, heads],
    k: [heads, heads + kvHeads],
    v: [heads + kvHeads, heads + 2 * kvHeads],
  } as const;
  const layers = weights.layers.map((layer, i) => {
    if (!layer.qkv) return layer;
    const data = new Float32Array(floatsOf(layer.qkv));
    for (const [name, pair] of Object.entries(remPairs(config, spec, packs[i] ?? new Float32Array()))) {
      const [from, to] = rows[name as keyof typeof rows];
      const own = data.subarray(from * d * H, to * d * H);
      own.set(mergeRem(own, H, pair));
    }
    return { ...layer, qkv: { dtype: 'f32' as const, shape: layer.qkv.shape, data } };
  });
  return { ...weights, layers };
}
