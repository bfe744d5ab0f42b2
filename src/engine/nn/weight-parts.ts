import { BUG, ConfigError } from '../base/errors';
import type { Shape } from '../base/shape';
import { type DecoderConfig, type GroupName, groupsOf, linearSizes } from './config';

/** A tensor of a checkpoint. */
export interface WeightPart {
  /** As transformers writes it for the whole model: `model.layers.0.…`, `transformer.h.0.…`, `lm_head.weight`. */
  readonly name: string;
  /** As it is stored. */
  readonly shape: Shape;
  /** Whether the file holds the transpose of what we use: [in, out] where we have [out, in]. */
  readonly transposed: boolean;
}

/** One of our tensors: the rows of its parts, transposed where they are stored so, one part below the other. */
export interface PackedWeight {
  readonly shape: Shape;
  readonly parts: readonly WeightPart[];
}

export type LayerWeightName =
  | ('attentionNorm' | 'mlpNorm' | 'qNorm' | 'kNorm' | GroupName)
  | `${'attentionNorm' | 'mlpNorm' | GroupName}Bias`;
export type OuterWeightName = 'embedding' | 'positions' | 'finalNorm' | 'finalNormBias' | 'head';

/** What a family calls its weights. Names of linears are those of a group's linears, or one for all of them, fused. */
interface Naming {
  readonly body: string;
  readonly embedding: string;
  readonly positions?: string;
  readonly finalNorm: string;
  readonly layers: string;
  readonly attentionNorm: string;
  readonly mlpNorm: string;
  readonly qNorm?: string;
  readonly kNorm?: string;
  readonly linears: Partial<Record<GroupName, readonly string[]>>;
  /** GPT-2's Conv1D keeps [in, out]. */
  readonly transposed: boolean;
}

const NAMINGS: Readonly<Record<'llama' | 'gpt2', Naming>> = {
  llama: {
    body: 'model.',
    embedding: 'embed_tokens',
    finalNorm: 'norm',
    layers: 'layers',
    attentionNorm: 'input_layernorm',
    mlpNorm: 'post_attention_layernorm',
    qNorm: 'self_attn.q_norm',
    kNorm: 'self_attn.k_norm',
    linears: {
      qkv: ['self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'],
      o: ['self_attn.o_proj'],
      gateUp: ['mlp.gate_proj', 'mlp.up_proj'],
      up: ['mlp.up_proj'],
      down: ['mlp.down_proj'],
    },
    transposed: false,
  },
  gpt2: {
    body: 'transformer.',
    embedding: 'wte',
    positions: 'wpe',
    finalNorm: 'ln_f',
    layers: 'h',
    attentionNorm: 'ln_1',
    mlpNorm: 'ln_2',
    linears: {
      qkv: ['attn.c_attn'],
      o: ['attn.c_proj'],
      up: ['mlp.c_fc'],
      down: ['mlp.c_proj'],
    },
    transposed: true,
  },
};

const namingOf = ({ weightNames = 'llama' }: DecoderConfig): Naming => NAMINGS[weightNames];

export const HEAD_NAME = 'lm_head.weight';

/** @throws ConfigError for weights that the family does not have */
function given<T>(names: T | undefined, ours: LayerWeightName | OuterWeightName): T {
  if (names === undefined) throw new ConfigError(`weights "${ours}" have no names in this family`, BUG);
  return names;
}

const plain = (name: string, shape: Shape): PackedWeight => ({
  shape,
  parts: [{ name, shape, transposed: false }],
});

/** A norm's weight, and its bias where the norm has one. */
function normWeights<N extends string>(
  { norm, hiddenSize: H }: DecoderConfig,
  ours: N,
  name: string,
): Partial<Record<N | `${N}Bias`, PackedWeight>> {
  const weights: Partial<Record<string, PackedWeight>> = { [ours]: plain(`${name}.weight`, [H]) };
  if (norm === 'layer') weights[`${ours}Bias`] = plain(`${name}.bias`, [H]);
  return weights as Partial<Record<N | `${N}Bias`, PackedWeight>>;
}

/** Tensors outside the layers. @throws ConfigError if positions are learned and their number is unknown */
export function outerWeights(config: DecoderConfig): Partial<Record<OuterWeightName, PackedWeight>> {
  const { vocabSize: V, hiddenSize: H, maxPositions } = config;
  const { body, embedding, positions, finalNorm } = namingOf(config);
  const learned = config.positions === 'learned';
  if (learned && maxPositions === undefined)
    throw new ConfigError('the number of learned positions is unknown', BUG);
  return {
    embedding: plain(`${body}${embedding}.weight`, [V, H]),
    ...(learned && {
      positions: plain(`${body}${given(positions, 'positions')}.weight`, [maxPositions as number, H]),
    }),
    ...normWeights(config, 'finalNorm', body + finalNorm),
    ...(!config.tieWordEmbeddings && { head: plain(HEAD_NAME, [V, H]) }),
  };
}

/** Tensors of layer i. */
export function layerWeights(
  config: DecoderConfig,
  i: number,
): Partial<Record<LayerWeightName, PackedWeight>> {
  const naming = namingOf(config);
  const layer = `${naming.body}${naming.layers}.${i}.`;
  const linears = linearWeights(config, naming, layer);
  const headNorm = (ours: 'qNorm' | 'kNorm'): PackedWeight =>
    plain(`${layer}${given(naming[ours], ours)}.weight`, [config.headDim]);
  const { qkv, qkvBias, o, oBias, ...mlp } = linears;
  return {
    ...normWeights(config, 'attentionNorm', layer + naming.attentionNorm),
    ...(qkv && { qkv }),
    ...(qkvBias && { qkvBias }),
    ...(config.qkNorm && { qNorm: headNorm('qNorm'), kNorm: headNorm('kNorm') }),
    ...(o && { o }),
    ...(oBias && { oBias }),
    ...normWeights(config, 'mlpNorm', layer + naming.mlpNorm),
    ...mlp,
  };
}

/** Weights and biases of a layer's groups of linears. */
function linearWeights(
  config: DecoderConfig,
  { linears: names, transposed }: Naming,
  layer: string,
): Partial<Record<LayerWeightName, PackedWeight>> {
  const sizes = linearSizes(config);
  const weights: Partial<Record<LayerWeightName, PackedWeight>> = {};
  for (const [group, linears] of groupsOf(config)) {
    const parts = given(names[group], group);
    const rows = linears.map((linear) => sizes[linear].out);
    const all = rows.reduce((sum, n) => sum + n, 0);
    const columns = sizes[linears[0] as 'q'].in;
    const fused = parts.length < linears.length;
    const rowsOf = (j: number): number => (fused ? all : (rows[j] as number));
    weights[group] = {
      shape: [all, columns],
      parts: parts.map((name, j) => ({
        name: `${layer}${name}.weight`,
        shape: transposed ? [columns, rowsOf(j)] : [rowsOf(j), columns],
        transposed,
      })),
    };
    if (hasBias(config, group))
      weights[`${group}Bias`] = {
        shape: [all],
        parts: parts.map((name, j) => ({
          name: `${layer}${name}.bias`,
          shape: [rowsOf(j)],
          transposed: false,
        })),
      };
  }
  return weights;
}

function hasBias(config: DecoderConfig, group: GroupName): boolean {
  if (group === 'qkv') return config.attentionBias;
  return group === 'o' ? config.attentionOutputBias : config.mlpBias;
}

/** Name of a weight outside the layers in a whole-model program; layer i's are `w.{i}.{name}`. */
export const OUTER_PREFIX = 'w.';
export const layerPrefix = (i: number): string => `w.${i}.`;

/**
 * Where each of our tensors comes from, for every family: by the input names of a whole-model program, `w.embedding`,
 * `w.positions`, `w.finalNorm`, `w.finalNormBias`, `w.head`, and `w.{i}.{name}` of layer i; only those that the
 * configuration has.
 */
export function packedWeights(config: DecoderConfig): ReadonlyMap<string, PackedWeight> {
  const all = new Map<string, PackedWeight>();
  for (const [name, weight] of Object.entries(outerWeights(config))) all.set(OUTER_PREFIX + name, weight);
  for (let i = 0; i < config.layers; i++)
    for (const [name, weight] of Object.entries(layerWeights(config, i)))
      all.set(layerPrefix(i) + name, weight);
  return all;
}

/** Every tensor that a checkpoint of this configuration must hold. */
export const expectedTensors = (config: DecoderConfig): readonly WeightPart[] =>
  [...packedWeights(config).values()].flatMap(({ parts }) => parts);
