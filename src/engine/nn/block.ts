import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig, GroupName } from './config';
import type { LoraGroup, LoraTensors } from './lora';
import type { BlockTensors } from './weights';

/** Keys and values of one block, [B, kvHeads, T, d] each. */
export interface KeyValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** What a segment of S positions is run with. */
export interface Segment {
  readonly batch: number;
  readonly positions: number;
  /** Additive, broadcast to [B, heads, S, T]: 0 where a key is seen, −1e9 where not. */
  readonly mask: Tensor;
  /** Rotary tables [S, d/2] of the segment's columns. */
  readonly cos: Tensor;
  readonly sin: Tensor;
  /** Only the last position's output is wanted; every position still gives its key and value. */
  readonly lastOnly?: boolean;
  /** Joins the keys (or values) before the segment with its own: [B, kvHeads, T, d]. */
  join(past: Tensor | undefined, own: Tensor): Tensor;
}

/** y = x·Wᵀ (+ bias) (+ residual), and the adapter's part on top. Adding through C keeps each sum inside its product. */
function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  lora: LoraGroup | undefined,
  residual?: Tensor,
): Tensor {
  let y = o.gemm(x, weight, { transB: true }, bias ?? residual);
  if (bias && residual) y = o.add(y, residual);
  if (!lora) return y;
  return o.gemm(o.gemm(x, lora.a, { transB: true }), lora.b, { transB: true, alpha: lora.scale }, y);
}

/**
 * One pre-norm decoder block (LLaMA, Qwen2): RMSNorm → grouped-query attention with RoPE → residual → RMSNorm → SwiGLU
 * → residual.
 * @param x hidden states [B·S, H]
 * @param past keys and values before the segment, already rotated
 * @returns hidden states [B·S, H], or [B, H] of the last position, and the joined keys and values
 */
export function block(
  config: DecoderConfig,
  weights: BlockTensors,
  lora: LoraTensors | undefined,
  x: Tensor,
  segment: Segment,
  past: KeyValues | undefined,
): { x: Tensor; kv: KeyValues } {
  const { heads, kvHeads, headDim: d, rmsNormEps } = config;
  const { batch: B, positions: S } = segment;
  const w = (name: keyof BlockTensors): Tensor => weights[name] as Tensor;
  const adapter = (name: GroupName): LoraGroup | undefined => lora?.groups[name];

  const normed = o.rmsNorm(x, w('attentionNorm'), rmsNormEps);
  const qkv = linear(normed, w('qkv'), weights.qkvBias, adapter('qkv'));
  const byHead = o.transpose(o.reshape(qkv, [B, S, heads + 2 * kvHeads, d]), [0, 2, 1, 3]);
  const rotated = o.rope(o.slice(byHead, 1, 0, heads + kvHeads), segment.cos, segment.sin);
  // Q positions ask: what follows the keys and values is spared for the others.
  const Q = segment.lastOnly ? 1 : S;
  const asking = o.slice(o.slice(rotated, 1, 0, heads), 2, S - Q, S);
  const q = o.mul(asking, 1 / Math.sqrt(d));
  const mask = segment.mask.shape[2] === S ? o.slice(segment.mask, 2, S - Q, S) : segment.mask;
  const H = config.hiddenSize;
  const residual = o.reshape(o.slice(o.reshape(x, [B, S, H]), 1, S - Q, S), [B * Q, H]);
  const k = segment.join(past?.k, o.slice(rotated, 1, heads, heads + kvHeads));
  const v = segment.join(past?.v, o.slice(byHead, 1, heads + kvHeads, heads + 2 * kvHeads));

  // The heads that share a key are rows of one product, so that keys are never repeated.
  const T = k.shape[2] as number;
  const grouped = o.reshape(q, [B, kvHeads, (heads / kvHeads) * Q, d]);
  const scores = o.reshape(o.matmul(grouped, k, { transB: true }), [B, heads, Q, T]);
  const weightsOfKeys = o.reshape(o.softmax(o.add(scores, mask)), [B, kvHeads, (heads / kvHeads) * Q, T]);
  const context = o.reshape(o.matmul(weightsOfKeys, v), [B, heads, Q, d]);
  const joined = o.reshape(o.transpose(context, [0, 2, 1, 3]), [B * Q, heads * d]);
  const attended = linear(joined, w('o'), weights.oBias, adapter('o'), residual);

  const I = config.intermediateSize;
  const gateUp = linear(
    o.rmsNorm(attended, w('mlpNorm'), rmsNormEps),
    w('gateUp'),
    weights.gateUpBias,
    adapter('gateUp'),
  );
  const activated = o.mul(o.silu(o.slice(gateUp, 1, 0, I)), o.slice(gateUp, 1, I, 2 * I));
  return { x: linear(activated, w('down'), weights.downBias, adapter('down'), attended), kv: { k, v } };
}
