/**
 * Which files make a checkpoint, by their names alone: what is asked for when one is downloaded, what is taken of a folder, and
 * what people often have instead. Names are without folders.
 */

import { MODULES_FILE, STUDENT_FILE } from './model-files';

export const INDEX = 'model.safetensors.index.json';
export const WEIGHTS = 'model.safetensors';

/**
 * Taken wherever they are there, and leave again with an exported model, for programs that read them.
 */
export const SMALL_FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
] as const;

/** PCCoT's settings. */
export const PCCOT_FILE = 'pccot_args.json';
/** Beside the weights of a latent student: how it reasons, and what it was trained besides its layers. */
export const STUDENT_FILES = [STUDENT_FILE, MODULES_FILE, PCCOT_FILE] as const;

export const ADAPTER_CONFIG = 'adapter_config.json';
/** The first that is there is read; the second is what PEFT wrote before 0.7. */
export const ADAPTER_WEIGHTS = ['adapter_model.safetensors', 'adapter_model.bin'] as const;

/** Names of state dicts of whole models as torch.save writes them; never `training_args.bin`, which holds other objects. */
export const isTorchFile = (name: string): boolean => /^pytorch_model\.bin$|^checkpoint[_-]\w+$/.test(name);

/** The safetensors that can be a model's own weights: neither an adapter nor a student's modules. */
export const ownSafetensors = (names: readonly string[]): string[] =>
  names
    .filter((name) => name.endsWith('.safetensors') && name !== MODULES_FILE && name !== ADAPTER_WEIGHTS[0])
    .sort();

/**
 * Whether an index is one that an earlier save has left: `model.safetensors` is there, and it does not name that. transformers
 * looks for that file first.
 */
export const isStaleIndex = (names: readonly string[], shards: Iterable<string>): boolean =>
  names.includes(WEIGHTS) && ![...shards].includes(WEIGHTS);

/**
 * The files that hold a model's weights: the shards of its index, `model.safetensors` alone where that is stale (see
 * `isStaleIndex`), without an index every safetensors file, and without any what torch.save wrote.
 * @param shards that an index names
 */
export function weightFilesOf(names: readonly string[], shards?: Iterable<string>): string[] {
  if (shards !== undefined) {
    const named = [...new Set(shards)].sort();
    return isStaleIndex(names, named) ? [WEIGHTS] : named;
  }
  const own = ownSafetensors(names);
  return own.length > 0 ? own : names.filter(isTorchFile);
}

/** Whether a file is an ONNX export, or holds weights of one. */
export const isOnnxFile = (name: string): boolean => /\.onnx([._]data(_\d+)?)?$/i.test(name);

/** Whether a file of this name holds weights, in a format that is read here or in another. */
export const looksLikeWeights = (name: string): boolean =>
  /\.safetensors$/i.test(name) ||
  isOnnxFile(name) ||
  isTorchFile(name) ||
  OTHER_WEIGHTS.some(([pattern]) => pattern.test(name));

/** What a set of files is, where it is no checkpoint that can be opened. */
export interface WrongFiles {
  /** A sentence without its full stop: "this is a PEFT adapter without its base model". */
  readonly what: string;
  /** What to do about it. */
  readonly hint: string;
}

const has = (names: readonly string[], pattern: RegExp) => names.find((name) => pattern.test(name));

const CONVERT =
  'Convert it in Python: AutoModelForCausalLM.from_pretrained(folder).save_pretrained(out, safe_serialization=True), and open the folder "out".';

/** Kinds of weights that are not read, in the order in which they are named where a folder holds several. */
const OTHER_WEIGHTS: readonly (readonly [RegExp, (name: string) => string, string])[] = [
  [
    /\.gguf$/i,
    (name) => `${name} is a GGUF file, as llama.cpp reads it`,
    'Use the safetensors checkpoint that it was made from; its page on the Hub names it as the base model.',
  ],
  [
    /^(pytorch_model.*\.bin|consolidated.*\.pth|.*\.(pt|pth|ckpt))$/i,
    (name) =>
      `${name} is a PyTorch pickle of a kind that is not read; of those, a state dict in a single file named pytorch_model.bin or checkpoint_N is`,
    CONVERT,
  ],
  [
    /^(tf_model\.h5|.*\.h5|flax_model\.msgpack|.*\.msgpack)$/i,
    (name) => `${name} is a TensorFlow or Flax checkpoint, which is not read`,
    CONVERT,
  ],
  [
    /\.npz$/i,
    (name) => `${name} is a NumPy archive, as early MLX checkpoints are`,
    'Use the safetensors checkpoint that it was made from.',
  ],
];

/**
 * What these files are instead of weights that can be read (safetensors, ONNX, a state dict of torch), or `null` if there are
 * such weights or nothing is recognised.
 */
export function recogniseWeights(names: readonly string[]): WrongFiles | null {
  const weights = names.filter((name) => /\.safetensors$/i.test(name));
  const isAdapter = names.includes('adapter_config.json') || names.includes('adapter_model.safetensors');
  if (isAdapter && weights.every((name) => /^adapter_/.test(name)) && !has(names, OTHER_WEIGHTS[1]![0]))
    return {
      what: 'these files are an adapter (PEFT, LoRA) without its base model',
      hint: 'Open its base model, then drop the adapter’s folder: it is merged as the weights are read. Or merge it into its base model in Python: AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload().save_pretrained(out), and open the folder "out". adapter_config.json names the base (base_model_name_or_path).',
    };
  // Beside ONNX exports it is transformers.js's, about those.
  const packed = names.some(isOnnxFile) ? undefined : has(names, /^(quantize|quant)_config\.json$/);
  if (weights.length > 0 && packed !== undefined)
    return { what: `the weights are quantised by GPTQ or AWQ: there is a ${packed}`, hint: UNQUANTISED };
  if (weights.length > 0) return lackingShards(names);
  if (has(names, /\.onnx$/i) !== undefined || names.some(isTorchFile)) return null;
  for (const [pattern, what, hint] of OTHER_WEIGHTS) {
    const name = has(names, pattern);
    if (name !== undefined) return { what: what(name), hint };
  }
  return null;
}

/** What these files are instead of a tokenizer.json, or `null` if there is one or nothing is recognised. */
export function recogniseTokenizer(names: readonly string[]): WrongFiles | null {
  if (names.includes('tokenizer.json')) return null;
  const hint =
    'Write a tokenizer.json in Python: AutoTokenizer.from_pretrained(folder).save_pretrained(folder), and open the folder again.';
  if (names.includes('vocab.json') && names.includes('merges.txt'))
    return { what: 'the tokenizer is there in its older form only (vocab.json and merges.txt)', hint };
  const model = has(names, /^(tokenizer|spiece|sentencepiece.*)\.model$/i);
  if (model !== undefined)
    return { what: `the tokenizer is there as ${model} only (SentencePiece or tiktoken)`, hint };
  return null;
}

/** Number and count of a shard's name (`model-00002-of-00005.safetensors`), or `null`. */
export function shardOf(name: string): { readonly number: number; readonly count: number } | null {
  const [, number, count] = /-(\d{5})-of-(\d{5})\.safetensors$/.exec(name) ?? [];
  return number === undefined ? null : { number: Number(number), count: Number(count) };
}

/** The shards that are missing where some are there and no index says which there are. */
function lackingShards(names: readonly string[]): WrongFiles | null {
  if (names.includes(INDEX)) return null;
  const shards = names.flatMap((name) => shardOf(name) ?? []);
  const [first] = shards;
  if (first === undefined || shards.length !== names.filter((name) => /\.safetensors$/i.test(name)).length)
    return null;
  const there = new Set(shards.map(({ number }) => number));
  const lacking = Array.from({ length: first.count }, (_, i) => i + 1).filter((number) => !there.has(number));
  if (lacking.length === 0) return null;
  return {
    what: `the weights are ${there.size} of ${first.count} shards; missing: ${lacking.length > 6 ? `${lacking.length} of them` : lacking.join(', ')}`,
    hint: `Choose all ${first.count} files …-of-${String(first.count).padStart(5, '0')}.safetensors together, with ${INDEX}.`,
  };
}

/** Names of files as a browser gives them where one of that name was there already: "config (1).json". */
const NUMBERED = /^(.+?) ?\((\d{1,3})\)(\.[a-z]+)$/i;

/** The file that is probably meant where `name` is missing: one that a browser has numbered. */
export function numberedTwin(name: string, names: readonly string[]): string | undefined {
  return names.find((other) => {
    const [, stem, , end] = NUMBERED.exec(other) ?? [];
    return stem !== undefined && `${stem}${end}` === name;
  });
}

const own = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? (value as Record<string, unknown>)[key]
    : undefined;

const UNQUANTISED =
  'Use the checkpoint it was made from, in f32, f16 or bf16; its page on the Hub names it as the base model.';

/**
 * What a config.json (parsed) says of weights that are packed in fewer bits, or `null`. Their names and shapes are those of the
 * format, so that no reader of plain weights can take them.
 */
export function recogniseQuantised(config: unknown): WrongFiles | null {
  const mlx = own(config, 'quantization');
  if (typeof mlx === 'object' && mlx !== null) {
    const bits = own(mlx, 'bits');
    return {
      what: `the weights are quantised for MLX${typeof bits === 'number' ? ` (${bits} bits)` : ''}: config.json has "quantization"`,
      hint: UNQUANTISED,
    };
  }
  const other = own(config, 'quantization_config');
  if (typeof other !== 'object' || other === null) return null;
  const [method, bits] = [own(other, 'quant_method'), own(other, 'bits')];
  const name = typeof method === 'string' ? method.slice(0, 30) : 'an unnamed method';
  return {
    what: `the weights are quantised by ${name}${typeof bits === 'number' ? ` (${bits} bits)` : ''}: config.json has "quantization_config"`,
    hint: UNQUANTISED,
  };
}
