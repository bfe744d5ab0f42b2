import { headerLength, parseHeader, type StoredTensor } from './safetensors';

/** A whole file → its tensors by name; their bytes are views of `buffer`. @throws FileError */
export function parseSafetensors(buffer: ArrayBuffer, label = 'safetensors file'): Map<string, StoredTensor> {
  const file = new Uint8Array(buffer);
  const length = headerLength(file.subarray(0, 8), file.length, label);
  const { tensors } = parseHeader(file.subarray(8, 8 + length), 8 + length, file.length, label);
  return new Map(
    [...tensors.values()].map(({ name, dtype, shape, begin, end }) => [
      name,
      { name, dtype, shape, bytes: file.subarray(begin, end) },
    ]),
  );
}
