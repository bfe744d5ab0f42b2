/** Reading fields of config.json: each is checked, and errors say what was found and what was expected. */
import { ConfigError } from '../base/errors';
import { type JsonObject, own, quote } from './json';

export const CORRECT =
  'Correct config.json, or get it from the checkpoint again: it must be the one that belongs to the weights.';
export const OTHER = 'Choose a checkpoint without this feature.';

export const isAbsent = (json: JsonObject, key: string): boolean => (own(json, key) ?? null) === null;

/**
 * The one of a field's names that the file uses, by default the first. Throws `ConfigError` if two of them disagree.
 */
export function nameOf(json: JsonObject, ...names: readonly [string, ...string[]]): string {
  const given = names.filter((name) => !isAbsent(json, name));
  const [first = names[0], ...others] = given;
  const other = others.find((name) => own(json, name) !== own(json, first));
  if (other !== undefined)
    throw new ConfigError(
      `${first} is ${quote(own(json, first))} and ${other} is ${quote(own(json, other))}: two names of one field`,
      CORRECT,
    );
  return first;
}

export function count(json: JsonObject, key: string, max: number): number {
  const value = own(json, key);
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= max) return value as number;
  throw new ConfigError(`${key} is ${quote(value)}, expected a whole number from 1 to ${max}`, CORRECT);
}

/** @param standard the default; undefined if the file must have the field */
export function positive(json: JsonObject, key: string, standard: number | undefined, max: number): number {
  const value = own(json, key) ?? standard;
  if (typeof value === 'number' && value > 0 && value <= max) return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected a number above 0, at most ${max}`, CORRECT);
}

export function flag(json: JsonObject, key: string, standard: boolean): boolean {
  const value = own(json, key) ?? standard;
  if (typeof value === 'boolean') return value;
  throw new ConfigError(`${key} is ${quote(value)}, expected true or false`, CORRECT);
}

/**
 * One id, a list of ids, or none (also written -1). Ids outside the vocabulary are left out with a note:
 * small test models keep those of the large one, and such a token never occurs.
 */
export function tokenIds(json: JsonObject, key: string, vocabSize: number, notes: string[]): number[] {
  const value = own(json, key) ?? [];
  const ids = (Array.isArray(value) ? (value as unknown[]) : [value]).filter((id) => id !== -1);
  for (const id of ids) {
    if (!Number.isSafeInteger(id) || (id as number) < 0)
      throw new ConfigError(`${key} is ${quote(value)}, expected token ids, whole numbers from 0`, CORRECT);
  }
  const known = (ids as number[]).filter((id) => id < vocabSize);
  if (known.length < ids.length)
    notes.push(
      `${key} is ${quote(value)}; ids beyond the vocabulary (vocab_size ${vocabSize}) are left out.`,
    );
  return known;
}

/** Size of a head, hidden_size / heads, if the file does not say otherwise. */
export function dividedHidden(hidden: [string, number], heads: [string, number]): number {
  if (hidden[1] % heads[1] !== 0)
    throw new ConfigError(
      `${hidden[0]} ${hidden[1]} is not a multiple of ${heads[0]} ${heads[1]}, and there is no head_dim`,
      CORRECT,
    );
  return hidden[1] / heads[1];
}

/** Notes that the file leaves out a field, and the value taken instead: transformers' default for the family. */
export function noteDefault(notes: string[], key: string, value: number): void {
  notes.push(`config.json lacks ${key}; the default of transformers, ${value}, is used.`);
}
