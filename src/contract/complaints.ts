import type { z } from 'zod';
import { MAX_MESSAGE, quote, shorten } from '../text/quote';

/** What is wrong with a configuration or a run file, in words that help to correct it. */

/** Number of bad values that a message names; the others are counted. */
const MAX_COMPLAINTS = 12;

/** One line per bad value: its path, what was expected, what was found. */
export function complaints(error: z.ZodError, value: unknown): string {
  const line = (path: readonly PropertyKey[], message: string): string => {
    const found = path.reduce<unknown>(
      (at, key) => (at as Record<PropertyKey, unknown> | null | undefined)?.[key],
      value,
    );
    const place = shorten(path.join('.'), 120) || '(the whole file)';
    return `${place}: ${shorten(message, 160)}; got ${found === undefined ? 'nothing' : quote(found)}`;
  };
  const lines = error.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => line([...issue.path, key], 'there is no such setting'))
      : [line(issue.path, issue.message)],
  );
  const more = lines.length - MAX_COMPLAINTS;
  return [...lines.slice(0, MAX_COMPLAINTS), ...(more > 0 ? [`and ${more} more`] : [])].join('\n');
}

export class RunConfigError extends Error {
  override readonly name = 'RunConfigError';
  readonly code = 'config';
  readonly hint = 'Correct the named values, or start from a preset and change what you need.';

  constructor(message: string, options?: ErrorOptions) {
    super(shorten(message, MAX_MESSAGE), options);
  }
}
