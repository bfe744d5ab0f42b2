/** A checkpoint's JSON files, and reading their fields. */
import { JsonError, readJson } from '../../text/json';
import { FileError } from '../base/errors';

export { quote } from '../../text/quote';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A JSON object (not an array, not null). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An own property; inherited names such as `constructor` read as undefined. */
export function own(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** UTF-8 bytes or a string → JSON value, like `readJson`. `label` names the file. Throws `FileError`. */
export function parseJson(source: Uint8Array | string, label: string): unknown {
  try {
    return readJson(source);
  } catch (cause) {
    if (!(cause instanceof JsonError)) throw cause;
    throw new FileError(`${label}: ${cause.message}`, cause.hint, { cause });
  }
}
