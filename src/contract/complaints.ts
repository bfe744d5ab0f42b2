import type { z } from 'zod';

/** What is wrong with a configuration or a run file, said so that it can be put right. */

/** Bad values named one a line; beyond these only their number is said. */
const MAX_COMPLAINTS = 20;

/** One line per bad value: its path, what was expected, what was found. */
export function complaints(error: z.ZodError, value: unknown): string {
  const line = (path: readonly PropertyKey[], message: string): string => {
    const found = path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key],
      value,
    );
    return `${cut(path.join('.')) || '(the whole file)'}: ${message}; got ${show(found)}`;
  };
  const lines = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => line([...issue.path, key], 'there is no such setting'))
      : [line(issue.path, issue.message)],
  );
  const more = lines.length - MAX_COMPLAINTS;
  return more > 0 ? `${lines.slice(0, MAX_COMPLAINTS).join('\n')}\nand ${more} more` : lines.join('\n');
}

const MAX_SHOWN = 80;
const cut = (text: string): string => (text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN - 1)}…` : text);

/** A value as a person would write it, cut to what fits a line. Never throws, however deep the value is. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value !== 'object' && typeof value !== 'string') return String(value);
  try {
    return cut(JSON.stringify(typeof value === 'string' ? value.slice(0, 2 * MAX_SHOWN) : value));
  } catch {
    // Nested too deep for JSON.stringify, or a loop.
    return Array.isArray(value) ? 'a list' : 'an object';
  }
}

export class RunConfigError extends Error {
  override readonly name = 'RunConfigError';
  readonly code = 'config';
  readonly hint = 'Correct the named values, or start from a preset and change what you need.';
}
