/**
 * Which files make a checkpoint, by their names alone: what is asked for when one is downloaded, what is taken of a folder, and
 * what people often have instead. Names are without folders.
 */

export const INDEX = 'model.safetensors.index.json';
export const WEIGHTS = 'model.safetensors';

/** Read wherever they are there; config.json and a tokenizer must be. */
export const SMALL_FILES = [
  'config.json',
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
] as const;

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
    (name) => `${name} is a PyTorch pickle, which can run code when it is read; only safetensors is opened`,
    CONVERT,
  ],
  [
    /^(tf_model\.h5|.*\.h5|flax_model\.msgpack|.*\.msgpack)$/i,
    (name) => `${name} is a TensorFlow or Flax checkpoint; only safetensors is opened`,
    CONVERT,
  ],
  [
    /\.npz$/i,
    (name) => `${name} is a NumPy archive, as early MLX checkpoints are`,
    'Use the safetensors checkpoint that it was made from.',
  ],
];

/**
 * What these files are instead of weights in safetensors, or `null` where there are such weights or nothing is recognised.
 */
export function recogniseWeights(names: readonly string[]): WrongFiles | null {
  const weights = names.filter((name) => /\.safetensors$/i.test(name));
  const isAdapter = names.includes('adapter_config.json') || names.includes('adapter_model.safetensors');
  if (isAdapter && weights.every((name) => /^adapter_/.test(name)) && !has(names, OTHER_WEIGHTS[1]![0]))
    return {
      what: 'these files are an adapter (PEFT, LoRA) without its base model',
      hint: 'Merge it into its base model in Python: AutoPeftModelForCausalLM.from_pretrained(folder).merge_and_unload().save_pretrained(out), and open the folder "out". adapter_config.json names the base (base_model_name_or_path).',
    };
  if (weights.length > 0) return null;
  for (const [pattern, what, hint] of OTHER_WEIGHTS) {
    const name = has(names, pattern);
    if (name !== undefined) return { what: what(name), hint };
  }
  const onnx = has(names, /\.onnx$/i);
  if (onnx !== undefined)
    return {
      what: `${onnx} is an ONNX export; the weights in safetensors are missing`,
      hint: 'To see its hidden states and let it generate, get its files (*.onnx with its data, config.json, tokenizer.json) and open them as files. To train, open the safetensors checkpoint that it was exported from.',
    };
  return null;
}

/** What these files are instead of a tokenizer.json, or `null` where there is one or nothing is recognised. */
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
