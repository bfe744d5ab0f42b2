/** Strict reading of JSON that comes from outside: checkpoints, tokenizers, manifests, run files. */
import { quote, shorten } from './quote';

/**
 * Objects and lists inside one another. Real files stay below ten; a recursive reader of what is nested a hundred
 * thousand deep would overflow the stack.
 */
export const MAX_JSON_DEPTH = 64;

/** Why a text is not usable JSON. `message` says what was found, without the file's name. */
export class JsonError extends Error {
  override readonly name = 'JsonError';
  readonly code = 'file';

  constructor(
    message: string,
    readonly hint: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

const DAMAGED = 'The file is damaged or is another one: get it from its source again.';

/**
 * UTF-8 bytes or a string → a JSON value. A byte order mark is skipped. Rejects nesting beyond `MAX_JSON_DEPTH` and
 * keys that one object holds twice, of which `JSON.parse` would keep the last without a word. Throws `JsonError`.
 */
export function readJson(source: Uint8Array | string): unknown {
  return parse(typeof source === 'string' ? source.replace(/^\uFEFF/, '') : decode(source));
}

/** The same for data, in which a number that JavaScript would round before its decimal point is its digits, as a text. */
export function readJsonDigits(source: Uint8Array | string): unknown {
  return parse(withDigits(typeof source === 'string' ? source.replace(/^\uFEFF/, '') : decode(source)));
}

const STRING_OR_NUMBER = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

function withDigits(text: string): string {
  // Fewer digits are always held; most texts have no such number.
  if (!/\d{16}/.test(text)) return text;
  return text.replaceAll(STRING_OR_NUMBER, (found) =>
    found.startsWith('"') || isHeld(found) ? found : `"${found}"`,
  );
}

const isHeld = (number: string): boolean =>
  /e/i.test(number) || BigInt(number.split('.')[0] as string) === BigInt(Math.trunc(Number(number)));

function parse(text: string): unknown {
  checkDepth(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw notJson(text, cause);
  }
  const repeated = repeatedKey(text);
  if (repeated !== undefined)
    throw new JsonError(
      `key ${quote(repeated)} appears twice in one object`,
      'Readers disagree on which of the two counts: delete the wrong one, or get the file from its source again.',
    );
  return value;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
    throw utf16
      ? new JsonError('the encoding is UTF-16, expected UTF-8', 'Save the file as UTF-8.', { cause })
      : new JsonError('not valid UTF-8 text', DAMAGED, { cause });
  }
}

/** What stands there instead of JSON, where it is one of the files people often have by mistake. */
function notJson(text: string, cause: unknown): JsonError {
  const start = text.slice(0, 200).trimStart();
  if (start.startsWith('version https://git-lfs'))
    return new JsonError(
      'this is a Git LFS pointer, not the file itself',
      'Run "git lfs pull" in the repository, or download the file from its page.',
      { cause },
    );
  if (/^<(!doctype|html|\?xml)/i.test(start))
    return new JsonError(
      'this is a web page (HTML), not JSON',
      'Download the file itself ("raw" or "download"), not the page that shows it.',
      { cause },
    );
  const constant = /[[:,]\s*(-?Infinity|NaN)\b/.exec(text)?.[1];
  if (constant !== undefined)
    return new JsonError(
      `not valid JSON: it holds ${constant}, which JSON does not have`,
      'Python writes such values unless told not to: replace them by a number or null.',
      { cause },
    );
  const why = cause instanceof Error ? cause.message : String(cause);
  return new JsonError(`not valid JSON (${shorten(why, 120)})`, DAMAGED, { cause });
}

const QUOTE = 34;
const COLON = 58;
const OPEN_LIST = 91;
const BACKSLASH = 92;
const CLOSE_LIST = 93;
const OPEN_OBJECT = 123;
const CLOSE_OBJECT = 125;

/** Where the string that begins at `start` ends: one past its closing quote, or the end of the text. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (at < text.length && text.charCodeAt(at) !== QUOTE) at += text.charCodeAt(at) === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** `text` need not be valid. */
function checkDepth(text: string): void {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === QUOTE) at = endOfString(text, at) - 1;
    else if (c === OPEN_OBJECT || c === OPEN_LIST) {
      if (++depth > MAX_JSON_DEPTH)
        throw new JsonError(`nested more than ${MAX_JSON_DEPTH} levels deep`, DAMAGED);
    } else if (c === CLOSE_OBJECT || c === CLOSE_LIST) depth--;
  }
}

/** The first key that one object of `text` holds twice. `text` must already have passed `JSON.parse`. */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let at = 0; at < text.length; at++) {
    const c = text.charCodeAt(at);
    if (c === OPEN_OBJECT) open.push(new Set());
    else if (c === CLOSE_OBJECT) open.pop();
    if (c !== QUOTE) continue;
    const start = at;
    const end = endOfString(text, start);
    at = end - 1;
    let after = end;
    while (isSpace(text.charCodeAt(after))) after++;
    if (text.charCodeAt(after) !== COLON) continue;
    // In valid JSON a string before a colon is a key; "a" and "\u0061" are the same one.
    const raw = text.slice(start + 1, end - 1);
    const key = raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw;
    const keys = open.at(-1);
    if (keys?.has(key)) return key;
    keys?.add(key);
  }
  return undefined;
}

const isSpace = (c: number): boolean => c === 32 || c === 10 || c === 13 || c === 9;

/** For `JSON.stringify`: typed arrays as lists, in place of objects with a key for every number. */
export const plainArrays = (_key: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) ? Array.from(value as unknown as ArrayLike<number>) : value;
