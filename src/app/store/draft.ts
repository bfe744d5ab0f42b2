import { type RunConfig, readConfigSchema } from '../../contract/config';
import { METHODS } from '../../contract/methods/index';
import type { Methods } from '../../contract/methods/method';
import { valueAt } from '../../contract/settings';

/** Reads and changes one value of a configuration by its path, such as `weights.anchor`. */

type Tree = { readonly [key: string]: unknown };

export { valueAt };

export function withValue(config: RunConfig, path: string, value: unknown): RunConfig {
  const set = (tree: Tree, [key = '', ...rest]: readonly string[]): Tree => ({
    ...tree,
    [key]: rest.length === 0 ? value : set(tree[key] as Tree, rest),
  });
  return set(config, path.split('.')) as RunConfig;
}

/** What Undo brings back of a form: the configuration, and the preset that it is shown as a change of. */
export interface RunChoices {
  readonly draft: RunConfig;
  readonly preset: string | null;
}

/** What is wrong with the configuration, by path; empty if nothing is. */
export function draftErrors(config: RunConfig, methods: Methods = METHODS): ReadonlyMap<string, string> {
  const result = readConfigSchema(methods).safeParse(config);
  const errors = new Map<string, string>();
  for (const { path, message } of result.error?.issues ?? []) {
    const name = path.join('.');
    const text = Number.isNaN(valueAt(config, name)) ? 'this is not a number' : message;
    errors.set(name, `${text.charAt(0).toUpperCase()}${text.slice(1)}.`);
  }
  return errors;
}
