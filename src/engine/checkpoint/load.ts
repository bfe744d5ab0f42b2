/** A checkpoint's files → its configuration and weights, checked against what the network needs. */

import type { HostTensor } from '../base/dtype';
import { FileError } from '../base/errors';
import { type Shape, sameShape, showShape } from '../base/shape';
import { type ModelConfig, parseModelConfig } from './config';
import { checkFinite } from './finite';
import { quote } from './json';
import { headNote, notesOnLeftovers } from './leftovers';
import { type LocatedTensors, locateCheckpoint, type TensorLocation } from './locate';
import { HEAD, type Naming, namingOf } from './names';
import { checkFloat, readTensor, toHost } from './safetensors';
import type { ByteSource } from './source';

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

/** A checkpoint whose headers have been checked; none of its weights is in memory. */
export interface ResolvedCheckpoint {
  readonly config: ModelConfig;
  /** Where each needed tensor is, by its expected name, in the order of that list; all are f32, f16 or bf16. */
  readonly tensors: ReadonlyMap<string, TensorLocation>;
  /** Bytes of the needed tensors, as stored. */
  readonly bytes: number;
  /** What was ignored in the files and why, or read differently from what they say, one sentence each. */
  readonly notes: readonly string[];
}

export interface Checkpoint {
  readonly config: ModelConfig;
  /** By name, f32, f16 or bf16 as the files store them, in the order of the expected list. */
  readonly weights: Map<string, HostTensor>;
  readonly notes: readonly string[];
}

/** More than the page could show; a checkpoint with as many is not one that anybody wrote for use. */
const MAX_NOTES = 1000;

/** `resolveCheckpoint`, then `readWeights`. */
export async function loadCheckpoint(
  files: CheckpointFiles,
  expected: (config: ModelConfig) => readonly ExpectedTensor[],
): Promise<Checkpoint> {
  const { config, tensors, notes } = await resolveCheckpoint(files, expected);
  return { config, weights: await readWeights(tensors), notes };
}

/**
 * Reads the configuration and the headers, and checks one against the other. Throws `ConfigError` for the
 * configuration, `FileError` for damaged files, missing tensors, wrong shapes and dtypes, and tensors of the
 * network that the configuration leaves out. Values are read only for a head beside a tied embedding, to tell
 * whether the two are equal: possibly gigabytes, so `signal` can end it with a `CancelledError`.
 */
export async function resolveCheckpoint(
  files: CheckpointFiles,
  expected: (config: ModelConfig) => readonly ExpectedTensor[],
  signal?: AbortSignal,
): Promise<ResolvedCheckpoint> {
  const config = parseModelConfig(files.config);
  const located = await locateCheckpoint(files.weights, files.index);
  return matchTensors(config, located, expected(config), signal);
}

/** The located tensors that a configuration needs; see `resolveCheckpoint`. */
export async function matchTensors(
  config: ModelConfig,
  { found, beside = new Map(), notes: located = [] }: LocatedTensors,
  needed: readonly ExpectedTensor[],
  signal?: AbortSignal,
): Promise<ResolvedCheckpoint> {
  const naming = namingOf(
    needed.map(({ name }) => name),
    found.keys(),
  );
  const { byName, notes: tied } = withTiedEmbedding(renamed(found, naming), config, needed);
  checkNeeded(needed, byName, renamed(beside, naming));
  const tensors = new Map(needed.map(({ name }) => [name, byName.get(name) as TensorLocation]));
  const left = [
    ...[...found]
      .filter(([name]) => !tensors.has(naming.expected(name) ?? ''))
      .map(([name, { entry }]) => ({ ...entry, expected: naming.expected(name) })),
    ...[...beside].map(([name, { entry, file }]) => ({
      ...entry,
      expected: naming.expected(name),
      unnamed: file,
    })),
  ];
  const notes = [
    ...config.notes,
    ...prefixNote(naming),
    ...tied,
    ...located,
    ...notesOnLeftovers(left, tensors.keys(), naming),
  ];
  const [surplus, embedding] = [byName.get(HEAD), tensors.values().next().value];
  if (surplus && embedding && !tensors.has(HEAD)) notes.push(await headNote(embedding, surplus, signal));
  const bytes = [...tensors.values()].reduce((n, { entry }) => n + entry.end - entry.begin, 0);
  return { config, tensors, bytes, notes: shortened(notes) };
}

/** Tensors by their expected names. */
function renamed(
  found: ReadonlyMap<string, TensorLocation>,
  naming: Naming,
): ReadonlyMap<string, TensorLocation> {
  const byName = new Map<string, TensorLocation>();
  for (const [name, location] of found) {
    const expected = naming.expected(name);
    if (expected === undefined) continue;
    const other = byName.get(expected);
    if (other)
      throw new FileError(
        `the weights hold both ${quote(other.entry.name)} and ${quote(name)}, which are the same tensor of the network`,
        'Choose a checkpoint with a single model.',
      );
    byName.set(expected, location);
  }
  return byName;
}

/**
 * Of two tied tensors some writers keep the head's name alone (`save_model` of safetensors and accelerate): it is then
 * the embedding, the first that is needed.
 */
function withTiedEmbedding(
  byName: ReadonlyMap<string, TensorLocation>,
  { tieWordEmbeddings }: ModelConfig,
  [embedding]: readonly ExpectedTensor[],
): { readonly byName: ReadonlyMap<string, TensorLocation>; readonly notes: readonly string[] } {
  const head = byName.get(HEAD);
  if (!tieWordEmbeddings || !head || !embedding || byName.has(embedding.name)) return { byName, notes: [] };
  const others = [...byName].filter(([name]) => name !== HEAD);
  return {
    byName: new Map([...others, [embedding.name, head]]),
    notes: [
      `The embedding is ${quote(head.entry.name)}: config.json ties the two, and ${quote(embedding.name)} is not there.`,
    ],
  };
}

function prefixNote({ prefix, body }: Naming): string[] {
  if (prefix === body) return [];
  const what = prefix === '' ? `without the prefix ${quote(body)}` : `under the prefix ${quote(prefix)}`;
  return [`The tensors’ names are ${what}.`];
}

const shortened = (notes: readonly string[]): readonly string[] =>
  notes.length <= MAX_NOTES
    ? notes
    : [...notes.slice(0, MAX_NOTES - 1), `And ${notes.length - MAX_NOTES + 1} more of this kind.`];

/** Reads tensors one at a time. Throws `NumericError` for weights that are not finite. */
export async function readWeights(
  tensors: ReadonlyMap<string, TensorLocation>,
): Promise<Map<string, HostTensor>> {
  const weights = new Map<string, HostTensor>();
  for (const [name, { source, entry }] of tensors) {
    const tensor = toHost(await readTensor(source, entry));
    checkFinite(name, tensor);
    weights.set(name, tensor);
  }
  return weights;
}

/** Tensors of GPTQ's and AWQ's layers. */
const PACKED = /\.(qweight|qzeros|g_idx)$/;

/** @param beside tensors of files that the index does not name */
function checkNeeded(
  needed: readonly ExpectedTensor[],
  found: ReadonlyMap<string, TensorLocation>,
  beside: ReadonlyMap<string, TensorLocation>,
): void {
  const missing = needed.filter(({ name }) => !found.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    const some = missing.slice(0, 3).map(quote).join(', ');
    const what = `checkpoint lacks ${missing.length} of ${needed.length} tensors: ${some}${missing.length > 3 ? ', …' : ''}`;
    const elsewhere = missing.flatMap((name) => beside.get(name) ?? [])[0];
    if (elsewhere)
      throw new FileError(
        `${what}; ${quote(elsewhere.file)} holds ${quote(elsewhere.entry.name)}, but the index does not name that file`,
        'Get the model.safetensors.index.json of the checkpoint again.',
      );
    const packed = [...found.keys()].find((name) => PACKED.test(name));
    if (packed !== undefined)
      throw new FileError(
        `the weights are packed in few bits, as GPTQ and AWQ pack them (${quote(packed)}), although config.json does not say so`,
        'Use the checkpoint they were made from, in f32, f16 or bf16; its page on the Hub names it as the base model.',
      );
    throw new FileError(
      what,
      missing.length === 1 && missing[0] === HEAD
        ? `Set tie_word_embeddings to true in config.json if the model has no head of its own; if it has one, add the file that holds it.`
        : 'Choose weights and a config.json from the same checkpoint, with all its shards.',
    );
  }
  for (const { name, shape } of needed) {
    const { entry, file } = found.get(name) as TensorLocation;
    if (!sameShape(entry.shape, shape)) {
      throw new FileError(
        `${file}: tensor ${quote(name)} is ${showShape(entry.shape)}, config.json requires ${showShape(shape)}`,
        'Choose weights and a config.json from the same checkpoint.',
      );
    }
    checkFloat(entry);
  }
}
