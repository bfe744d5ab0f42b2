import { floatsOf } from '../../../../src/engine/base/half';
import { type ModelConfig, parseModelConfig } from '../../../../src/engine/checkpoint/config';
import { readHeader, toHost } from '../../../../src/engine/checkpoint/safetensors';
import { blobSource } from '../../../../src/engine/checkpoint/source';
import type { TensorsByName } from '../../../../src/engine/onnx/read/exports.testing';
import { checkpointFiles, readBlob } from '../../../../src/lab/subjects';

/** A checkpoint of one safetensors file, whose tensors are read when they are asked for, as float32. */
export interface Checkpoint {
  readonly json: Readonly<Record<string, unknown>>;
  readonly config: ModelConfig;
  readonly tensors: TensorsByName & { shape(name: string): readonly number[]; names(): readonly string[] };
}

/** @throws an error for a folder without config.json and model.safetensors */
export async function readCheckpoint(folder: string): Promise<Checkpoint> {
  const files = await checkpointFiles(folder);
  const find = (name: string): Blob => {
    const found = files.find((file) => file.name === name)?.data;
    if (!(found instanceof Blob)) throw new Error(`${folder} has no ${name}`);
    return found;
  };
  const json = JSON.parse(await find('config.json').text());
  const source = blobSource(find('model.safetensors'), readBlob);
  const { tensors } = await readHeader(source);
  const entry = (name: string) => {
    const found = tensors.get(name);
    if (!found) throw new Error(`${folder} has no tensor ${name}`);
    return found;
  };
  const read = (name: string): Float32Array => {
    const { begin, end, ...rest } = entry(name);
    const bytes = (source.readSync as NonNullable<typeof source.readSync>)(begin, end - begin);
    return floatsOf(toHost({ ...rest, bytes }));
  };
  return {
    json,
    config: parseModelConfig(json),
    tensors: {
      has: (name) => tensors.has(name),
      get: (name) => (tensors.has(name) ? read(name) : undefined),
      shape: (name) => entry(name).shape,
      names: () => [...tensors.keys()],
    },
  };
}
