import type { ModelReport } from '../../../contract/events';
import { integer } from '../../ui/format';

/** Rows that say how a model is built, as far as its report tells. */
export function architectureRows(model: ModelReport): [label: string, value: string][] {
  const { options } = model;
  const heads = `${model.heads} heads, ${model.kvHeads} for keys and values`;
  if (!options)
    return [
      ['Attention', heads],
      ['MLP width', integer(model.intermediate)],
    ];
  const { headDim, norm, qkNorm, activation, maxPositions, biases } = options;
  return [
    ['Attention', `${heads}, ${headDim} wide`],
    [
      'MLP',
      `${activation === 'swiglu' ? 'SwiGLU' : 'GELU (tanh form)'}, ${integer(model.intermediate)} wide`,
    ],
    ['Norm', `${norm === 'rms' ? 'RMSNorm' : 'LayerNorm'}${qkNorm ? ', also of queries and keys' : ''}`],
    ['Positions', `${positionsOf(options)}, up to ${integer(maxPositions)}`],
    ['Biases', biases.length === 0 ? 'none' : biases.join(', ')],
  ];
}

const SCALINGS = { linear: 'linear', llama3: 'Llama 3', yarn: 'YaRN' } as const;

function positionsOf({ positions }: NonNullable<ModelReport['options']>): string {
  if (positions.kind === 'learned') return 'learned';
  const { theta, scaling } = positions;
  const scaled = scaling === undefined ? '' : `, ${SCALINGS[scaling.type]} scaling × ${scaling.factor}`;
  return `rotary, base ${integer(theta)}${scaled}`;
}
