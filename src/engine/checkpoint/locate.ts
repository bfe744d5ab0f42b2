/** Locates the tensors in a checkpoint's files: safetensors, or a state dict written by torch.save. */
import { listed } from '../../text/quote';
import { FileError } from '../base/errors';
import { isJsonObject, own, quote } from './json';
import { readHeader, type TensorEntry } from './safetensors';
import { type ByteSource, memorySource } from './source';
import { isTorchFile, readTorchHeader } from './torch/torch-file';

/** Where a tensor is found. */
export interface TensorLocation {
  readonly file: string;
  readonly source: ByteSource;
  readonly entry: TensorEntry;
}

/** The headers of all files, merged. Throws `FileError`. */
export async function locateTensors(
  files: ReadonlyMap<string, ArrayBuffer | ByteSource>,
  index?: unknown,
): Promise<Map<string, TensorLocation>> {
  if (files.size === 0)
    throw new FileError('no safetensors file was given', 'Add the model.safetensors of the checkpoint.');
  const weightMap = index === undefined ? undefined : parseIndex(index);
  for (const file of new Set(weightMap?.values())) {
    if (!files.has(file)) {
      throw new FileError(
        `index names ${quote(file)}, given: ${listed([...files.keys()].map(quote))}`,
        'Add the missing shard.',
      );
    }
  }
  const found = new Map<string, TensorLocation>();
  for (const [file, content] of files) {
    const source = content instanceof ArrayBuffer ? memorySource(content) : content;
    const tensors = isTorchFile(file)
      ? await readTorchHeader(source, file)
      : (await readHeader(source, file)).tensors;
    for (const entry of tensors.values()) {
      const { name } = entry;
      // If there is an index, it decides: a tensor that it places elsewhere, or does not list, is ignored.
      if (weightMap !== undefined && weightMap.get(name) !== file) continue;
      const other = found.get(name);
      if (other !== undefined) {
        throw new FileError(
          `tensor ${quote(name)} is in both ${quote(other.file)} and ${quote(file)}`,
          'Choose the files of a single checkpoint, with its model.safetensors.index.json.',
        );
      }
      found.set(name, { file, source, entry });
    }
  }
  for (const [name, file] of weightMap ?? []) {
    if (!found.has(name)) {
      throw new FileError(
        `index puts tensor ${quote(name)} in ${quote(file)}, which does not hold it`,
        'Index and shards belong to different checkpoints: get them again.',
      );
    }
  }
  return found;
}

/** model.safetensors.index.json → tensor name → file name. Throws `FileError`. */
export function parseIndex(json: unknown): Map<string, string> {
  const map = isJsonObject(json) ? own(json, 'weight_map') : undefined;
  if (!isJsonObject(map))
    throw new FileError(
      'index: no weight_map object',
      'Choose the model.safetensors.index.json of the checkpoint.',
    );
  const weightMap = new Map<string, string>();
  for (const [name, file] of Object.entries(map)) {
    // Shards are beside the index; a path would lead elsewhere.
    if (typeof file !== 'string' || !/^[^/\\]+\.safetensors$/.test(file)) {
      throw new FileError(
        `index: tensor ${quote(name)} is in ${quote(file)}, expected the name of a .safetensors file`,
        'Get the model.safetensors.index.json of the checkpoint again.',
      );
    }
    weightMap.set(name, file);
  }
  return weightMap;
}
