/** Strict reading of JSON files that come from outside. */
import { FileError } from '../base/errors';

/** `value` for an error message: quoted, one level deep (hostile files nest), cut to a length a person can read. */
export function quote(value: unknown): string {
  const text = Array.isArray(value) ? `[${value.slice(0, 16).map(quoteOne).join(', ')}]` : quoteOne(value);
  return text.length > 96 ? `${text.slice(0, 93)}…` : text;
}

function quoteOne(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 96));
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' && value !== null ? 'an object' : String(value);
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property; inherited names such as `constructor` read as undefined. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * UTF-8 bytes or a string → JSON value, rejecting repeated keys, which `JSON.parse` hides by keeping the last.
 * `label` names the file. Throws `FileError`.
 */
export function parseJson(source: Uint8Array | string, label: string): unknown {
  let text: string;
  try {
    text =
      typeof source === 'string'
        ? source
        : new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(source);
  } catch (cause) {
    throw new FileError(`${label}: not valid UTF-8 text`, 'the file is damaged: get it again', { cause });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FileError(
      `${label}: not valid JSON (${why.slice(0, 120)})`,
      'the file is damaged: get it again',
      { cause },
    );
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined) {
    throw new FileError(
      `${label}: key ${quote(repeated)} appears twice in one object`,
      'readers disagree on which one counts, so the file is not to be trusted: get it from its source again',
    );
  }
  return value;
}

const QUOTE = 34;
const COLON = 58;
const BACKSLASH = 92;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

/** The first key that one object of `text` holds twice. `text` must already have passed `JSON.parse`. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  let at = 0;
  while (at < text.length) {
    const c = text.charCodeAt(at);
    if (c === OPEN_BRACE) open.push(new Set());
    else if (c === CLOSE_BRACE) open.pop();
    if (c !== QUOTE) {
      at++;
      continue;
    }
    const start = at++;
    let escaped = false;
    while (text.charCodeAt(at) !== QUOTE) {
      if (text.charCodeAt(at) === BACKSLASH) {
        escaped = true;
        at++;
      }
      at++;
    }
    at++;
    let after = at;
    while (isSpace(text.charCodeAt(after))) after++;
    if (text.charCodeAt(after) !== COLON) continue;
    // In valid JSON a string before a colon is a key; "a" and "\u0061" are the same one.
    const key = escaped ? (JSON.parse(text.slice(start, at)) as string) : text.slice(start + 1, at - 1);
    const keys = open.at(-1);
    if (keys?.has(key)) return key;
    keys?.add(key);
  }
  return undefined;
}

const isSpace = (c: number): boolean => c === 32 || c === 10 || c === 13 || c === 9;
