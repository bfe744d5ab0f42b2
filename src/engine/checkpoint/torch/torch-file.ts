/**
 * What torch.save writes for a state dict: an uncompressed ZIP archive with a pickle, `data.pkl`, and one
 * entry `data/{key}` per storage, all under one folder of any name. Only the pickle is read here; tensors are
 * located, as in safetensors.
 */
import { FileError } from '../../base/errors';
import { showShape } from '../../base/shape';
import { quote } from '../json';
import { refuseOtherFormats, startOf } from '../other-formats';
import type { TensorEntry } from '../safetensors';
import { STORED_DTYPES, type StoredDType } from '../safetensors';
import type { ByteSource } from '../source';
import { readEntry, readZip, type ZipEntry } from '../zip';
import { type PickledTensor, type PickleValue, readPickle } from './pickle';

const MAX_PICKLE = 64 * 2 ** 20;
const DAMAGED = 'The file is damaged or incomplete: get it again and compare its SHA-256.';
const CONVERT =
  'Convert it in Python: AutoModelForCausalLM.from_pretrained(folder).save_pretrained(out, safe_serialization=True), and open the folder "out".';

const DTYPES: Readonly<Record<string, StoredDType>> = {
  FloatStorage: 'f32',
  HalfStorage: 'f16',
  BFloat16Storage: 'bf16',
  DoubleStorage: 'f64',
  LongStorage: 'i64',
  IntStorage: 'i32',
  ShortStorage: 'i16',
  CharStorage: 'i8',
  ByteStorage: 'u8',
  BoolStorage: 'bool',
};

/**
 * Where the tensors of a state dict are in a torch.save file, by name, in its order.
 * @throws FileError for other archives and pickles, for damage, and for tensors that are not stored row by
 * row
 */
export async function readTorchHeader(
  source: ByteSource,
  label: string,
): Promise<ReadonlyMap<string, TensorEntry>> {
  await refuseUnlessArchive(source, label);
  const entries = await readZip(source, label);
  const pickle = [...entries.keys()].find((name) => /^([^/]+\/)?data\.pkl$/.test(name));
  if (pickle === undefined)
    throw new FileError(`${label}: the archive lacks data.pkl, which torch.save writes`, CONVERT);
  const folder = pickle.slice(0, -'data.pkl'.length);
  const order = entries.get(`${folder}byteorder`);
  if (order && new TextDecoder().decode(await readEntry(source, order, 16)).trim() !== 'little')
    throw new FileError(`${label}: its numbers are not little-endian`, 'Save it again on another machine.');
  const root = readPickle(await readEntry(source, entries.get(pickle) as ZipEntry, MAX_PICKLE), label);
  return located(root, (key) => entries.get(`${folder}data/${key}`), label);
}

async function refuseUnlessArchive(source: ByteSource, label: string): Promise<void> {
  const start = await startOf(source);
  if (start[0] === 0x50 && start[1] === 0x4b) return;
  const isOld = start[0] === 0x80 && start[2] === 0x8a;
  refuseOtherFormats(start, label);
  throw new FileError(
    `${label}: ${isOld ? 'it was written by torch before 1.6, as one pickle' : 'this is not an archive written by torch.save'}`,
    CONVERT,
  );
}

function located(
  root: PickleValue,
  entryOf: (key: string) => ZipEntry | undefined,
  label: string,
): ReadonlyMap<string, TensorEntry> {
  if (typeof root !== 'object' || root === null || root.kind !== 'dict')
    throw new FileError(`${label}: the pickle contains no state dict`, CONVERT);
  const found = new Map<string, TensorEntry>();
  for (const [key, value] of root.entries) {
    const name = String(key);
    if (typeof value !== 'object' || value === null || value.kind !== 'tensor')
      throw new FileError(
        `${label}: ${quote(name)} is ${kindOf(value)}, not a tensor; only a state dict can be read`,
        'In Python, save only the model’s state dict.',
      );
    found.set(name, placed(name, value, entryOf(value.storage.key), `${label}: tensor ${quote(name)}`));
  }
  return found;
}

const kindOf = (value: PickleValue): string =>
  typeof value === 'object' && value !== null ? `a ${value.kind}` : quote(value);

function placed(
  name: string,
  { storage, offset, size, stride }: PickledTensor,
  entry: ZipEntry | undefined,
  where: string,
): TensorEntry {
  const dtype = DTYPES[storage.type] as StoredDType;
  const width = STORED_DTYPES.get(dtype)?.bytes as number;
  if (!entry)
    throw new FileError(`${where}: its storage ${quote(storage.key)} is not in the archive`, DAMAGED);
  if (entry.method !== 0)
    throw new FileError(`${where}: its storage is compressed, which torch.save does not do`, CONVERT);
  if (entry.size !== storage.count * width)
    throw new FileError(
      `${where}: its storage has ${entry.size} bytes; ${storage.count} elements of ${dtype} need ${storage.count * width}`,
      DAMAGED,
    );
  const count = size.reduce((n, d) => n * d, 1);
  if (!Number.isSafeInteger(count) || offset + count > storage.count)
    throw new FileError(
      `${where}: ${showShape(size)} from element ${offset} on is beyond its storage of ${storage.count}`,
      DAMAGED,
    );
  let expected = 1;
  for (let i = size.length - 1; i >= 0; i--) {
    // The stride of a dimension of size 1 does not matter.
    if (size[i] !== 1 && count > 0 && stride[i] !== expected)
      throw new FileError(
        `${where}: its elements are not stored row by row (strides ${stride.join(', ')} of ${showShape(size)})`,
        'In Python, save contiguous tensors: {name: t.contiguous() for name, t in state.items()}.',
      );
    expected *= size[i] as number;
  }
  const begin = entry.begin + offset * width;
  return { name, dtype, shape: size, begin, end: begin + count * width };
}
