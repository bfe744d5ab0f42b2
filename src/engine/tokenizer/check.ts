/** Checks what our code and the library's rely on in a tokenizer.json. */
import { quote } from '../../text/quote';
import { FileError } from '../base/errors';
import { isObject, type Json } from './added-token';
import { readTokenizerConfig, type TokenizerConfig } from './config';
import { checkPipeline } from './pipeline';
import { readVocabulary, type Vocabulary } from './vocabulary';

export interface TokenizerFiles {
  readonly model: Json;
  readonly normalizer: Json | null;
  readonly preTokenizer: Json | null;
  readonly postProcessor: Json | null;
  readonly decoder: Json | null;
  readonly config: TokenizerConfig;
  readonly vocabulary: Vocabulary;
}

const AGAIN = 'Get the tokenizer.json of the checkpoint again.';

/** Throws `FileError`. */
export function checkTokenizerFiles(tokenizer: unknown, tokenizerConfig: unknown): TokenizerFiles {
  if (!isObject(tokenizer)) throw new FileError('tokenizer.json is not a JSON object', AGAIN);
  const config = readTokenizerConfig(tokenizerConfig);
  const { model } = tokenizer;
  if (!isObject(model)) throw new FileError('tokenizer.json: no "model" object', AGAIN);
  // Older files have no type; the supported families use BPE.
  if ((model.type ?? 'BPE') !== 'BPE')
    throw new FileError(
      `tokenizer.json: unsupported model type ${quote(model.type)}; supported: BPE`,
      'Choose a checkpoint of the LLaMA, Qwen or GPT-2 family.',
    );
  const vocabulary = readVocabulary(model.vocab, tokenizer.added_tokens ?? [], config);
  checkMerges(model.merges, vocabulary.ids);
  checkPipeline(tokenizer);
  checkModel(model);
  const step = (name: string): Json | null => (tokenizer[name] ?? null) as Json | null;
  return {
    model: { ...model, type: 'BPE' },
    normalizer: step('normalizer'),
    preTokenizer: step('pre_tokenizer'),
    postProcessor: step('post_processor'),
    decoder: step('decoder'),
    config: withUsual(config, vocabulary.ids),
    vocabulary,
  };
}

/** Names the usual tokens that the vocabulary has. */
function withUsual(config: TokenizerConfig, ids: ReadonlyMap<string, number>): TokenizerConfig {
  const usual = [...config.usual].map(([name, { content }]) => [name, content] as const);
  return { ...config, named: new Map([...config.named, ...usual.filter(([, content]) => ids.has(content))]) };
}

function checkModel(model: Json): void {
  const fail = (field: string, expected: string): never => {
    throw new FileError(
      `tokenizer.json: model.${field} is ${quote(model[field])}, expected ${expected}`,
      AGAIN,
    );
  };
  for (const field of ['end_of_word_suffix', 'unk_token']) {
    const value = model[field] ?? '';
    if (typeof value !== 'string' || value.length > 64)
      fail(field, 'a text of at most 64 characters or null');
  }
  for (const field of ['fuse_unk', 'byte_fallback', 'ignore_merges'])
    if (typeof (model[field] ?? false) !== 'boolean') fail(field, 'true or false');
  // With these, a text would have other ids than those computed here.
  for (const field of ['continuing_subword_prefix', 'continuing_subword_suffix'])
    if ((model[field] ?? '') !== '') fail(field, 'none: such tokenizers are not supported');
  if ((model.dropout ?? 0) !== 0) fail('dropout', 'none: ids would be drawn at random');
}

/** "a b" (older files) or ["a", "b"]: two tokens of the vocabulary that form a third. */
function checkMerges(merges: unknown, ids: ReadonlyMap<string, number>): void {
  if (!Array.isArray(merges)) throw new FileError('tokenizer.json: no "model.merges" list', AGAIN);
  const inPairs = Array.isArray(merges[0]);
  for (const [i, merge] of (merges as unknown[]).entries()) {
    const pair: unknown = typeof merge === 'string' && !inPairs ? merge.split(' ') : merge;
    if (
      !Array.isArray(pair) ||
      pair.length !== 2 ||
      pair.some((part) => typeof part !== 'string' || part === '')
    )
      throw new FileError(`tokenizer.json: entry ${i} of "model.merges" is not a pair of tokens`, AGAIN);
    const [a, b] = pair as [string, string];
    const strange = [a, b, a + b].find((token) => !ids.has(token));
    if (strange !== undefined)
      throw new FileError(
        `tokenizer.json: entry ${i} of "model.merges" needs ${quote(strange)}, which is not in the vocabulary`,
        AGAIN,
      );
  }
}
