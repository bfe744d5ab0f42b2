import { isJsonObject } from '../../checkpoint/json';
import { withLegacyFiles } from '../../tokenizer/legacy-files';
import { loadTokenizer } from '../../tokenizer/tokenizer';
import { withinVocabulary } from './vocabulary';

const CONFIG = 'tokenizer_config.json';
const MAP = 'special_tokens_map.json';
const ADDED = 'added_tokens.json';
const FAST = 'PreTrainedTokenizerFast';
const CHAT_TEMPLATE = 'chat_template.jinja';
/** More than the tokenizer reads, which reports templates that are too long. */
const MAX_TEMPLATE_BYTES = 2 ** 20;

/**
 * The tokenizer of a checkpoint's files, for a model with rows for `vocabSize` ids: tokenizer.json, and
 * tokenizer_config.json, special_tokens_map.json, added_tokens.json and chat_template.jinja if there are any. See `withinVocabulary`
 * and `withLegacyFiles` for `notes`.
 * @param json reads a file by name, or throws FileError
 * @throws FileError, ConfigError for another model's tokenizer
 */
export async function openTokenizer(
  byName: ReadonlyMap<string, Blob>,
  json: (name: string) => Promise<unknown>,
  model: { readonly vocabSize: number },
): Promise<ReturnType<typeof withinVocabulary>> {
  const read = async (name: string, otherwise?: object): Promise<unknown> =>
    byName.has(name) ? json(name) : otherwise;
  const own = await read(CONFIG, {});
  const tokenizerJson = await json('tokenizer.json');
  const { config, notes } = withLegacyFiles(
    // Where the file names no class, transformers takes that of the model's family, never the bare tokenizer.json.
    isJsonObject(own) ? { tokenizer_class: FAST, ...own } : own,
    tokenizerJson,
    { map: await read(MAP), added: await read(ADDED) },
  );
  const tokenizer = await loadTokenizer(
    tokenizerJson,
    config,
    await byName.get(CHAT_TEMPLATE)?.slice(0, MAX_TEMPLATE_BYTES).text(),
  );
  const within = withinVocabulary(tokenizer, model);
  return { ...within, notes: [...notes, ...within.notes] };
}
