/** A checkpoint's files → its configuration and weights, checked against what the network needs. */

import { listed } from '../../text/quote';
import type { HostTensor } from '../base/dtype';
import { FileError } from '../base/errors';
import { type Shape, sameShape, showShape } from '../base/shape';
import { type ModelConfig, parseModelConfig } from './config';
import { checkFinite } from './finite';
import { isJsonObject, own, quote } from './json';
import { notesOnLeftovers } from './leftovers';
import { readHeader, readTensor, type TensorEntry, toHost } from './safetensors';
import { type ByteSource, memorySource } from './source';

/** A weight the network needs. The network owns names and shapes; [out, in] for linears. */
export interface ExpectedTensor {
  readonly name: string;
  readonly shape: Shape;
}

export interface CheckpointFiles {
  /** config.json, parsed. */
  readonly config: unknown;
  /** File name → content: one model.safetensors, or all shards. */
  readonly weights: ReadonlyMap<string, ArrayBuffer | ByteSource>;
  /** model.safetensors.index.json, parsed; without it every tensor of every file counts. */
  readonly index?: unknown;
}

export interface Checkpoint {
  readonly config: ModelConfig;
  /** By name, f32, f16 or bf16 as the files store them, in the order of the expected list. */
  readonly weights: Map<string, HostTensor>;
  /** What of the files was left aside, or read otherwise than they say, a sentence each. */
  readonly notes: readonly string[];
}

const MAX_NOTES = 20;
const HEAD = 'lm_head.weight';

/** Where a tensor is found. */
export interface TensorLocation {
  readonly file: string;
  readonly source: ByteSource;
  readonly entry: TensorEntry;
}

/**
 * Reads only what `expected` names, one tensor at a time. Throws `ConfigError` for the configuration, `FileError`
 * for damaged files, missing tensors, wrong shapes and tensors of the network that the configuration leaves out, `NumericError` for weights that are not finite.
 */
export async function loadCheckpoint(
  files: CheckpointFiles,
  expected: (config: ModelConfig) => readonly ExpectedTensor[],
): Promise<Checkpoint> {
  const config = parseModelConfig(files.config);
  const needed = expected(config);
  const found = await locateTensors(files.weights, files.index);
  checkNeeded(needed, found);
  const names = new Set(needed.map(({ name }) => name));
  const left = notesOnLeftovers(
    [...found.keys()].filter((name) => !names.has(name)),
    config.tieWordEmbeddings,
  );
  const weights = new Map<string, HostTensor>();
  for (const { name } of needed) {
    const { source, entry } = found.get(name) as TensorLocation;
    const tensor = toHost(await readTensor(source, entry));
    checkFinite(name, tensor);
    weights.set(name, tensor);
  }
  return { config, weights, notes: [...config.notes, ...left].slice(0, MAX_NOTES) };
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
    for (const entry of (await readHeader(source, file)).tensors.values()) {
      const { name } = entry;
      // With an index, its word counts: a tensor the index puts elsewhere, or does not know, is left alone.
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
        'Index and shards are of different checkpoints: get them again.',
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
    // Shards lie beside the index; a path would lead elsewhere.
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

function checkNeeded(needed: readonly ExpectedTensor[], found: ReadonlyMap<string, TensorLocation>): void {
  const missing = needed.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    const some = missing.slice(0, 3).map(quote).join(', ');
    throw new FileError(
      `checkpoint lacks ${missing.length} of ${needed.length} tensors: ${some}${missing.length > 3 ? ', …' : ''}`,
      missing.length === 1 && missing[0] === HEAD
        ? `Set tie_word_embeddings to true in config.json if the model has no head of its own; if it has one, add the file that holds it.`
        : 'Choose weights and a config.json from the same checkpoint, with all its shards.',
    );
  }
  for (const { name, shape } of needed) {
    const { entry, file } = found.get(name) as TensorLocation;
    if (!sameShape(entry.shape, shape)) {
      throw new FileError(
        `${file}: tensor ${quote(name)} is ${showShape(entry.shape)}, config.json makes it ${showShape(shape)}`,
        'Choose weights and a config.json from the same checkpoint.',
      );
    }
  }
}
