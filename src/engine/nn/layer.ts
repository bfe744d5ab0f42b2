import type { Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { activated } from './activation';
import type { Attachments, Site } from './attachments';
import { type DecoderConfig, type GroupName, groupsOf } from './config';
import { masked } from './dropout';
import type { LoraGroup } from './lora';
import { norm } from './norm';
import { type RopeTensors, rotated } from './rope';
import type { LayerTensors } from './weights';

/** Keys and values of one layer, [B, kvHeads, T, d] each. */
export interface KeyValues {
  readonly k: Tensor;
  readonly v: Tensor;
}

/** What a segment of S positions needs to run. */
export interface Segment {
  readonly batch: number;
  readonly positions: number;
  /** Additive, broadcast to [B, heads, S, T]: 0 where a key is visible, −1e9 where it is not. */
  readonly mask: Tensor;
  /** Absent where positions are learned: then they are in x. */
  readonly rope: RopeTensors | undefined;
  /** Only the last position's output is needed; every position still contributes its key and value. */
  readonly lastOnly?: boolean;
  /** Joins the keys (or values) before the segment with its own: [B, kvHeads, T, d]. */
  join(past: Tensor | undefined, own: Tensor): Tensor;
}

/** y = x·Wᵀ (+ bias) (+ residual), plus the adapters' contributions. Adding through C keeps each sum inside its product. */
function linear(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | undefined,
  lora: readonly LoraGroup[],
  residual?: Tensor,
): Tensor {
  let y = o.gemm(x, weight, { transB: true }, bias ?? residual);
  if (bias && residual) y = o.add(y, residual);
  for (const { a, b, scale, mask } of lora) {
    const seen = mask ? masked(x, mask) : x;
    y = o.gemm(o.gemm(seen, a, { transB: true }), b, { transB: true, alpha: scale }, y);
  }
  return y;
}

/**
 * One pre-norm decoder layer: norm → grouped-query attention → residual → norm → MLP → residual. LLaMA and Qwen have RMSNorm,
 * RoPE and SwiGLU (Qwen3 also norms each head's queries and keys before RoPE), GPT-2 LayerNorm, positions in x, and GELU.
 * @param attached adapters on its linears, and modules at its sites
 * @param x hidden states [B·S, H]
 * @param past keys and values before the segment, already rotated
 * @returns hidden states [B·S, H], or [B, H] of the last position, the joined keys and values, and the attention weights
 * [B, heads, S, T], or [B, heads, 1, T]
 */
export function decoderLayer(
  config: DecoderConfig,
  weights: LayerTensors,
  attached: Attachments | undefined,
  x: Tensor,
  segment: Segment,
  past: KeyValues | undefined,
): { x: Tensor; kv: KeyValues; attention: Tensor } {
  const { heads, kvHeads, headDim: d } = config;
  const { batch: B, positions: S } = segment;
  const w = (name: keyof LayerTensors): Tensor => weights[name] as Tensor;
  const adapters = (name: GroupName): LoraGroup[] =>
    (attached?.lora ?? []).flatMap(({ groups }) => groups[name] ?? []);
  const at: At = (site, value) => attached?.sites[site]?.(value) ?? value;
  const has: Has = (site) => attached?.sites[site] !== undefined;

  const normed = at('attention.in', norm(config, x, w('attentionNorm'), weights.attentionNormBias));
  const qkv = packedQkv(config, weights, normed, adapters('qkv'), at, has);
  const byHead = o.transpose(o.reshape(qkv, [B, S, heads + 2 * kvHeads, d]), [0, 2, 1, 3]);
  const turned = queriesAndKeys(config, weights, byHead, segment.rope);
  // Only Q positions have queries: whatever comes after keys and values is skipped for the others.
  const Q = segment.lastOnly ? 1 : S;
  const asking = o.slice(turned.q, 2, S - Q, S);
  const q = o.mul(asking, 1 / Math.sqrt(d));
  const mask = segment.mask.shape[2] === S ? o.slice(segment.mask, 2, S - Q, S) : segment.mask;
  const H = config.hiddenSize;
  const residual = o.reshape(o.slice(o.reshape(x, [B, S, H]), 1, S - Q, S), [B * Q, H]);
  const k = segment.join(past?.k, turned.k);
  const v = segment.join(past?.v, o.slice(byHead, 1, heads + kvHeads, heads + 2 * kvHeads));

  // Heads that share a key are rows of one product, so that keys are never repeated.
  const T = k.shape[2] as number;
  const grouped = o.reshape(q, [B, kvHeads, (heads / kvHeads) * Q, d]);
  const scores = o.reshape(o.matmul(grouped, k, { transB: true }), [B, heads, Q, T]);
  const attention = o.softmax(o.add(scores, mask));
  const weightsOfKeys = o.reshape(attention, [B, kvHeads, (heads / kvHeads) * Q, T]);
  const context = o.reshape(o.matmul(weightsOfKeys, v), [B, heads, Q, d]);
  const joined = o.reshape(o.transpose(context, [0, 2, 1, 3]), [B * Q, heads * d]);
  const attended = intoResidual(
    at,
    has,
    'attention.out',
    [joined, w('o'), weights.oBias, adapters('o')],
    residual,
  );

  const inner = groupsOf(config)[2]?.[0] as 'gateUp' | 'up';
  const opened = linear(
    at('mlp.in', norm(config, attended, w('mlpNorm'), weights.mlpNormBias)),
    w(inner),
    weights[`${inner}Bias`],
    adapters(inner),
  );
  const out = intoResidual(
    at,
    has,
    'mlp.out',
    [activated(config, opened), w('down'), weights.downBias, adapters('down')],
    attended,
  );
  return { x: at('residual', out), kv: { k, v }, attention };
}

type At = (site: Site, value: Tensor) => Tensor;
type Has = (site: Site) => boolean;

/** Queries [B, heads, S, d] and keys [B, kvHeads, S, d], normed where the model does that, and turned by their positions. */
function queriesAndKeys(
  { heads, kvHeads, qkNorm, normEps }: DecoderConfig,
  { qNorm, kNorm }: LayerTensors,
  byHead: Tensor,
  rope: RopeTensors | undefined,
): { readonly q: Tensor; readonly k: Tensor } {
  const both = heads + kvHeads;
  if (!qkNorm) {
    const turned = rotated(o.slice(byHead, 1, 0, both), rope);
    return { q: o.slice(turned, 1, 0, heads), k: o.slice(turned, 1, heads, both) };
  }
  const one = (from: number, to: number, weight: Tensor | undefined): Tensor =>
    rotated(o.rmsNorm(o.slice(byHead, 1, from, to), weight as Tensor, normEps), rope);
  return { q: one(0, heads, qNorm), k: one(heads, both, kNorm) };
}

/** Queries, keys and values side by side: one product, or three where a module is attached before one of them. */
function packedQkv(
  config: DecoderConfig,
  weights: LayerTensors,
  normed: Tensor,
  lora: readonly LoraGroup[],
  at: At,
  has: Has,
): Tensor {
  const sites = ['q.in', 'k.in', 'v.in'] as const;
  const { qkv, qkvBias } = weights as { qkv: Tensor; qkvBias?: Tensor };
  if (!sites.some(has)) return linear(normed, qkv, qkvBias, lora);
  const { heads, kvHeads, headDim: d } = config;
  const rows = [heads * d, kvHeads * d, kvHeads * d];
  let from = 0;
  const parts = sites.map((site, i) => {
    const to = from + (rows[i] as number);
    const rowsOf = (packed: Tensor): Tensor => o.slice(packed, 0, from, to);
    const own = lora.map((group) => ({ ...group, b: rowsOf(group.b) }));
    const y = linear(at(site, normed), rowsOf(qkv), qkvBias && rowsOf(qkvBias), own);
    from = to;
    return y;
  });
  return o.concat(parts, 1);
}

/** A projection back into the residual stream; a module at the site sees its output before the residual is added. */
function intoResidual(
  at: At,
  has: Has,
  site: 'attention.out' | 'mlp.out',
  projection: [Tensor, Tensor, Tensor | undefined, readonly LoraGroup[]],
  residual: Tensor,
): Tensor {
  return has(site) ? o.add(residual, at(site, linear(...projection))) : linear(...projection, residual);
}
