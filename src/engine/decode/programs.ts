import { Graph, type Program, type Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import { block, type KeyValues } from '../nn/block';
import type { DecoderConfig } from '../nn/config';
import { type LatentFilter, latentOf, runQuestion } from '../nn/latent';
import type { LoraSpec } from '../nn/lora';
import { finalNorm, logits, type ReplaceState, type StackModel, stackModel } from '../nn/stack';

/** What decoding is compiled for: B sequences, questions of S columns, T keys in all. */
export interface DecodeShape {
  readonly config: DecoderConfig;
  readonly batch: number;
  readonly question: number;
  readonly keys: number;
  readonly lora: LoraSpec | undefined;
  readonly filter: LatentFilter;
  readonly projected?: ProjectedLayers;
}

/**
 * Layers whose state h [rows, H] is replaced by h·P + s: the projection P [H, H] and the shift s [1, H] are inputs, so
 * that another one needs no other program. With c + P(h − c), s is c − c·P. Layer L is replaced after the final norm.
 */
export interface ProjectedLayers {
  /** 1…L. */
  readonly layers: readonly number[];
  /** Whether the question's positions are projected too, or only those after it. */
  readonly question: boolean;
}

export const projectionInput = (layer: number): string => `project.${layer}`;
export const shiftInput = (layer: number): string => `shift.${layer}`;

function projectionOf(graph: Graph, { config, projected }: DecodeShape): ReplaceState {
  const H = config.hiddenSize;
  return (layer, state) =>
    projected?.layers.includes(layer)
      ? o.gemm(state, graph.input(projectionInput(layer), [H, H]), {}, graph.input(shiftInput(layer), [1, H]))
      : state;
}

/** hidden [B, L, H] of the last position, logits [B, V], the next latent [B, H], and keys and values padded to T. */
function outputs(
  model: StackModel,
  shape: DecodeShape,
  hidden: readonly Tensor[],
  kv: readonly KeyValues[],
): Record<string, Tensor> {
  const { batch: B } = shape;
  const H = shape.config.hiddenSize;
  const last = hidden[hidden.length - 1] as Tensor;
  const named: Record<string, Tensor> = {
    hidden: o.concat(
      hidden.map((h) => o.reshape(h, [B, 1, H])),
      1,
    ),
    logits: logits(model, last),
    latent: latentOf(model, last, shape.filter),
  };
  kv.forEach(({ k, v }, i) => {
    named[`k.${i}`] = o.pad(k, 2, 0, shape.keys - (k.shape[2] as number));
    named[`v.${i}`] = o.pad(v, 2, 0, shape.keys - (v.shape[2] as number));
  });
  return named;
}

/** Reads the question: ids [B, S], keyMask [B, 1, 1, S]. */
export function prefillProgram(shape: DecodeShape): Program {
  const { batch: B, question: S, config } = shape;
  const graph = new Graph();
  const model = stackModel(graph, config, shape.lora);
  const replace = shape.projected?.question ? projectionOf(graph, shape) : undefined;
  const keyMask = graph.input('keyMask', [B, 1, 1, S]);
  const run = runQuestion(model, graph.input('ids', [B, S], 'i32'), keyMask, { replace });
  const H = config.hiddenSize;
  const lastOf = (h: Tensor): Tensor => o.reshape(o.slice(o.reshape(h, [B, S, H]), 1, S - 1, S), [B, H]);
  const hidden = run.hidden.map((h) => (h === run.last ? h : lastOf(h)));
  return { name: 'prefill', outputs: outputs(model, shape, hidden, run.kv) };
}

/**
 * One position further, for tokens and latents alike: x [B, H], the past `k.{i}`, `v.{i}` padded to T, `place` [1, 1, T, 1]
 * (1 at this position's column, else 0), mask [B, 1, 1, T], cos and sin [1, d/2] of the column. One program serves all.
 */
export function advanceProgram(shape: DecodeShape): Program {
  const { batch: B, keys: T, config } = shape;
  const { kvHeads, headDim: d } = config;
  const graph = new Graph();
  const model = stackModel(graph, config, shape.lora);
  const place = graph.input('place', [1, 1, T, 1]);
  const segment = {
    batch: B,
    positions: 1,
    mask: graph.input('mask', [B, 1, 1, T]),
    cos: graph.input('cos', [1, d / 2]),
    sin: graph.input('sin', [1, d / 2]),
    // The column is still zero in the past, so that adding is placing.
    join: (past: Tensor | undefined, own: Tensor) => o.add(past as Tensor, o.mul(own, place)),
  };
  const replace = projectionOf(graph, shape);
  let x = graph.input('x', [B, config.hiddenSize]);
  const hidden: Tensor[] = [];
  const kv: KeyValues[] = [];
  model.blocks.forEach((weights, i) => {
    const past = {
      k: graph.input(`k.${i}`, [B, kvHeads, T, d]),
      v: graph.input(`v.${i}`, [B, kvHeads, T, d]),
    };
    const out = graph.scope(`block ${i}`, () => block(config, weights, model.attached[i], x, segment, past));
    x = replace(i + 1, i === config.layers - 1 ? finalNorm(model, out.x) : out.x);
    hidden.push(x);
    kv.push(out.kv);
  });
  return { name: 'advance', outputs: outputs(model, shape, hidden, kv) };
}
