import { BUG, ConfigError } from '../base/errors';
import type { RemSpec } from './attachments';
import { type DecoderConfig, linearSizes } from './config';
import { layerWeights } from './weight-parts';

/** One pair of a REM: W₁ and W₂ [H, width], row by row, and α/width. */
export interface RemPair {
  readonly w1: Float32Array;
  readonly w2: Float32Array;
  readonly scale: number;
}

/** The rows [from, to) of a checkpoint's tensor that read what a pair gives them. */
export interface RemFactors {
  /** Name of the tensor: `model.layers.0.self_attn.k_proj.weight`. */
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly pair: RemPair;
}

const LINEARS = ['q', 'k', 'v'] as const;

/**
 * A REM's packs by the linears that read them, as a checkpoint has those: GPT-2's c_attn holds all three.
 * @param packs of each layer  @throws ConfigError for a pack of another length
 */
export function remFactors(
  config: DecoderConfig,
  { sites, width, alpha }: RemSpec,
  packs: readonly Float32Array[],
): RemFactors[] {
  const size = config.hiddenSize * width;
  const sizes = linearSizes(config);
  return packs.flatMap((pack, layer) => {
    if (pack.length !== 2 * size * sites.length)
      throw new ConfigError(
        `a module’s pack has ${pack.length} values; ${2 * size * sites.length} are expected`,
        BUG,
      );
    const part = (i: number): Float32Array => pack.subarray(i * size, (i + 1) * size);
    const parts = layerWeights(config, layer).qkv?.parts ?? [];
    const fused = parts.length < LINEARS.length;
    return sites.map((site, i) => {
      const linear = LINEARS.findIndex((name) => site === `${name}.in`);
      const before = fused ? LINEARS.slice(0, linear) : [];
      const from = before.reduce((rows, name) => rows + sizes[name].out, 0);
      return {
        target: parts[fused ? 0 : linear]?.name as string,
        ...{ from, to: from + sizes[LINEARS[linear] as 'q' | 'k' | 'v'].out },
        pair: { w1: part(2 * i), w2: part(2 * i + 1), scale: alpha / width },
      };
    });
  });
}

/**
 * W ← W·(I + s·W₂W₁ᵀ): rows that read h as they would have read h + s·W₂W₁ᵀh, so that nothing of the module is left at inference
 * (DART §3.2). Sums in float64.
 * @param rows of W, [n, H], which are changed
 */
export function mergeRem(rows: Float32Array, { w1, w2, scale }: RemPair, H: number): void {
  const width = w1.length / H;
  const through = new Float64Array(width);
  for (let row = 0; row < rows.length; row += H) {
    through.fill(0);
    for (let h = 0; h < H; h++)
      for (let j = 0; j < width; j++)
        through[j] = (through[j] as number) + (rows[row + h] as number) * (w2[h * width + j] as number);
    for (let h = 0; h < H; h++) {
      let sum = 0;
      for (let j = 0; j < width; j++) sum += (through[j] as number) * (w1[h * width + j] as number);
      rows[row + h] = (rows[row + h] as number) + scale * sum;
    }
  }
}
