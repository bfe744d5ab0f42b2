import { isJsonObject, own } from '../../checkpoint/json';

/** Longest name of a model. */
const MAX_LENGTH = 100;

/** A model's name in its config.json (parsed), else its folder's name; empty if neither names it. */
export function nameOf(config: unknown, folder = ''): string {
  const path = isJsonObject(config) ? own(config, '_name_or_path') : undefined;
  const named = typeof path === 'string' && path.trim() !== '' ? path.trim() : folder;
  return named.slice(0, MAX_LENGTH);
}
