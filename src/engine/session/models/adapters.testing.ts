/** Tiny adapters as PEFT folders, and what torch computes with them: see scripts/goldens/peft/peft.py. */
import type { NamedFile } from '../../../contract/lens';
import { encodeFloats, type FloatDType } from '../../checkpoint/float';
import { writeSafetensors } from '../../checkpoint/write';
import goldens from './adapters.golden.json';
import { type FamilyCase, familyCases, weightsOf } from './families-files.testing';

export interface AdapterCase {
  readonly name: string;
  /** Name of the family's case that is its base. */
  readonly base: string;
  readonly seed: number;
  readonly config: Readonly<Record<string, unknown>>;
  readonly tensors: FamilyCase['tensors'];
  /** A text, and base64 of float32: its states [positions, L, H], and states and logits of the families' rows. */
  readonly ids: readonly number[];
  readonly text: string;
  readonly hidden: string;
  readonly logits: string;
}

export const adapterCases = goldens as unknown as readonly AdapterCase[];

export const adapterCase = (name: string): AdapterCase =>
  adapterCases.find((one) => one.name === name) as AdapterCase;
export const baseOf = ({ base }: AdapterCase): FamilyCase =>
  familyCases.find(({ name }) => name === base) as FamilyCase;

/** The folder's files. @param change to adapter_config.json, and to the tensors by name: `null` removes one */
export function adapterFiles(
  adapter: AdapterCase,
  dtype: FloatDType = 'f32',
  change: { readonly config?: object; readonly tensors?: Readonly<Record<string, null | number[]>> } = {},
): NamedFile[] {
  const values = weightsOf(adapter);
  const changed = change.tensors ?? {};
  const listed = [...adapter.tensors.map(({ name, shape }) => ({ name, shape }))].filter(
    ({ name }) => changed[name] === undefined,
  );
  const more = Object.entries(changed).flatMap(([name, shape]) => (shape ? [{ name, shape }] : []));
  const tensors = [...listed, ...more].map(({ name, shape }) => {
    const own = values.get(name) ?? new Float32Array(shape.reduce((n, d) => n * d, 1)).fill(0.5);
    return {
      name,
      shape,
      dtype,
      bytes: encodeFloats(
        own.slice(
          0,
          shape.reduce((n, d) => n * d, 1),
        ),
        dtype,
      ),
    };
  });
  const files = {
    'adapter_config.json': JSON.stringify({ ...adapter.config, ...change.config }),
    'adapter_model.safetensors': writeSafetensors(tensors, new Map([['format', 'pt']])),
  };
  return Object.entries(files).map(([name, data]) => ({
    name,
    data: new Blob([data as BlobPart]),
    folder: 'adapter',
  }));
}
