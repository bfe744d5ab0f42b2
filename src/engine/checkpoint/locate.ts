/** Locates the tensors in a checkpoint's files: safetensors, or a state dict written by torch.save. */
import { listed } from '../../text/quote';
import { FileError } from '../base/errors';
import { isJsonObject, own, quote } from './json';
import { grouped } from './names';
import { readHeader, type TensorEntry } from './safetensors';
import { type ByteSource, memorySource } from './source';
import { readTorchHeader } from './torch/torch-file';

/** Where a tensor is found. */
export interface TensorLocation {
  readonly file: string;
  readonly source: ByteSource;
  readonly entry: TensorEntry;
}

type Files = ReadonlyMap<string, ArrayBuffer | ByteSource>;
type Tensors = Map<string, TensorLocation>;

/** What the headers of a checkpoint's files say. */
export interface LocatedTensors {
  readonly found: ReadonlyMap<string, TensorLocation>;
  /** Tensors that only files hold which the index does not name: they are judged, and never read. */
  readonly beside?: ReadonlyMap<string, TensorLocation>;
  /** Where files and index differ, one sentence each. */
  readonly notes?: readonly string[];
}

/** The headers of all files, merged. Throws `FileError`. */
export const locateTensors = async (files: Files, index?: unknown): Promise<LocatedTensors['found']> =>
  (await locateCheckpoint(files, index)).found;

/**
 * The headers of all files, merged as the index says. A tensor that it does not list counts like any other.
 * @param unnamed files in the same format that the index does not name
 * @throws FileError
 */
export async function locateCheckpoint(
  files: Files,
  index?: unknown,
  unnamed: Files = new Map(),
): Promise<LocatedTensors> {
  if (files.size === 0)
    throw new FileError('no safetensors file was given', 'Add the model.safetensors of the checkpoint.');
  const weightMap = index === undefined ? undefined : parseIndex(index);
  checkShards(weightMap, files);
  const found: Tensors = new Map();
  const stale = new NamesBy();
  const unlisted = new NamesBy();
  for (const [file, content] of files) {
    for (const place of await tensorsIn(file, content)) {
      const { name } = place.entry;
      const listedIn = weightMap?.get(name);
      if (listedIn !== undefined && listedIn !== file) {
        stale.add(`in ${quote(file)}, since the index takes what is called so from ${quote(listedIn)}`, name);
        continue;
      }
      if (weightMap && listedIn === undefined) unlisted.add(quote(file), name);
      const other = found.get(name);
      if (other !== undefined) {
        throw new FileError(
          `tensor ${quote(name)} is in both ${quote(other.file)} and ${quote(file)}`,
          'Choose the files of a single checkpoint, with its model.safetensors.index.json.',
        );
      }
      found.set(name, place);
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
  const others = await judgeUnnamed(unnamed, found);
  const notes = [
    ...stale.notes((what, where) => `${what} ignored ${where}.`),
    ...unlisted.notes((what, where) => `${what} in ${where} although the index does not list it there.`),
    ...others.notes,
  ];
  return { found, beside: others.beside, notes };
}

/** Names by what is to be said of them. */
class NamesBy {
  private readonly byReason = new Map<string, string[]>();

  add(reason: string, name: string): void {
    const names = this.byReason.get(reason);
    if (names) names.push(name);
    else this.byReason.set(reason, [name]);
  }

  /** @param sentence of names with their verb, and the reason */
  notes(sentence: (what: string, reason: string) => string): string[] {
    return [...this.byReason].flatMap(([reason, names]) =>
      grouped(names).map(({ text, isOne }) => sentence(`${text} ${isOne ? 'is' : 'are'}`, reason)),
    );
  }
}

function checkShards(weightMap: ReadonlyMap<string, string> | undefined, files: Files): void {
  for (const file of new Set(weightMap?.values())) {
    if (!files.has(file)) {
      throw new FileError(
        `index names ${quote(file)}, given: ${listed([...files.keys()].map(quote))}`,
        'Add the missing shard.',
      );
    }
  }
}

async function tensorsIn(file: string, content: ArrayBuffer | ByteSource): Promise<TensorLocation[]> {
  const source = content instanceof ArrayBuffer ? memorySource(content) : content;
  const tensors = file.endsWith('.safetensors')
    ? (await readHeader(source, file)).tensors
    : await readTorchHeader(source, file);
  return [...tensors.values()].map((entry) => ({ file, source, entry }));
}

/** What files that the index does not name hold besides copies of what the others do. */
async function judgeUnnamed(
  files: Files,
  found: ReadonlyMap<string, TensorLocation>,
): Promise<{ readonly beside: Tensors; readonly notes: readonly string[] }> {
  const beside: Tensors = new Map();
  const notes: string[] = [];
  for (const [file, content] of files) {
    const start = `${quote(file)} is not read: the index does not name it`;
    try {
      const all = await tensorsIn(file, content);
      const own = all.filter(({ entry }) => !found.has(entry.name));
      for (const place of own) beside.set(place.entry.name, place);
      notes.push(own.length === 0 ? `${start}, and all that it holds comes from other files.` : `${start}.`);
    } catch (cause) {
      // A file that nothing is read from need not be whole.
      if (!(cause instanceof FileError)) throw cause;
      notes.push(`${start}, and it cannot be told what it holds (${cause.message}).`);
    }
  }
  return { beside, notes };
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
