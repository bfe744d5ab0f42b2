/** What a tokenizer.json must hold before our code or transformers.js relies on it. */
import { quote } from '../../text/quote';
import { FileError } from '../base/errors';
import { checkPipeline } from './pipeline';

export interface TokenizerFiles {
  readonly tokenizer: Record<string, unknown>;
  /** Special tokens as plain strings, whichever form the file had. */
  readonly config: Record<string, unknown>;
  /** id → the vocabulary's spelling, added tokens included. */
  readonly tokens: ReadonlyMap<number, string>;
  readonly ids: ReadonlyMap<string, number>;
  readonly special: ReadonlySet<number>;
  readonly vocabSize: number;
}

const AGAIN = 'Get the tokenizer.json of the checkpoint again.';
const MAX_ID = 2 ** 22;
/** Characters of a token: those of real vocabularies stay below 300. */
const MAX_TOKEN = 4096;
const MAX_ADDED = 2 ** 17;
const NAMED = ['bos_token', 'eos_token', 'pad_token', 'unk_token', 'sep_token', 'cls_token', 'mask_token'];

type Json = Record<string, unknown>;
const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Throws `FileError`. */
export function checkTokenizerFiles(tokenizer: unknown, config: unknown): TokenizerFiles {
  if (!isObject(tokenizer)) throw new FileError('tokenizer.json is not a JSON object', AGAIN);
  if (!isObject(config)) throw new FileError('tokenizer_config.json is not a JSON object', AGAIN);
  const model = tokenizer.model;
  if (!isObject(model)) throw new FileError('tokenizer.json: no "model" object', AGAIN);
  // Older files have no type; both decoders' families here ship BPE.
  if ((model.type ?? 'BPE') !== 'BPE') {
    throw new FileError(
      `tokenizer.json: unsupported model type ${quote(model.type)}; supported: BPE`,
      'Choose a LLaMA or Qwen2 checkpoint.',
    );
  }
  if (!isObject(model.vocab)) throw new FileError('tokenizer.json: no "model.vocab" object', AGAIN);
  checkMerges(model.merges);
  const tokens = new Map<number, string>();
  const ids = new Map<string, number>();
  for (const [token, id] of Object.entries(model.vocab)) {
    checkId(token, id);
    const other = tokens.get(id);
    if (other !== undefined) {
      throw new FileError(
        `tokenizer.json: id ${id} belongs to both ${quote(other)} and ${quote(token)}`,
        AGAIN,
      );
    }
    tokens.set(id, token);
    ids.set(token, id);
  }
  if (tokens.size === 0) throw new FileError('tokenizer.json: the vocabulary is empty', AGAIN);
  const added = tokenizer.added_tokens ?? [];
  if (!Array.isArray(added) || added.length > MAX_ADDED)
    throw new FileError(
      `tokenizer.json: "added_tokens" is ${quote(added)}, expected a list of at most ${MAX_ADDED}`,
      AGAIN,
    );
  const special = new Set<number>();
  for (const entry of added as unknown[]) {
    if (!isObject(entry) || typeof entry.content !== 'string' || entry.content === '') {
      throw new FileError('tokenizer.json: an entry of "added_tokens" has no "content"', AGAIN);
    }
    checkId(entry.content, entry.id);
    tokens.set(entry.id, entry.content);
    ids.set(entry.content, entry.id);
    if (entry.special === true) special.add(entry.id);
  }
  checkPipeline(tokenizer);
  checkModel(model);
  let vocabSize = 0;
  for (const id of tokens.keys()) vocabSize = Math.max(vocabSize, id + 1);
  const pieces = { normalizer: null, post_processor: null, decoder: null };
  const pre_tokenizer = splitAllNumbers(tokenizer.pre_tokenizer ?? null);
  return {
    tokenizer: {
      ...pieces,
      ...tokenizer,
      pre_tokenizer,
      added_tokens: added,
      model: { ...model, type: 'BPE' },
    },
    config: plainTokens(config),
    tokens,
    ids,
    special,
    vocabSize,
  };
}

/** Texts that BPE adds to each word. */
function checkModel(model: Json): void {
  for (const field of [
    'end_of_word_suffix',
    'continuing_subword_prefix',
    'continuing_subword_suffix',
    'unk_token',
  ]) {
    const value = model[field] ?? '';
    if (typeof value !== 'string' || value.length > 64)
      throw new FileError(
        `tokenizer.json: model.${field} is ${quote(value)}, expected a text of at most 64 characters or null`,
        AGAIN,
      );
  }
}

function checkId(token: string, id: unknown): asserts id is number {
  if (token.length > MAX_TOKEN)
    throw new FileError(
      `tokenizer.json: token ${quote(token)} has ${token.length} characters, expected at most ${MAX_TOKEN}`,
      AGAIN,
    );
  if (!Number.isInteger(id) || (id as number) < 0 || (id as number) >= MAX_ID) {
    throw new FileError(
      `tokenizer.json: token ${quote(token)} has id ${quote(id)}, expected a whole number below ${MAX_ID}`,
      AGAIN,
    );
  }
}

/** "a b" (older files) or ["a", "b"]. */
function checkMerges(merges: unknown): void {
  if (!Array.isArray(merges)) throw new FileError('tokenizer.json: no "model.merges" list', AGAIN);
  const bad = merges.findIndex((merge: unknown) => {
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    return (
      !Array.isArray(pair) ||
      pair.length !== 2 ||
      pair.some((part) => typeof part !== 'string' || part === '')
    );
  });
  if (bad >= 0)
    throw new FileError(`tokenizer.json: entry ${bad} of "model.merges" is not a pair of tokens`, AGAIN);
}

/**
 * `Digits` splits off every numeric character in the reference implementation, but only 0–9 in transformers.js, which
 * gives SmolLM2 other ids for a text with ½ or ². The same rule, said as a pattern that both read alike.
 */
function splitAllNumbers(step: unknown): unknown {
  if (!isObject(step)) return step;
  if (step.type === 'Sequence' && Array.isArray(step.pretokenizers)) {
    return { ...step, pretokenizers: step.pretokenizers.map(splitAllNumbers) };
  }
  if (step.type !== 'Digits') return step;
  const pattern = { Regex: step.individual_digits === true ? '\\p{N}' : '\\p{N}+' };
  return { type: 'Split', pattern, behavior: 'Isolated', invert: false };
}

/** Older configs write a special token as `{"__type": "AddedToken", "content": …}`, newer ones as a string. */
function plainTokens(config: Json): Json {
  const plain = { ...config };
  for (const name of NAMED) {
    const value = plain[name] ?? null;
    const content = isObject(value) ? value.content : value;
    if (content !== null && typeof content !== 'string') {
      throw new FileError(
        `tokenizer_config.json: ${name} is ${quote(value)}, expected a text or null`,
        AGAIN,
      );
    }
    plain[name] = content;
  }
  // Only for chat prompts, which are not used; a malformed one must not stop the tokenizer.
  delete plain.chat_template;
  return plain;
}
