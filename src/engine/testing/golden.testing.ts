/**
 * What scripts/goldens/lori prints, for tests: small decoders, one layer and whole LoRi training steps, computed by torch
 * in float64. Tensor names are listed in scripts/goldens/lori/README.md.
 */
export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array<ArrayBuffer>;
}

export interface Golden {
  /** What the script says about the case: sizes, ranks, weights, token lists. */
  // biome-ignore lint/suspicious/noExplicitAny: each script has its own, and tests know what they read
  readonly meta: any;
  readonly names: readonly string[];
  /** Throws on an unknown name. */
  tensor(name: string): GoldenTensor;
  /** As float32, which is what inputs and weights were rounded to. */
  f32(name: string): Float32Array<ArrayBuffer>;
  i32(name: string): Int32Array<ArrayBuffer>;
  /** A tensor of one element. */
  scalar(name: string): number;
  /** Tensors whose names begin with `prefix`, by the rest of their names. */
  under(prefix: string): Map<string, GoldenTensor>;
}

export interface GoldenModel {
  /** config.json, parsed. */
  readonly config: unknown;
  /** model.safetensors. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

export type GoldenName =
  | 'layer'
  | 'step-llama'
  | 'step-qwen2'
  | 'adamw-llama'
  | 'proofs'
  | 'decode'
  | 'thoughts'
  | 'dart'
  | 'kava'
  | 'lotus'
  | 'methods-llama'
  | 'methods-qwen2'
  | 'methods-gpt2'
  | 'simcot'
  | 'interventions-qwen2'
  | 'interventions-gpt2'
  | 'interventions-gpt2-wide'
  | 'interventions-gpt2-deep'
  | 'coconut'
  | 'icot'
  | 'adaptive'
  | 'grpo';
export type GoldenModelName = 'llama-student' | 'llama-teacher' | 'qwen2-student' | 'qwen2-teacher';

interface Entry {
  readonly shape: readonly number[];
  /** Numbers, or base64 of little-endian float32. */
  readonly data: readonly number[] | string;
}

// Imported rather than read from disk, so that browser tests have them too.
const goldens = import.meta.glob<{ meta: unknown; tensors: Record<string, Entry> }>(
  './golden/*.golden.json',
  {
    import: 'default',
    eager: true,
  },
);
const configs = import.meta.glob<unknown>('./golden/*/config.json', { import: 'default', eager: true });
const weights = import.meta.glob<string>('./golden/*/model.safetensors', {
  query: '?url&inline',
  import: 'default',
  eager: true,
});

function pick<T>(files: Record<string, T>, path: string): T {
  const file = files[path];
  if (file === undefined) throw new Error(`no golden ${path}; there are ${Object.keys(files).join(', ')}`);
  return file;
}

export const bytesOf = (base64: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));

function decode(name: string, entry: Entry): GoldenTensor {
  const { shape, data } = entry;
  const out = Float64Array.from(typeof data === 'string' ? new Float32Array(bytesOf(data).buffer) : data);
  const size = shape.reduce((n, d) => n * d, 1);
  if (out.length !== size)
    throw new Error(`golden ${name} has ${out.length} numbers for [${shape.join(', ')}]`);
  return { shape, data: out };
}

export function readGolden(file: GoldenName): Golden {
  const { meta, tensors } = pick(goldens, `./golden/${file}.golden.json`);
  const tensor = (name: string): GoldenTensor => {
    const entry = tensors[name];
    if (entry === undefined) throw new Error(`no tensor "${name}" in golden ${file}`);
    return decode(name, entry);
  };
  return {
    meta,
    names: Object.keys(tensors),
    tensor,
    f32: (name) => Float32Array.from(tensor(name).data),
    i32: (name) => Int32Array.from(tensor(name).data),
    scalar: (name) => {
      const { data } = tensor(name);
      if (data.length !== 1) throw new Error(`golden ${name} has ${data.length} elements, expected 1`);
      return data[0] as number;
    },
    under: (prefix) =>
      new Map(
        Object.keys(tensors)
          .filter((name) => name.startsWith(prefix))
          .map((name) => [name.slice(prefix.length), tensor(name)]),
      ),
  };
}

/** A Hugging Face folder of random float32 weights. */
export function readGoldenModel(name: GoldenModelName): GoldenModel {
  const url = pick(weights, `./golden/${name}/model.safetensors`);
  const comma = url.indexOf(';base64,');
  if (comma < 0) throw new Error(`golden ${name} was not inlined: ${url.slice(0, 40)}`);
  return { config: pick(configs, `./golden/${name}/config.json`), bytes: bytesOf(url.slice(comma + 8)) };
}
