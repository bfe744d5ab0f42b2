/** Matches a checkpoint's tensor names with the expected ones: files name the whole model, its body, or something around it. */
import { listed } from '../../text/quote';
import { FileError } from '../base/errors';
import { quote } from './json';

/** How a file's names map to the expected ones. */
export interface Naming {
  /** The prefix of the body's names in the file: `model.`, nothing, `base_model.model.model.`. */
  readonly prefix: string;
  /** The prefix in the expected names; the empty string if they have no common one. */
  readonly body: string;
  /** The expected name of a file's tensor, or undefined if it is under no prefix of this model. */
  expected(name: string): string | undefined;
}

export const HEAD = 'lm_head.weight';

/**
 * Finds the prefix by the first expected name, which every checkpoint of the family has (the embedding). The
 * expected prefix is used if present; another one if it is the only one.
 * @throws FileError if two other prefixes would fit
 */
export function namingOf(expected: readonly string[], found: Iterable<string>): Naming {
  const [anchor = ''] = expected;
  const body = anchor.slice(0, anchor.indexOf('.') + 1);
  const tail = anchor.slice(body.length);
  const names = [...found];
  const prefixes = names.flatMap((name) =>
    name === tail || name.endsWith(`.${tail}`) ? [name.slice(0, name.length - tail.length)] : [],
  );
  if (tail === '' || prefixes.length === 0 || prefixes.includes(body)) return naming(body, body);
  if (prefixes.length > 1)
    throw new FileError(
      `the weights hold ${prefixes.length} models: ${listed(prefixes.map((prefix) => quote(prefix + tail)))}`,
      'Choose a checkpoint with a single model.',
    );
  return naming(prefixes[0] as string, body);
}

function naming(prefix: string, body: string): Naming {
  // Around the whole model ("base_model.model.model."), or only around its body ("language_model.").
  const whole = prefix === body || prefix.endsWith(`.${body}`);
  const heads = whole ? [prefix.slice(0, prefix.length - body.length) + HEAD] : [HEAD, prefix + HEAD];
  return {
    prefix,
    body,
    expected: (name) => {
      if (heads.includes(name)) return HEAD;
      return name.startsWith(prefix) ? body + name.slice(prefix.length) : undefined;
    },
  };
}

/** Names that differ only in the layer's number as one, written `{i}`: `"h.{i}.attn.bias" (12 tensors)`. */
export function grouped(names: readonly string[]): { readonly text: string; readonly isOne: boolean }[] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    const key = name.replace(/\.\d+(?=\.)/g, '.{i}');
    const group = groups.get(key);
    if (group) group.push(name);
    else groups.set(key, [name]);
  }
  return [...groups].map(([key, all]) =>
    all.length === 1
      ? { text: quote(all[0]), isOne: true }
      : { text: `${quote(key)} (${all.length} tensors)`, isOne: false },
  );
}
