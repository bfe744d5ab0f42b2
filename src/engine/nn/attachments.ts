import type { Rng } from '../base/rng';
import type { Graph, Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { DecoderConfig } from './config';
import { initialPack, type LoraSpec, type LoraTensors, loraLayout, unpackLora } from './lora';

/**
 * The places in a layer where a module may be attached: the normed input of the attention, and that input as q, k and v
 * each read it; the outputs of the attention and of the MLP before the residual is added; the normed input of the MLP; the
 * layer's output.
 */
export const SITES = [
  'attention.in',
  'q.in',
  'k.in',
  'v.in',
  'attention.out',
  'mlp.in',
  'mlp.out',
  'residual',
] as const;
export type Site = (typeof SITES)[number];

/** What is attached to one layer in a graph. */
export interface Attachments {
  readonly lora: readonly LoraTensors[];
  readonly sites: Partial<Record<Site, (x: Tensor) => Tensor>>;
}

/**
 * DART's reasoning evolvement module: at each of its sites h ← h + (alpha/width)·W₂W₁ᵀh, W₁ and W₂ [H, width], one pair per
 * site and layer (DART §3.2). W₂ starts at zero, so that the model starts unchanged.
 */
export interface RemSpec {
  readonly kind: 'rem';
  readonly width: number;
  readonly alpha: number;
  readonly sites: readonly Extract<Site, 'q.in' | 'k.in' | 'v.in'>[];
}

/** A set of trained modules, with one flat vector of parameters (its pack) per layer. */
export type AdapterSpec = ({ readonly kind: 'lora' } & LoraSpec) | RemSpec;

/** Number of values in one layer's pack. */
export function packLength(config: DecoderConfig, spec: AdapterSpec): number {
  if (spec.kind === 'lora') return loraLayout(config, spec).length;
  return spec.sites.length * 2 * config.hiddenSize * spec.width;
}

/** A fresh pack for one layer: the model computes the same with it as without it. */
export function freshPack(config: DecoderConfig, spec: AdapterSpec, rng: Rng): Float32Array<ArrayBuffer> {
  if (spec.kind === 'lora') return initialPack(config, spec, rng);
  const pack = new Float32Array(packLength(config, spec));
  const size = config.hiddenSize * spec.width;
  const bound = 1 / Math.sqrt(config.hiddenSize);
  for (let site = 0; site < spec.sites.length; site++)
    for (let j = 0; j < size; j++) pack[2 * site * size + j] = (2 * rng.uniform() - 1) * bound;
  return pack;
}

/** One adapter of one layer in a graph: where it attaches, what to differentiate with respect to, and its packed gradient. */
export interface AttachedPack {
  readonly attachments: Attachments;
  readonly leaves: readonly Tensor[];
  pack(gradients: readonly Tensor[]): Tensor;
}

/** @param packed [packLength] */
export function attachPack(
  graph: Graph,
  config: DecoderConfig,
  spec: AdapterSpec,
  packed: Tensor,
): AttachedPack {
  if (spec.kind === 'lora') {
    const lora = unpackLora(graph, config, spec, packed);
    return { attachments: { lora: [lora], sites: {} }, leaves: lora.leaves, pack: lora.pack };
  }
  const H = config.hiddenSize;
  const size = H * spec.width;
  const factor = (i: number): Tensor =>
    o.reshape(o.slice(packed, 0, i * size, (i + 1) * size), [H, spec.width]);
  const leaves: Tensor[] = [];
  const sites: Attachments['sites'] = {};
  spec.sites.forEach((site, i) => {
    const [w1, w2] = [factor(2 * i), factor(2 * i + 1)];
    leaves.push(w1, w2);
    sites[site] = (h) => o.gemm(o.gemm(h, w1), w2, { transB: true, alpha: spec.alpha / spec.width }, h);
  });
  return {
    attachments: { lora: [], sites },
    leaves,
    pack: (gradients) =>
      o.concat(
        gradients.map((g) => o.reshape(g, [size])),
        0,
      ),
  };
}

/** Several adapters of one layer, in order: at a shared site, a later one sees the output of an earlier one. */
export function joinAttachments(parts: readonly Attachments[]): Attachments {
  const sites: Attachments['sites'] = {};
  for (const part of parts)
    for (const [site, module] of Object.entries(part.sites) as [Site, (x: Tensor) => Tensor][]) {
      const before = sites[site];
      sites[site] = before ? (x) => module(before(x)) : module;
    }
  return { lora: parts.flatMap(({ lora }) => lora), sites };
}
