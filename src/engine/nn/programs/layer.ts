import { Graph, type Program, type Tensor } from '../../graph/graph';
import * as o from '../../graph/ops';
import { type AdapterSpec, attachPack, joinAttachments, packLength } from '../attachments';
import type { DecoderConfig } from '../config';
import { withDropout } from '../dropout';
import { decoderLayer, type KeyValues, type Segment } from '../layer';
import { BASE, parameterInput } from '../parameters';
import { causalMask } from '../stack';
import { layerInputs } from '../weights';
import { fed, leaf, reverseOutputs } from './reverse';

/**
 * The part of a sequence that a layer's program runs on: P positions of each of B samples. Keys and values of earlier
 * segments come in caches [B, kvHeads, T, d], whose contents from the segment's first column on do not matter.
 */
export interface SegmentShape {
  /** B */
  readonly batch: number;
  /** P */
  readonly positions: number;
  /** The first column, or `told` at run time by a one at it (P = 1), so that one program serves every latent step. */
  readonly from: number | 'told';
  /** T, the columns of the caches. */
  readonly columns: number;
  /** Whether later segments read its keys and values: the program then outputs the caches with its columns filled in. */
  readonly writes: boolean;
  /** Whether its attention weights are read: an output `attention` [B, heads, P, keys]. Default false. */
  readonly attends?: boolean;
  /** Positions that have a separate output with a cotangent of its own, in ascending order. */
  readonly watched: readonly number[];
  /** Whether each row has RoPE positions of its own: the tables `cos` and `sin` are [B, 1, P, d/2], otherwise [P, d/2]. */
  readonly rowPositions: boolean;
  /** Whether the layer's weights are trained: they are then inputs `parameter.base.{name}`. */
  readonly trainsWeights: boolean;
  /** Adapters by name; their packs are inputs `parameter.{name}`, their dropout masks [B, P, in] `mask.{name}.{group}`. */
  readonly adapters: Readonly<Record<string, AdapterSpec>>;
}

/** Names of a layer program's weight inputs: `w.{name}`. */
export const LAYER_PREFIX = 'w.';

/** Width of its mask: the number of keys that the segment sees, or all T, of which those after its column are hidden. */
export const maskWidth = ({ from, positions, columns }: SegmentShape): number =>
  from === 'told' ? columns : from + positions;

const hasPast = ({ from }: SegmentShape): boolean => from !== 0;

export interface LayerPrograms {
  /**
   * x [B·P, H], pastK and pastV, keyMask [B, 1, 1, keys], place [1, 1, T, 1] if it is told its column, rotary tables,
   * weights, adapter packs → y [B·P, H], k and v if it writes them, and `watched` [B, w, H] unless all positions are watched.
   */
  readonly forward: Program;
  /**
   * The same inputs, the cotangents dy, dWatched [B, w, H] (or [B·P, H] if all are watched), dK and dV of the caches it
   * output → dx [B·P, H]; and the gradients of pastK, pastV and the adapter packs as sums (see `summed`). The forward pass is
   * recomputed inside, since only its inputs were kept.
   */
  readonly reverse: Program;
}

/** The programs of one segment, the same for every layer of a model. */
export function layerPrograms(config: DecoderConfig, shape: SegmentShape): LayerPrograms {
  const name = `layer, ${shape.positions} positions from ${shape.from}`;
  const traced = trace(config, shape);
  return {
    forward: { name, outputs: traced.outputs },
    reverse: { name: `${name}, in reverse`, outputs: reversed(traced, shape) },
  };
}

type Traced = ReturnType<typeof trace>;

function trace(config: DecoderConfig, shape: SegmentShape) {
  const { batch: B, positions: P, columns: T, watched, adapters } = shape;
  const { hiddenSize: H, kvHeads, headDim: d } = config;
  const graph = new Graph();
  const x = graph.input('x', [B * P, H]);
  const cache = [B, kvHeads, T, d];
  const past = hasPast(shape)
    ? { k: graph.input('pastK', cache), v: graph.input('pastV', cache) }
    : undefined;
  const packs = Object.entries(adapters).map(([name, spec]) => ({
    name,
    spec,
    ...attachPack(graph, config, spec, graph.input(`parameter.${name}`, [packLength(config, spec)])),
  }));
  const attached = joinAttachments(
    packs.map(({ name, spec, attachments }) =>
      withDropout(config, spec, attachments, (group, width) =>
        graph.input(`mask.${name}.${group}`, [B, P, width]),
      ),
    ),
  );
  const weights = layerInputs(graph, config, shape.trainsWeights ? parameterInput(BASE) : LAYER_PREFIX);
  const out = decoderLayer(config, weights, attached, x, segmentOf(graph, config, shape), past);
  const outputs: Record<string, Tensor> = { y: out.x };
  if (shape.writes) Object.assign(outputs, cached(out.kv, shape));
  if (shape.attends) outputs.attention = out.attention;
  if (watched.length > 0 && watched.length < P) {
    const rows = o.reshape(out.x, [B, P, H]);
    const each = watched.map((p) => o.slice(rows, 1, p, p + 1));
    outputs.watched = o.concat(each, 1);
  }
  return { x, past, packs, weights, outputs };
}

/** The caches with the segment's columns filled in. A program that is told its column has already filled them in. */
function cached({ k, v }: KeyValues, { from, positions, columns }: SegmentShape): Record<string, Tensor> {
  if (from === 'told') return { k, v };
  const rest = columns - from - positions;
  return { k: o.pad(k, 2, 0, rest), v: o.pad(v, 2, 0, rest) };
}

/** Mask, rotary tables and how past and own keys are joined. */
function segmentOf(graph: Graph, config: DecoderConfig, shape: SegmentShape): Segment {
  const { batch: B, positions: P, from, columns: T } = shape;
  const keyMask = graph.input('keyMask', [B, 1, 1, maskWidth(shape)]);
  const tables = [...(shape.rowPositions ? [B, 1] : []), P, config.headDim / 2];
  const rope =
    config.positions === 'learned'
      ? undefined
      : { cos: graph.input('cos', tables), sin: graph.input('sin', tables) };
  const common = { batch: B, positions: P, rope };
  if (from === 'told') {
    const place = graph.input('place', [1, 1, T, 1]);
    const others = o.sub(1, place);
    return {
      ...common,
      mask: keyMask,
      join: (past, own) => o.add(o.mul(past as Tensor, others), o.mul(own, place)),
    };
  }
  return {
    ...common,
    mask: o.add(keyMask, causalMask(graph, P, from + P)),
    join: (past, own) => (past ? o.concat([o.slice(past, 2, 0, from), own], 2) : own),
  };
}

function reversed(
  { x, past, packs, weights, outputs }: Traced,
  { watched, trainsWeights }: SegmentShape,
): Record<string, Tensor> {
  const { y, k, v } = outputs as Record<string, Tensor> & { y: Tensor };
  const ends = [fed('dy', y)];
  if (watched.length > 0) ends.push(fed('dWatched', outputs.watched ?? y));
  if (k && v) ends.push(fed('dK', k), fed('dV', v));
  const sums = Object.fromEntries(packs.map((pack) => [`parameter.${pack.name}`, pack]));
  const pasts = past && { pastK: leaf(past.k), pastV: leaf(past.v) };
  const own = trainsWeights ? Object.entries(weights) : [];
  const ofWeights = Object.fromEntries(own.map(([name, w]) => [parameterInput(BASE + name), leaf(w)]));
  return reverseOutputs(ends, { dx: leaf(x) }, { ...pasts, ...sums, ...ofWeights });
}
