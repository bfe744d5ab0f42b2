import type { HalfHostTensor, HostTensor } from '../base/dtype';
import { ConfigError } from '../base/errors';
import { floatsOf, isHalf } from '../base/half';
import type { Graph, Tensor } from '../graph/graph';
import { type DecoderConfig, GROUPS, linearSizes } from './config';

/**
 * Where each of our packed tensors comes from: the names that a Hugging Face LLaMA or Qwen2 checkpoint gives its parts, in
 * row order. `{i}` is the layer's index.
 */
const HF = 'model.layers.{i}';
export const LAYER_NAMES = {
  attentionNorm: [`${HF}.input_layernorm.weight`],
  qkv: [`${HF}.self_attn.q_proj.weight`, `${HF}.self_attn.k_proj.weight`, `${HF}.self_attn.v_proj.weight`],
  qkvBias: [`${HF}.self_attn.q_proj.bias`, `${HF}.self_attn.k_proj.bias`, `${HF}.self_attn.v_proj.bias`],
  o: [`${HF}.self_attn.o_proj.weight`],
  oBias: [`${HF}.self_attn.o_proj.bias`],
  mlpNorm: [`${HF}.post_attention_layernorm.weight`],
  gateUp: [`${HF}.mlp.gate_proj.weight`, `${HF}.mlp.up_proj.weight`],
  gateUpBias: [`${HF}.mlp.gate_proj.bias`, `${HF}.mlp.up_proj.bias`],
  down: [`${HF}.mlp.down_proj.weight`],
  downBias: [`${HF}.mlp.down_proj.bias`],
} as const;
export const OUTER_NAMES = {
  embedding: 'model.embed_tokens.weight',
  finalNorm: 'model.norm.weight',
  head: 'lm_head.weight',
} as const;

export type LayerWeightName = keyof typeof LAYER_NAMES;
export type OuterWeightName = keyof typeof OUTER_NAMES;

/** Shapes of a layer's packed tensors; only those that the configuration has. */
export function layerShapes(config: DecoderConfig): Partial<Record<LayerWeightName, readonly number[]>> {
  const { hiddenSize: H } = config;
  const sizes = linearSizes(config);
  const rows = (names: readonly (keyof typeof sizes)[]): number =>
    names.reduce((n, name) => n + sizes[name].out, 0);
  const bias = (present: boolean, name: LayerWeightName, group: keyof typeof GROUPS) =>
    present ? { [name]: [rows(GROUPS[group])] } : {};
  return {
    attentionNorm: [H],
    qkv: [rows(GROUPS.qkv), H],
    ...bias(config.attentionBias, 'qkvBias', 'qkv'),
    o: [H, sizes.o.in],
    ...bias(config.attentionOutputBias, 'oBias', 'o'),
    mlpNorm: [H],
    gateUp: [rows(GROUPS.gateUp), H],
    ...bias(config.mlpBias, 'gateUpBias', 'gateUp'),
    down: [H, sizes.down.in],
    ...bias(config.mlpBias, 'downBias', 'down'),
  };
}

export function outerShapes(config: DecoderConfig): Partial<Record<OuterWeightName, readonly number[]>> {
  const { vocabSize: V, hiddenSize: H } = config;
  return { embedding: [V, H], finalNorm: [H], ...(config.tieWordEmbeddings ? {} : { head: [V, H] }) };
}

/** Every tensor a checkpoint of this configuration must hold, by its Hugging Face name. */
export function expectedTensors(config: DecoderConfig): { name: string; shape: readonly number[] }[] {
  const sizes = linearSizes(config);
  const list: { name: string; shape: readonly number[] }[] = [];
  for (const [ours, shape] of Object.entries(outerShapes(config)))
    list.push({ name: OUTER_NAMES[ours as OuterWeightName], shape: shape as readonly number[] });
  for (let i = 0; i < config.layers; i++)
    for (const [ours, shape] of Object.entries(layerShapes(config))) {
      const names = LAYER_NAMES[ours as LayerWeightName];
      const group = GROUPS[ours.replace('Bias', '') as keyof typeof GROUPS];
      names.forEach((name, j) => {
        const part = group?.[j];
        const rows = part ? sizes[part].out : (shape as readonly number[])[0];
        list.push({
          name: name.replace('{i}', String(i)),
          shape: [rows as number, ...(shape as readonly number[]).slice(1)],
        });
      });
    }
  return list;
}

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
  const outer: Partial<Record<OuterWeightName, HostTensor>> = {};
  for (const ours of Object.keys(outerShapes(config)) as OuterWeightName[])
    outer[ours] = find(OUTER_NAMES[ours]);
  const layers = Array.from({ length: config.layers }, (_, i) => {
    const layer: Partial<Record<LayerWeightName, HostTensor>> = {};
    for (const [ours, shape] of Object.entries(layerShapes(config))) {
      const parts = LAYER_NAMES[ours as LayerWeightName].map((name) => find(name.replace('{i}', String(i))));
      layer[ours as LayerWeightName] = join(parts, shape as readonly number[]);
    }
    return layer;
  });
  return { outer, layers };
}

/** The parts' rows one below the other, unchanged; in f32 if the parts differ in dtype. */
function join(parts: readonly HostTensor[], shape: readonly number[]): HostTensor {
  const [first] = parts as [HostTensor];
  if (parts.length === 1) return first;
  const length = parts.reduce((n, part) => n + part.data.length, 0);
  let at = 0;
  const fill = <T extends Float32Array | Uint16Array>(out: T, of: (part: HostTensor) => T): T => {
    for (const part of parts) {
      out.set(of(part), at);
      at += part.data.length;
    }
    return out;
  };
  if (isHalf(first) && parts.every((part) => part.dtype === first.dtype))
    return {
      dtype: first.dtype,
      shape,
      data: fill(new Uint16Array(length), (part) => (part as HalfHostTensor).data),
    };
  return { dtype: 'f32', shape, data: fill(new Float32Array(length), (part) => floatsOf(part)) };
}

export type LayerTensors = Partial<Record<LayerWeightName, Tensor>>;

/** Weights outside the layers. Embedding and head are split by rows where one tensor would be too large. */
export interface OuterTensors {
  readonly finalNorm: Tensor;
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

const OUTER_PREFIX = 'w.';

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

/** Declares embedding, final norm and head: `w.embedding`, or its chunks `w.embedding.0`, … */
export function outerInputs(graph: Graph, config: DecoderConfig): OuterTensors {
  const H = config.hiddenSize;
  const ranges = vocabularyRanges(config);
  const rows = (name: 'embedding' | 'head'): Tensor[] =>
    ranges.map(({ from, to }, c) =>
      graph.input(`${OUTER_PREFIX}${name}${ranges.length > 1 ? `.${c}` : ''}`, [to - from, H]),
    );
  const embedding = rows('embedding');
  const finalNorm = graph.input(`${OUTER_PREFIX}finalNorm`, [H]);
  return { embedding, finalNorm, ...(config.tieWordEmbeddings ? {} : { head: rows('head') }) };
}

/** Prefix of layer i's inputs in a program that holds all layers. */
export const layerPrefix = (i: number): string => `w.${i}.`;

/** The values of a whole-model program's weight inputs, by name. */
export function namedWeights(weights: Weights): Record<string, HostTensor> {
  const named: Record<string, HostTensor> = {};
  for (const [name, tensor] of Object.entries(weights.outer)) if (tensor) named[`w.${name}`] = tensor;
  weights.layers.forEach((layer, i) => {
    for (const [name, tensor] of Object.entries(layer)) if (tensor) named[layerPrefix(i) + name] = tensor;
  });
  return named;
}
