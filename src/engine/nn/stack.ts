import { HIDDEN } from '../base/tokens';
import type { Graph, Tensor } from '../graph/graph';
import * as o from '../graph/ops';
import type { Attachments } from './attachments';
import type { DecoderConfig } from './config';
import { decoderLayer, type KeyValues, type Segment } from './layer';
import { norm } from './norm';
import {
  adapterInputs,
  BASE,
  moduleInputs,
  NO_PARAMETERS,
  type ParameterOf,
  type ParameterSpecs,
  parameterInput,
} from './parameters';
import { type RopeTensors, ropeTables } from './rope';
import { embed, logits } from './vocabulary';
import { type LayerTensors, layerInputs, OUTER_PREFIX, type OuterTensors, outerInputs } from './weights';

export { embed, logits };

/** A whole model in one graph: weights as inputs `w.…`, trained values, which may include them, as inputs `parameter.{name}`. */
export interface StackModel {
  readonly graph: Graph;
  readonly config: DecoderConfig;
  readonly outer: OuterTensors;
  readonly layers: readonly LayerTensors[];
  /** What is attached to each layer; nothing where the model runs unchanged. */
  readonly attached: readonly Attachments[];
  /** Values of trained modules. */
  readonly parameter: ParameterOf;
  /** A module on hidden_states[L], after the final norm: what it returns is what the head reads. */
  readonly final?: (state: Tensor) => Tensor;
}

/**
 * @param specs trained values there are  @param active names of the adapters that run, in order; by default all
 * @throws ConfigError for an adapter that there is not
 */
export function stackModel(
  graph: Graph,
  config: DecoderConfig,
  specs: ParameterSpecs = NO_PARAMETERS,
  active: readonly string[] = Object.keys(specs.adapters),
  prefix = weightPrefix(specs),
): StackModel {
  return {
    ...outerModel(graph, config, specs, prefix),
    layers: Array.from({ length: config.layers }, (_, i) => layerInputs(graph, config, `${prefix}${i}.`)),
    attached: adapterInputs(graph, config, specs, active),
  };
}

/** A model without its layers: embedding, final norm and head, inputs `w.{name}`, or `parameter.base.{name}` where they are trained. */
export function outerModel(
  graph: Graph,
  config: DecoderConfig,
  specs: ParameterSpecs = NO_PARAMETERS,
  prefix = weightPrefix(specs),
): StackModel {
  const parameter = moduleInputs(graph, specs);
  const own = withOwnWeights(config, specs);
  return { graph, config: own, outer: outerInputs(graph, own, prefix), layers: [], attached: [], parameter };
}

/** Prefix of a whole-model program's weight inputs. */
const weightPrefix = ({ weights }: ParameterSpecs): string => (weights ? parameterInput(BASE) : OUTER_PREFIX);

/** Rows of a trained embedding are not read from where the model is stored. */
export const withOwnWeights = (config: DecoderConfig, { weights }: ParameterSpecs): DecoderConfig =>
  weights ? { ...config, fedEmbeddings: false } : config;

/** One pass of a segment through all layers. */
export interface StackOutput {
  /** hidden_states[0]: what the first layer is fed, [B·S, H]. */
  readonly input: Tensor;
  /** hidden_states[1..L]: layer outputs [B·S, H], the last one after the final norm (and [B, H] where `lastOnly`). */
  readonly hidden: readonly Tensor[];
  /** Keys and values of each layer, the past included. */
  readonly kv: readonly KeyValues[];
  /** Attention weights of each layer, [B, heads, S, T] ([B, heads, 1, T] of the last one where `lastOnly`). */
  readonly attention: readonly Tensor[];
}

export interface StackSegment {
  /** Input embeddings [B·S, H]; where positions are learned, with theirs added (`placed`). */
  readonly x: Tensor;
  readonly batch: number;
  readonly positions: number;
  /** Column of the first position, which RoPE rotates by. Left padding shifts a sample's columns; RoPE does not notice. */
  readonly from: number;
  readonly mask: Tensor;
  readonly past: readonly KeyValues[] | undefined;
  /** Only the last position's output of the last layer is needed: most of that layer is skipped. */
  readonly lastOnly?: boolean;
  /** Adapters of each layer; by default the model's. */
  readonly attached?: readonly Attachments[];
  /** Rotary tables [B, 1, S, d/2] where each row has positions of its own; by default those of the columns. */
  readonly tables?: RopeTensors;
}

export function runStack(model: StackModel, segment: StackSegment): StackOutput {
  const { graph, config } = model;
  const { batch, positions, from, mask } = segment;
  const attached = segment.attached ?? model.attached;
  const run: Segment = {
    batch,
    positions,
    mask,
    rope: segment.tables ?? columnTables(graph, config, from, positions),
    join: (past, own) => (past ? o.concat([past, own], 2) : own),
  };
  const L = model.layers.length;
  let x = segment.x;
  const hidden: Tensor[] = [];
  const kv: KeyValues[] = [];
  const attention: Tensor[] = [];
  model.layers.forEach((weights, i) => {
    graph.scope(`layer ${i}`, () => {
      const lastOnly = segment.lastOnly && i === L - 1;
      const out = decoderLayer(config, weights, attached[i], x, { ...run, lastOnly }, segment.past?.[i]);
      x = i === L - 1 ? lastHidden(model, out.x) : out.x;
      hidden.push(x);
      kv.push(out.kv);
      attention.push(out.attention);
    });
  });
  return { input: segment.x, hidden, kv, attention };
}

/** Rotary tables of columns [from, from + count) as constants; none where positions are learned. */
export function columnTables(
  graph: Graph,
  config: DecoderConfig,
  from: number,
  count: number,
): RopeTensors | undefined {
  if (config.positions === 'learned') return undefined;
  const { cos, sin } = ropeTables(config, from, count);
  const shape = [count, config.headDim / 2];
  return { cos: graph.constant(cos, shape), sin: graph.constant(sin, shape) };
}

/** hidden_states[L] of the last layer's output. */
export const lastHidden = (model: StackModel, x: Tensor): Tensor =>
  model.final?.(finalNorm(model, x)) ?? finalNorm(model, x);

/** Turns the last layer's output into the final hidden states. */
export const finalNorm = (model: StackModel, x: Tensor): Tensor =>
  norm(model.config, x, model.outer.finalNorm, model.outer.finalNormBias);

/** Lower-triangular additive mask [1, 1, S, T] for S positions, the last of T keys. */
export function causalMask(graph: Graph, positions: number, keys: number): Tensor {
  const data = new Float32Array(positions * keys);
  for (let i = 0; i < positions; i++)
    for (let j = keys - positions + i + 1; j < keys; j++) data[i * keys + j] = HIDDEN;
  return graph.constant(data, [1, 1, positions, keys]);
}

/** Position `index` of each sample: [B·S, H] → [B, H]. */
export function positionOf(x: Tensor, batch: number, positions: number, index: number): Tensor {
  if (positions === 1) return x;
  const H = x.shape[1] as number;
  return o.reshape(o.slice(o.reshape(x, [batch, positions, H]), 1, index, index + 1), [batch, H]);
}
