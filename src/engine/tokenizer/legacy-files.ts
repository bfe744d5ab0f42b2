/**
 * special_tokens_map.json and added_tokens.json, which transformers reads only where tokenizer_config.json lists no added tokens
 * (`added_tokens_decoder`): then the map comes before the configuration.
 */
import { quote } from '../../text/quote';
import { FileError } from '../base/errors';
import { isObject, type Json } from './added-token';

const MAP = 'special_tokens_map.json';
const ADDED = 'added_tokens.json';
/** Of the map, lists that are joined with the configuration's. */
const LISTS: readonly string[] = ['additional_special_tokens', 'extra_special_tokens'];

export interface LegacyFiles {
  /** special_tokens_map.json, parsed; undefined where there is none. */
  readonly map: unknown;
  /** added_tokens.json */
  readonly added: unknown;
}

/**
 * The configuration with what the two files say, where they count.
 * @param config of tokenizer_config.json
 * @throws FileError for files that are not what they are called
 */
export function withLegacyFiles(
  config: unknown,
  tokenizerJson: unknown,
  { map = {}, added = {} }: LegacyFiles,
): { readonly config: unknown; readonly notes: readonly string[] } {
  if (!isObject(config)) return { config, notes: [] };
  const [named, tokens] = [objectOf(map, MAP), objectOf(added, ADDED)];
  const differing = Object.keys(named).filter((name) => said(named[name]) !== said(config[name]));
  if (config.added_tokens_decoder !== undefined)
    return { config, notes: differing.length === 0 ? [] : [leftAside(differing)] };
  const joined = { ...config, ...named, ...lists(config, named) };
  const others = ownTokens(tokens, tokenizerJson, joined);
  const decoder = Object.keys(others).length > 0 ? { added_tokens_decoder: others } : {};
  return { config: { ...joined, ...decoder }, notes: differing.flatMap((name) => told(name, config, named)) };
}

function objectOf(value: unknown, file: string): Json {
  if (isObject(value)) return value;
  throw new FileError(
    `${file} is ${quote(value)}, expected a JSON object`,
    `Get the ${file} of the checkpoint again.`,
  );
}

/** A token's text, whichever way it is written. */
const said = (token: unknown): unknown =>
  JSON.stringify(isObject(token) && 'content' in token ? token.content : (token ?? null));

/** The configuration's tokens and then the map's, each once. */
function lists(config: Json, map: Json): Json {
  const both = LISTS.filter((name) => Array.isArray(map[name]) && Array.isArray(config[name]));
  return Object.fromEntries(
    both.map((name) => {
      const own = config[name] as unknown[];
      const more = (map[name] as unknown[]).filter((token) => !own.some((one) => said(one) === said(token)));
      return [name, [...own, ...more]];
    }),
  );
}

/** Tokens of added_tokens.json by id; of those that tokenizer.json lists too, its flags count. */
function ownTokens(tokens: Json, tokenizerJson: unknown, config: Json): Json {
  const listed =
    isObject(tokenizerJson) && Array.isArray(tokenizerJson.added_tokens) ? tokenizerJson.added_tokens : [];
  const known = new Set(listed.map(said));
  const all = Object.entries(config).flatMap(([name, value]) =>
    LISTS.includes(name) && Array.isArray(value) ? value : name.endsWith('_token') ? [value] : [],
  );
  const special = new Set(all.map(said));
  return Object.fromEntries(
    Object.entries(tokens).flatMap(([content, id]) => {
      if (!Number.isSafeInteger(id) || (id as number) < 0)
        throw new FileError(
          `${ADDED}: ${quote(content)} has the id ${quote(id)}, expected a whole number`,
          `Get the ${ADDED} of the checkpoint again.`,
        );
      if (known.has(said(content))) return [];
      const isSpecial = special.has(said(content));
      return [[String(id), { content, special: isSpecial, normalized: !isSpecial }]];
    }),
  );
}

const leftAside = (names: readonly string[]): string =>
  `${MAP} is left aside: it differs from tokenizer_config.json in ${names.join(', ')}, and that lists the added tokens, so that transformers reads it alone.`;

/** What the map says in place of the configuration; where that says nothing there is no choice to tell of. */
const told = (name: string, config: Json, map: Json): string[] =>
  config[name] === undefined || LISTS.includes(name)
    ? []
    : [
        `${name} is ${said(map[name])} by ${MAP}, as in transformers where tokenizer_config.json lists no added tokens; that says ${said(config[name])}.`,
      ];
