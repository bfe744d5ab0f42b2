import type { HalfHostTensor, HostTensor } from '../base/dtype';
import { ConfigError } from '../base/errors';
import { floatsOf, isHalf } from '../base/half';
import type { Shape } from '../base/shape';
import { Graph, type Tensor } from '../graph/graph';
import type { DecoderConfig } from './config';
import {
  expectedTensors,
  type LayerWeightName,
  layerPrefix,
  layerWeights,
  OUTER_PREFIX,
  type OuterWeightName,
  outerWeights,
  type PackedWeight,
} from './weight-parts';

export { expectedTensors, type LayerWeightName, layerPrefix, OUTER_PREFIX, type OuterWeightName };

/** Shapes of a layer's packed tensors; only those that the configuration has. */
export const layerShapes = (config: DecoderConfig): Partial<Record<LayerWeightName, Shape>> =>
  Object.fromEntries(Object.entries(layerWeights(config, 0)).map(([name, { shape }]) => [name, shape]));

/** A model's weights in host memory: packed, and in f32, f16 or bf16 as the checkpoint stores them. */
export interface Weights {
  readonly outer: Partial<Record<OuterWeightName, HostTensor>>;
  readonly layers: readonly Partial<Record<LayerWeightName, HostTensor>>[];
}

/**
 * Packs a checkpoint's tensors.
 * @param tensors by Hugging Face name, f32, f16 or bf16; shapes as `expectedTensors` lists them
 * @throws ConfigError naming the first tensor that is missing
 */
export function packWeights(config: DecoderConfig, tensors: ReadonlyMap<string, HostTensor>): Weights {
  const find = (name: string): HostTensor => {
    const tensor = tensors.get(name);
    if (!tensor)
      throw new ConfigError(
        `the checkpoint lacks the tensor "${name}"`,
        'Choose weights and a config.json from the same checkpoint, with all its shards.',
      );
    return tensor;
  };
  const packed = <N extends string>(weights: Partial<Record<N, PackedWeight>>) =>
    Object.fromEntries(
      Object.entries<PackedWeight | undefined>(weights).flatMap(([name, weight]) =>
        weight ? [[name, pack(weight, find)]] : [],
      ),
    ) as Partial<Record<N, HostTensor>>;
  return {
    outer: packed(outerWeights(config)),
    layers: Array.from({ length: config.layers }, (_, i) => packed(layerWeights(config, i))),
  };
}

function pack({ shape, parts }: PackedWeight, find: (name: string) => HostTensor): HostTensor {
  return joinRows(
    parts.map(({ name, transposed }) => (transposed ? transpose(find(name)) : find(name))),
    shape,
  );
}

/** The parts' rows one below the other, unchanged; in f32 if the parts differ in dtype. */
export function joinRows(hosts: readonly HostTensor[], shape: Shape): HostTensor {
  const [first] = hosts as [HostTensor];
  if (hosts.length === 1) return first;
  const length = hosts.reduce((n, host) => n + host.data.length, 0);
  let at = 0;
  const fill = <T extends Float32Array | Uint16Array>(out: T, of: (part: HostTensor) => T): T => {
    for (const part of hosts) {
      out.set(of(part), at);
      at += part.data.length;
    }
    return out;
  };
  if (isHalf(first) && hosts.every((part) => part.dtype === first.dtype))
    return {
      dtype: first.dtype,
      shape,
      data: fill(new Uint16Array(length), (part) => (part as HalfHostTensor).data),
    };
  return { dtype: 'f32', shape, data: fill(new Float32Array(length), (part) => floatsOf(part)) };
}

/** The transpose of a matrix, in its own dtype. */
export function transpose({ dtype, shape, data }: HostTensor): HostTensor {
  const [rows, columns] = shape as [number, number];
  const out = data.slice();
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c] as number;
  return { dtype, shape: [columns, rows], data: out } as HostTensor;
}

export type LayerTensors = Partial<Record<LayerWeightName, Tensor>>;

/** Weights outside the layers. Embedding and head are split by rows where one tensor would be too large. */
export interface OuterTensors {
  readonly finalNorm: Tensor;
  /** Where the norms have biases. */
  readonly finalNormBias?: Tensor;
  /** A vector for each position [maxPositions, H], where positions are learned. */
  readonly positions?: Tensor;
  /** Chunks of [V, H], one below the other. */
  readonly embedding: readonly Tensor[];
  /** Absent where the embedding also serves as the head. */
  readonly head?: readonly Tensor[];
}

/** Declares a layer's weights as inputs `{prefix}{name}` of a graph. */
export function layerInputs(graph: Graph, config: DecoderConfig, prefix: string): LayerTensors {
  return Object.fromEntries(
    Object.entries(layerShapes(config)).map(([name, shape]) => [
      name,
      graph.input(prefix + name, shape as readonly number[]),
    ]),
  );
}

/** First row and end of each chunk of the vocabulary; one chunk unless `vocabularyRows` says otherwise. */
export function vocabularyRanges(config: DecoderConfig): { readonly from: number; readonly to: number }[] {
  const { vocabSize: V, vocabularyRows = V } = config;
  return Array.from({ length: Math.ceil(V / vocabularyRows) }, (_, c) => ({
    from: c * vocabularyRows,
    to: Math.min(V, (c + 1) * vocabularyRows),
  }));
}

/** The tensor and the rows that an input `w.embedding.3` or `w.head.3` holds; undefined for other names. */
export function vocabularyChunk(
  config: DecoderConfig,
  input: string,
): { readonly name: string; readonly from: number; readonly to: number } | undefined {
  const [, name, index] = /^(w\.(?:embedding|head))\.(\d+)$/.exec(input) ?? [];
  if (name === undefined || config.vocabularyRows === undefined) return undefined;
  const range = vocabularyRanges(config)[Number(index)];
  return range && { name, ...range };
}

/** Declares embedding, final norm and head: `{prefix}embedding`, or its chunks `{prefix}embedding.0`, … */
export function outerInputs(graph: Graph, config: DecoderConfig, prefix = OUTER_PREFIX): OuterTensors {
  const H = config.hiddenSize;
  const ranges = vocabularyRanges(config);
  const rows = (name: 'embedding' | 'head'): Tensor[] =>
    ranges.map(({ from, to }, c) =>
      graph.input(`${prefix}${name}${ranges.length > 1 ? `.${c}` : ''}`, [to - from, H]),
    );
  const embedding = rows('embedding');
  const { positions, finalNormBias } = outerWeights(config);
  const one = (name: OuterWeightName, shape: Shape): Tensor => graph.input(prefix + name, shape);
  return {
    embedding,
    finalNorm: one('finalNorm', [H]),
    ...(finalNormBias && { finalNormBias: one('finalNormBias', finalNormBias.shape) }),
    ...(positions && { positions: one('positions', positions.shape) }),
    ...(config.tieWordEmbeddings ? {} : { head: rows('head') }),
  };
}

/** Names, without prefix, and shapes of all weight inputs of a whole-model program. */
export function weightShapes(config: DecoderConfig): { readonly name: string; readonly shape: Shape }[] {
  const graph = new Graph();
  outerInputs(graph, config, '');
  for (let i = 0; i < config.layers; i++) layerInputs(graph, config, `${i}.`);
  return graph.nodes.map(({ name, shape }) => ({ name, shape }));
}

/** The values of a whole-model program's weight inputs, by name. */
export function namedWeights(weights: Weights): Record<string, HostTensor> {
  const named: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(weights.outer)) if (tensor) named[`w.${name}`] = tensor;
  weights.layers.forEach((layer, i) => {
    for (const [name, tensor] of Object.entries(layer)) if (tensor) named[layerPrefix(i) + name] = tensor;
  });
  return named;
}
