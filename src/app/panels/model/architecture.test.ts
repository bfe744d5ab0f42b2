import { expect, it } from 'vitest';
import type { ModelOptions, ModelReport } from '../../../contract/events';
import { architectureRows } from './architecture';

const model = { heads: 32, kvHeads: 8, intermediate: 8192 } as ModelReport;

it('says of Llama 3.2, Qwen3 and GPT-2 what tells them apart', () => {
  const llama: ModelOptions = {
    headDim: 64,
    norm: 'rms',
    qkNorm: false,
    activation: 'swiglu',
    maxPositions: 131072,
    biases: [],
    positions: { kind: 'rope', theta: 500000, scaling: { type: 'llama3', factor: 32 } },
  };
  expect(architectureRows({ ...model, options: llama })).toEqual([
    ['Attention', '32 heads, 8 for keys and values, 64 wide'],
    ['MLP', 'SwiGLU, 8,192 wide'],
    ['Norm', 'RMSNorm'],
    ['Positions', 'rotary, base 500,000, Llama 3 scaling × 32, up to 131,072'],
    ['Biases', 'none'],
  ]);
  const qwen3: ModelOptions = { ...llama, qkNorm: true, positions: { kind: 'rope', theta: 1e6 } };
  expect(architectureRows({ ...model, options: qwen3 }).slice(2, 4)).toEqual([
    ['Norm', 'RMSNorm, also of queries and keys'],
    ['Positions', 'rotary, base 1,000,000, up to 131,072'],
  ]);
  const gpt2: ModelOptions = {
    ...llama,
    norm: 'layer',
    activation: 'gelu_new',
    maxPositions: 1024,
    positions: { kind: 'learned' },
    biases: ['q, k, v', 'o', 'MLP'],
  };
  expect(architectureRows({ ...model, options: gpt2 }).slice(1)).toEqual([
    ['MLP', 'GELU (tanh form), 8,192 wide'],
    ['Norm', 'LayerNorm'],
    ['Positions', 'learned, up to 1,024'],
    ['Biases', 'q, k, v, o, MLP'],
  ]);
  expect(architectureRows(model)).toHaveLength(2);
});
