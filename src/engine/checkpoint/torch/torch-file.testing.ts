/** Writes state dicts like torch.save: an archive whose pickle names storages, which two tensors may share. */
import type { StoredDType } from '../safetensors';
import { writeZip } from '../zip';

export interface SavedTensor {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: readonly number[];
  /** Name of the tensor whose storage this one shares. */
  readonly same?: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

const TYPES: Partial<Record<StoredDType, string>> = {
  f32: 'FloatStorage',
  f16: 'HalfStorage',
  bf16: 'BFloat16Storage',
};
const WIDTHS: Partial<Record<StoredDType, number>> = { f32: 4, f16: 2, bf16: 2 };

/** @param device where the tensors were, according to the pickle */
export function torchFile(tensors: readonly SavedTensor[], device = 'cpu'): Promise<Blob> {
  const out: number[] = [];
  const raw = (...codes: number[]): void => {
    out.push(...codes);
  };
  const ascii = (text: string): void => raw(...new TextEncoder().encode(text));
  const int = (n: number): void => raw(0x4a, n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255);
  const text = (value: string): void => {
    const bytes = new TextEncoder().encode(value);
    raw(0x58, bytes.length & 255, bytes.length >> 8, 0, 0, ...bytes);
  };
  const tuple = (values: readonly number[]): void => {
    raw(0x28);
    for (const value of values) int(value);
    raw(0x74);
  };
  const dict = (): void => ascii('ccollections\nOrderedDict\n)R');
  const keys = new Map<string, string>();
  raw(0x80, 2);
  dict();
  raw(0x28);
  for (const { name, dtype, shape, same } of tensors) {
    const key = same === undefined ? String(keys.size) : (keys.get(same) as string);
    keys.set(name, key);
    const count = shape.reduce((n, d) => n * d, 1);
    text(name);
    ascii('ctorch._utils\n_rebuild_tensor_v2\n');
    raw(0x28, 0x28);
    text('storage');
    ascii(`ctorch\n${TYPES[dtype]}\n`);
    text(key);
    text(device);
    int(count);
    raw(0x74, 0x51);
    int(0);
    tuple(shape);
    tuple(shape.map((_, i) => shape.slice(i + 1).reduce((n, d) => n * d, 1)));
    raw(0x89);
    dict();
    raw(0x74, 0x52);
  }
  raw(0x75, 0x2e);
  const own = tensors.filter(({ same }) => same === undefined);
  return writeZip([
    { name: 'archive/data.pkl', pieces: [Uint8Array.from(out)] },
    ...own.map(({ name, bytes, dtype, shape }) => {
      const length = shape.reduce((n, d) => n * d, WIDTHS[dtype] as number);
      if (bytes.length !== length) throw new Error(`${name}: ${bytes.length} bytes`);
      return { name: `archive/data/${keys.get(name)}`, pieces: [bytes] };
    }),
    { name: 'archive/version', pieces: [new TextEncoder().encode('3\n')] },
  ]);
}
