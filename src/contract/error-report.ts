import { MAX_MESSAGE, shorten } from '../text/quote';
import type { EngineErrorReport } from './events';

/** Characters of a name or code, and of the stacks that go with a report. */
const MAX_NAME = 60;
const MAX_STACK = 8000;
const MAX_CAUSES = 5;

/** What to do about an unforeseen error. */
const UNFORESEEN =
  'This is a bug in the program: try again, or reload the page. If it happens again, please report it with the details below.';

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/**
 * Anything thrown, as it is shown to a person: name, code, message and hint are always present and never longer than a page
 * can show, wherever the error came from. The stack includes those of its causes.
 */
export function reportOf(thrown: unknown): EngineErrorReport {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const { code, hint } = error as { code?: unknown; hint?: unknown };
  const aborted = error.name === 'AbortError';
  const stacks: string[] = [];
  for (let cause: unknown = error; cause instanceof Error && stacks.length < MAX_CAUSES; cause = cause.cause)
    stacks.push(cause.stack ?? `${cause.name}: ${cause.message}`);
  return {
    name: shorten(error.name, MAX_NAME),
    code: shorten(text(code) ?? (aborted ? 'cancelled' : 'unexpected'), MAX_NAME),
    // A browser's QuotaExceededError may have a name but nothing else.
    message: shorten(error.message || `${error.name || 'Error'}, without a message`, MAX_MESSAGE),
    hint: shorten(text(hint) ?? (aborted ? 'Start it again when you want it.' : UNFORESEEN), MAX_MESSAGE),
    stack: shorten(stacks.join('\ncaused by '), MAX_STACK) || null,
  };
}
