import { isJsonObject } from '../../checkpoint/json';
import { loadTokenizer } from '../../tokenizer/tokenizer';
import { withinVocabulary } from './vocabulary';

const CONFIG = 'tokenizer_config.json';
const FAST = 'PreTrainedTokenizerFast';
const CHAT_TEMPLATE = 'chat_template.jinja';
/** More than the tokenizer reads, which reports templates that are too long. */
const MAX_TEMPLATE_BYTES = 2 ** 20;

/**
 * The tokenizer of a checkpoint's files, for a model with rows for `vocabSize` ids: tokenizer.json, and
 * tokenizer_config.json and chat_template.jinja if there are any. See `withinVocabulary` for `notes`.
 * @param json reads a file by name, or throws FileError
 * @throws FileError, ConfigError for another model's tokenizer
 */
export async function openTokenizer(
  byName: ReadonlyMap<string, Blob>,
  json: (name: string) => Promise<unknown>,
  model: { readonly vocabSize: number },
): Promise<ReturnType<typeof withinVocabulary>> {
  const config = byName.has(CONFIG) ? await json(CONFIG) : {};
  const tokenizer = await loadTokenizer(
    await json('tokenizer.json'),
    // Where the file names no class, transformers takes that of the model's family, never the bare tokenizer.json.
    isJsonObject(config) ? { tokenizer_class: FAST, ...config } : config,
    await byName.get(CHAT_TEMPLATE)?.slice(0, MAX_TEMPLATE_BYTES).text(),
  );
  return withinVocabulary(tokenizer, model);
}
