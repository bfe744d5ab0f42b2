import { expect, it } from 'vitest';
import type { ModelReport, TensorUse } from '../../../contract/events';
import { matchedCaption, matchedRows } from './matched-tensors';

const use = (changes: Partial<TensorUse> = {}): TensorUse => ({
  file: 'model.safetensors',
  name: 'language_model.norm.weight',
  as: 'model.norm.weight',
  dtype: 'bf16',
  shape: [32],
  ...changes,
});

it('has the name in the file, the use, shape and type, and the file where there are several', () => {
  expect(matchedRows([use(), use({ shape: [2, 3] })])).toEqual({
    columns: ['Name in the file', 'Used as', 'Shape', 'Type'],
    rows: [
      ['language_model.norm.weight', 'model.norm.weight', '32', 'bf16'],
      ['language_model.norm.weight', 'model.norm.weight', '2 × 3', 'bf16'],
    ],
  });
  const { columns, rows } = matchedRows([use(), use({ file: 'b.safetensors' })]);
  expect([columns.at(-1), rows.map((row) => row.at(-1))]).toEqual([
    'File',
    ['model.safetensors', 'b.safetensors'],
  ]);
});

it('says that an adapter’s tensors are counted and not listed', () => {
  const caption = (tensors: number) =>
    matchedCaption({ matched: { tensors, bytes: 1 } } as ModelReport, [use(), use()]);
  expect(caption(2)).toBe('2 tensors');
  expect(caption(10)).toMatch(/^2 tensors of the base; the adapter’s 8 /);
});
