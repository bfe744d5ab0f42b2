/**
 * A checkpoint as GGUF version 3 (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md): header, metadata, descriptions of
 * tensors, padding, tensors at multiples of 32 bytes; everything little-endian.
 */
import { closeSync, existsSync, openSync, renameSync, writeSync } from 'node:fs';
import type { Checkpoint } from './checkpoint';
import { bytesOf, encode, GGML_TYPES, type GgmlType } from './gguf-blocks';

const ALIGNMENT = 32;
/** GGUF's numbers of the types of its metadata. */
const UINT32 = 4;
const INT32 = 5;
const FLOAT32 = 6;
const STRING = 8;
const ARRAY = 9;

type Value = string | { readonly uint: number } | { readonly float: number } | Strings | Ints;
type Strings = { readonly strings: readonly string[] };
type Ints = { readonly ints: readonly number[] };

interface Tensor {
  readonly name: string;
  /** Rows first, as in safetensors. */
  readonly shape: readonly number[];
  readonly type: GgmlType;
  make(): Float32Array;
}

/** Writes the file if it is not there. Matrices are of `type`, all else float32. @throws an error for another family */
export function writeGguf(path: string, checkpoint: Checkpoint, type: GgmlType): void {
  if (existsSync(path)) return;
  const tensors = tensorsOf(checkpoint, type);
  const file = openSync(`${path}.part`, 'w');
  for (const piece of ggufPieces(metadataOf(checkpoint), tensors)) writeSync(file, piece);
  closeSync(file);
  renameSync(`${path}.part`, path);
}

/** The file, piece by piece. */
export function* ggufPieces(
  metadata: ReadonlyMap<string, Value>,
  tensors: readonly Tensor[],
): Generator<Uint8Array> {
  const sizes = tensors.map(({ shape, type }) => bytesOf(type, product(shape)));
  const head: Uint8Array[] = [Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(metadata.size)];
  for (const [key, value] of metadata) head.push(string(key), ...valueBytes(value));
  let offset = 0;
  tensors.forEach(({ name, shape, type }, i) => {
    head.push(string(name), u32(shape.length), ...[...shape].reverse().map(u64));
    head.push(u32(GGML_TYPES[type]), u64(offset));
    offset += padded(sizes[i] as number);
  });
  const bytes = Buffer.concat(head);
  yield bytes;
  yield new Uint8Array(padded(bytes.length) - bytes.length);
  for (const [i, tensor] of tensors.entries()) {
    yield encode(tensor.make(), tensor.type);
    yield new Uint8Array(padded(sizes[i] as number) - (sizes[i] as number));
  }
}

const product = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);
const padded = (bytes: number): number => ALIGNMENT * Math.ceil(bytes / ALIGNMENT);

function u32(value: number): Uint8Array {
  const out = Buffer.alloc(4);
  out.writeUInt32LE(value);
  return out;
}

function u64(value: number): Uint8Array {
  const out = Buffer.alloc(8);
  out.writeBigUInt64LE(BigInt(value));
  return out;
}

function string(value: string): Uint8Array {
  const bytes = Buffer.from(value);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function valueBytes(value: Value): Uint8Array[] {
  if (typeof value === 'string') return [u32(STRING), string(value)];
  if ('uint' in value) return [u32(UINT32), u32(value.uint)];
  if ('float' in value) return [u32(FLOAT32), new Uint8Array(Float32Array.of(value.float).buffer)];
  if ('ints' in value)
    return [
      u32(ARRAY),
      u32(INT32),
      u64(value.ints.length),
      new Uint8Array(Int32Array.from(value.ints).buffer),
    ];
  return [u32(ARRAY), u32(STRING), u64(value.strings.length), ...value.strings.map(string)];
}

/** Architectures of llama.cpp by model_type. Its `llama` rotates neighbouring pairs, its `qwen2` halves as transformers does. */
const ARCHITECTURES: Readonly<Record<string, { readonly name: string; readonly pairs: boolean }>> = {
  llama: { name: 'llama', pairs: true },
  qwen2: { name: 'qwen2', pairs: false },
};

function architectureOf({ json }: Checkpoint) {
  const found = ARCHITECTURES[json.model_type as string];
  if (!found || json.rope_scaling)
    throw new Error(
      `no GGUF is written for model_type ${JSON.stringify(json.model_type)}${json.rope_scaling ? ' with scaled rotary embeddings' : ''}`,
    );
  return found;
}

/** llama.cpp's number of tokens that are looked for in a text as they are. */
const USER_DEFINED = 4;

/**
 * Ids are what is compared, and wllama takes texts only: every token is called `<id>`, looked for as it is, and nothing is
 * merged.
 */
function metadataOf(checkpoint: Checkpoint): Map<string, Value> {
  const { config } = checkpoint;
  const { name } = architectureOf(checkpoint);
  const of = (key: string, value: Value): [string, Value] => [`${name}.${key}`, value];
  const uint = (value: number): Value => ({ uint: value });
  const ids = Array.from({ length: config.vocabSize }, (_, id) => id);
  return new Map<string, Value>([
    ['general.architecture', name],
    ['general.name', 'random weights'],
    of('context_length', uint(config.maxPositions)),
    of('embedding_length', uint(config.hiddenSize)),
    of('block_count', uint(config.layers)),
    of('feed_forward_length', uint(config.intermediateSize)),
    of('attention.head_count', uint(config.heads)),
    of('attention.head_count_kv', uint(config.kvHeads)),
    of('attention.layer_norm_rms_epsilon', { float: config.normEps }),
    of('rope.dimension_count', uint(config.headDim)),
    of('rope.freq_base', { float: config.ropeTheta }),
    of('vocab_size', uint(config.vocabSize)),
    ['tokenizer.ggml.model', 'gpt2'],
    ['tokenizer.ggml.pre', 'default'],
    ['tokenizer.ggml.tokens', { strings: ids.map((id) => `<${id}>`) }],
    ['tokenizer.ggml.token_type', { ints: ids.map(() => USER_DEFINED) }],
    ['tokenizer.ggml.merges', { strings: ['< >'] }],
    ['tokenizer.ggml.eos_token_id', uint(Number(checkpoint.json.eos_token_id ?? 0))],
  ]);
}

/** By llama.cpp's names. A tied head is left out. */
const OUTER: Readonly<Record<string, string>> = {
  'model.embed_tokens.weight': 'token_embd.weight',
  'model.norm.weight': 'output_norm.weight',
  'lm_head.weight': 'output.weight',
};
const INNER: Readonly<Record<string, string>> = {
  input_layernorm: 'attn_norm',
  post_attention_layernorm: 'ffn_norm',
  'self_attn.q_proj': 'attn_q',
  'self_attn.k_proj': 'attn_k',
  'self_attn.v_proj': 'attn_v',
  'self_attn.o_proj': 'attn_output',
  'mlp.gate_proj': 'ffn_gate',
  'mlp.up_proj': 'ffn_up',
  'mlp.down_proj': 'ffn_down',
};

function tensorsOf(checkpoint: Checkpoint, type: GgmlType): Tensor[] {
  const { config, tensors } = checkpoint;
  const { pairs } = architectureOf(checkpoint);
  return tensors.names().map((name) => {
    const [, layer, part = '', kind] = /^model\.layers\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
    const own = layer === undefined ? OUTER[name] : INNER[part] && `blk.${layer}.${INNER[part]}.${kind}`;
    if (!own) throw new Error(`no name in GGUF for the tensor ${name}`);
    const shape = tensors.shape(name);
    const heads = { 'self_attn.q_proj': config.heads, 'self_attn.k_proj': config.kvHeads }[part];
    return {
      name: own,
      shape,
      type: shape.length > 1 ? type : 'f32',
      make: () => {
        const values = tensors.get(name) as Float32Array;
        return pairs && heads ? interleaved(values, heads, config.headDim) : values;
      },
    };
  });
}

/** Rows of every head, halves [0 … d/2) and [d/2 … d), as neighbours: 0, d/2, 1, d/2 + 1, …: */
export function interleaved(values: Float32Array, heads: number, headDim: number): Float32Array {
  const out = new Float32Array(values.length);
  const columns = values.length / (heads * headDim);
  for (let row = 0; row < heads * headDim; row++) {
    const [head, i] = [Math.floor(row / headDim), row % headDim];
    const from = head * headDim + (i % 2) * (headDim / 2) + Math.floor(i / 2);
    out.set(values.subarray(from * columns, (from + 1) * columns), row * columns);
  }
  return out;
}
