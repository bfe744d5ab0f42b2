import { GradientError } from '../../base/errors';
import { vjp } from '../../graph/gradient';
import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import { block, type Segment } from '../block';
import type { DecoderConfig } from '../config';
import { type LoraSpec, loraLayout, unpackLora } from '../lora';
import { ropeTables } from '../rope';
import { causalMask } from '../stack';
import { blockInputs } from '../weights';

/**
 * The part of a sequence that a block program runs on, B samples each. Keys and values are kept in caches
 * [B, kvHeads, T, d] of T = S + K columns: S of the question, one for each latent step.
 * - question: columns 0…S−1, no past; gives the caches, padded with zeros.
 * - latent: one column anywhere from S on, told by inputs, so that one program serves all steps; gives the caches with
 *   that column filled in. What the caches hold from that column on does not matter.
 * - continuation: `positions` given tokens after the first `from` columns of the caches, which it leaves alone.
 */
export type SegmentKind =
  | { readonly kind: 'question' }
  | { readonly kind: 'latent' }
  | {
      readonly kind: 'continuation';
      readonly from: number;
      readonly positions: number;
      /** A position whose block output is also given out alone, and may have a cotangent of its own. */
      readonly watched?: number;
    };

export interface SegmentSizes {
  readonly batch: number;
  /** S */
  readonly question: number;
  /** T */
  readonly columns: number;
}

/** What the latent program is told about its column c of T, besides the rotary tables `cos`, `sin` [1, d/2]. */
export const COLUMN_INPUTS = ['place', 'keep', 'visible', 'cos', 'sin'] as const;

/** Names of a block program's weight inputs: `w.{name}`. */
export const BLOCK_PREFIX = 'w.';

export interface BlockPrograms {
  /** x [B·P, H], pastK, pastV, keyMask [B, 1, 1, S], weights, lora [n] → y [B·P, H] (and k, v; and watched [B, H]) */
  readonly forward: Program;
  /**
   * The same inputs, cotangents dy (dWatched, dState), dK, dV of what later segments read, and the gradient so far →
   * dx [B·P, H], dPastK, dPastV (of the caches before this segment), gradient + this segment's part. The forward pass
   * is computed again inside: nothing but its inputs has been kept.
   */
  readonly reverse: Program;
}

export function positionsOf(segment: SegmentKind, sizes: SegmentSizes): number {
  if (segment.kind === 'question') return sizes.question;
  return segment.kind === 'latent' ? 1 : segment.positions;
}

/**
 * The block programs of one segment, the same for every block of a model.
 * @param watchStates whether block outputs have cotangents of their own: `dState` [B, H] of a latent step, `dWatched`
 *   [B, H] of a continuation's watched position
 */
export function blockPrograms(
  config: DecoderConfig,
  lora: LoraSpec,
  sizes: SegmentSizes,
  segment: SegmentKind,
  watchStates = false,
): BlockPrograms {
  const name = `${segment.kind} block`;
  const forward = traced(new Graph(), config, lora, sizes, segment);
  return {
    forward: { name, outputs: forward.outputs },
    reverse: { name: `${name} in reverse`, outputs: reversed(forward, sizes, segment, watchStates) },
  };
}

type Traced = ReturnType<typeof traced>;

function traced(
  graph: Graph,
  config: DecoderConfig,
  spec: LoraSpec,
  sizes: SegmentSizes,
  segment: SegmentKind,
) {
  const { batch: B, question: S, columns: T } = sizes;
  const { hiddenSize: H, kvHeads, headDim: d } = config;
  const P = positionsOf(segment, sizes);
  const cache = [B, kvHeads, T, d];
  const x = graph.input('x', [B * P, H]);
  const past =
    segment.kind === 'question'
      ? undefined
      : { k: graph.input('pastK', cache), v: graph.input('pastV', cache) };
  const keyMask = graph.input('keyMask', [B, 1, 1, S]);
  const weights = blockInputs(graph, config, BLOCK_PREFIX);
  const lora = unpackLora(graph, config, spec, graph.input('lora', [loraLayout(config, spec).length]));
  const run = segmentOf(graph, config, sizes, segment, keyMask);
  const out = block(config, weights, lora, x, run, past);
  const outputs: Record<string, Tensor> = { y: out.x };
  if (segment.kind === 'question') {
    outputs.k = o.pad(out.kv.k, 2, 0, T - S);
    outputs.v = o.pad(out.kv.v, 2, 0, T - S);
  } else if (segment.kind === 'latent') {
    outputs.k = out.kv.k;
    outputs.v = out.kv.v;
  } else if (segment.watched !== undefined) {
    const at = segment.watched;
    outputs.watched = o.reshape(o.slice(o.reshape(out.x, [B, P, H]), 1, at, at + 1), [B, H]);
  }
  return { graph, x, past, lora, outputs };
}

/** Mask, rotary tables and the way past and own keys come together. */
function segmentOf(
  graph: Graph,
  config: DecoderConfig,
  { batch, question: S, columns: T }: SegmentSizes,
  segment: SegmentKind,
  keyMask: Tensor,
): Segment {
  const half = config.headDim / 2;
  if (segment.kind === 'latent') {
    const column = [1, 1, T, 1];
    const [place, keep] = [graph.input('place', column), graph.input('keep', column)];
    return {
      batch,
      positions: 1,
      mask: o.add(o.pad(keyMask, 3, 0, T - S), graph.input('visible', [1, 1, 1, T])),
      cos: graph.input('cos', [1, half]),
      sin: graph.input('sin', [1, half]),
      join: (past, own) => o.add(o.mul(past as Tensor, keep), o.mul(own, place)),
    };
  }
  const [from, positions] = segment.kind === 'question' ? [0, S] : [segment.from, segment.positions];
  const keys = from + positions;
  const tables = ropeTables(config, from, positions);
  return {
    batch,
    positions,
    mask: o.add(o.pad(keyMask, 3, 0, keys - S), causalMask(graph, positions, keys)),
    cos: graph.constant(tables.cos, [positions, half]),
    sin: graph.constant(tables.sin, [positions, half]),
    join: (past, own) => (past ? o.concat([o.slice(past, 2, 0, from), own], 2) : own),
  };
}

function reversed(
  { graph, x, past, lora, outputs }: Traced,
  { batch: B }: SegmentSizes,
  segment: SegmentKind,
  watchStates: boolean,
): Record<string, Tensor> {
  const { y, k, v, watched } = outputs as Record<string, Tensor> & { y: Tensor };
  const H = y.shape[1] as number;
  let dy = graph.input('dy', y.shape);
  if (watchStates && segment.kind === 'latent') dy = o.add(dy, graph.input('dState', [B, H]));
  const ends: [Tensor, Tensor][] = [[y, dy]];
  if (watchStates && watched) ends.push([watched, graph.input('dWatched', [B, H])]);
  if (k && v) {
    ends.push([k, graph.input('dK', k.shape)]);
    ends.push([v, graph.input('dV', v.shape)]);
  }
  const wrt = [x, ...(past ? [past.k, past.v] : []), ...lora.leaves];
  const parts = vjp(
    ends.map(([end]) => end),
    ends.map(([, cotangent]) => cotangent),
    wrt,
  );
  const leafParts = lora.leaves.length > 0 ? parts.slice(-lora.leaves.length) : [];
  if (leafParts.length === 0) throw new GradientError('there is nothing to train: the LoRA adapts no linear');
  const gradient = lora.pack(leafParts);
  const result: Record<string, Tensor> = {
    dx: parts[0] as Tensor,
    gradient: o.add(graph.input('gradientSoFar', gradient.shape), gradient),
  };
  if (past) {
    // A continuation reads the caches without writing them: what later segments want of them passes by.
    const passing = (name: string, part: Tensor): Tensor =>
      segment.kind === 'continuation' ? o.add(graph.input(name, part.shape), part) : part;
    result.dPastK = passing('dK', parts[1] as Tensor);
    result.dPastV = passing('dV', parts[2] as Tensor);
  }
  return result;
}
