/** The tokens of a tokenizer: those of the model, then the added ones of tokenizer.json and tokenizer_config.json. */
import { quote } from '../../text/quote';
import { FileError } from '../base/errors';
import { type AddedToken, addedToken, isObject, MAX_ADDED } from './added-token';
import type { ConfigTokens } from './config';

export interface Vocabulary {
  /** id → the vocabulary's spelling, including added tokens. */
  readonly tokens: ReadonlyMap<number, string>;
  readonly ids: ReadonlyMap<string, number>;
  readonly added: readonly AddedToken[];
  /** One more than the largest id. */
  readonly size: number;
  readonly notes: readonly string[];
}

const AGAIN = 'Get the tokenizer.json of the checkpoint again.';
const MAX_ID = 2 ** 22;
/** Maximum characters of a token; those in real vocabularies stay below 300. */
const MAX_TOKEN = 4096;

/**
 * `vocab`: `model.vocab` of tokenizer.json; `added`: its `added_tokens`.
 * @throws FileError
 */
export function readVocabulary(vocab: unknown, added: unknown, config: ConfigTokens): Vocabulary {
  if (!isObject(vocab)) throw new FileError('tokenizer.json: no "model.vocab" object', AGAIN);
  const tokens = new Map<number, string>();
  const ids = new Map<string, number>();
  for (const token of Object.keys(vocab)) {
    const id = vocab[token];
    checkId(token, id);
    const other = tokens.get(id);
    if (other !== undefined)
      throw new FileError(
        `tokenizer.json: id ${id} belongs to both ${quote(other)} and ${quote(token)}`,
        AGAIN,
      );
    tokens.set(id, token);
    ids.set(token, id);
  }
  if (tokens.size === 0) throw new FileError('tokenizer.json: the vocabulary is empty', AGAIN);
  const adding = new Adding(tokens, ids);
  if (!Array.isArray(added) || added.length > MAX_ADDED)
    throw new FileError(
      `tokenizer.json: "added_tokens" is ${quote(added)}, expected a list of at most ${MAX_ADDED}`,
      AGAIN,
    );
  for (const entry of added as unknown[]) {
    const token = addedToken(entry, 'tokenizer.json: an entry of "added_tokens"');
    checkId(token.content, token.id);
    adding.add(token, true);
  }
  for (const token of config.added) adding.add(token, true);
  for (const token of config.special) adding.add(token, false);
  for (const token of config.usual.values()) if (ids.has(token.content)) adding.add(token, false);
  let size = 0;
  for (const id of tokens.keys()) size = Math.max(size, id + 1);
  return { tokens, ids, added: [...adding.added.values()], size, notes: adding.notes() };
}

/**
 * The reference implementation's numbering: a token in the vocabulary keeps its id there, any other gets the
 * next one, whatever the files say.
 */
class Adding {
  readonly added = new Map<string, AddedToken>();
  private readonly modelSize: number;
  private largest = -1;
  private readonly renumbered: string[] = [];

  constructor(
    private readonly tokens: Map<number, string>,
    private readonly ids: Map<string, number>,
  ) {
    this.modelSize = tokens.size;
  }

  /** `anew`: whether the flags of an existing token are replaced. */
  add(token: AddedToken, anew: boolean): void {
    const before = this.added.get(token.content);
    if (before !== undefined && !anew) return;
    const known = this.ids.get(token.content);
    const id = known ?? Math.max(this.modelSize, this.largest + 1);
    const other = this.tokens.get(id);
    if (known === undefined && other !== undefined)
      throw new FileError(
        `tokenizer.json: id ${id} belongs to both ${quote(other)} and the added token ${quote(token.content)}; ids of the vocabulary are missing before it`,
        AGAIN,
      );
    if (token.id !== undefined && token.id !== id && before === undefined)
      this.renumbered.push(`${quote(token.content)} (${id}, not ${token.id})`);
    this.tokens.set(id, token.content);
    this.ids.set(token.content, id);
    this.largest = Math.max(this.largest, id);
    this.added.set(token.content, { ...token, id });
  }

  notes(): string[] {
    const { length } = this.renumbered;
    if (length === 0) return [];
    const shown = this.renumbered.slice(0, 3).join(', ');
    return [
      `The files number ${length} added ${length === 1 ? 'token' : 'tokens'} differently from the tokenizers library, whose numbers are used: ${shown}${length > 3 ? '…' : ''}.`,
    ];
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
