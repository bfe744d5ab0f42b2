/**
 * Reads damaged files and reports what happened to each mutant. It may be read, if everything shown is finite, or refused
 * with an error that has code, message and hint; anything else is a fault of ours.
 */
import { reportOf } from '../../src/contract/error-report';
import { Rng } from '../../src/engine/base/rng';
import { MAX_MESSAGE } from '../../src/text/quote';
import type { Target } from './target';

/** Milliseconds one mutant may take on a busy machine. On an idle one, the slowest take half a second. */
export const LIMIT = 15_000;

export interface Outcome {
  readonly index: number;
  readonly target: string;
  readonly kind: 'read' | 'refused' | 'fault';
  /** The error's message, or what is at fault. */
  readonly message: string;
  readonly milliseconds: number;
}

/** Runs mutant `index` of `seed`. Never rejects. */
export async function runMutant(targets: readonly Target[], seed: number, index: number): Promise<Outcome> {
  const rng = new Rng(seed).fork(`mutant ${index}`);
  const target = rng.pick(targets.flatMap((one) => Array.from({ length: one.weight }, () => one)));
  const start = performance.now();
  const judged = await target.run(rng).then(judgeResult, judgeError);
  const milliseconds = performance.now() - start;
  const slow = milliseconds > LIMIT;
  return {
    index,
    target: target.name,
    milliseconds,
    ...(slow ? { kind: 'fault', message: `took ${Math.round(milliseconds)} ms` } : judged),
  };
}

type Judged = Pick<Outcome, 'kind' | 'message'>;

function judgeResult(value: unknown): Judged {
  const bad = notFinite(value, '');
  return bad === undefined ? { kind: 'read', message: '' } : { kind: 'fault', message: `${bad} is shown` };
}

/** Here NaN means that no sample has two positions to compare, and the page says so. */
const MAY_BE_NAN = /\.collapse\.cosine$/;

/** Path of a number that is not finite. */
function notFinite(value: unknown, path: string): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `${value} at ${path}`;
  if (ArrayBuffer.isView(value)) {
    if (MAY_BE_NAN.test(path)) return undefined;
    const at = [...(value as Float32Array)].findIndex((v) => !Number.isFinite(v));
    return at < 0 ? undefined : `${(value as Float32Array)[at]} at ${path}[${at}]`;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const bad = notFinite(inner, `${path}.${key}`);
    if (bad !== undefined) return bad;
  }
  return undefined;
}

function judgeError(thrown: unknown): Judged {
  const { name, code, message } = reportOf(thrown);
  const { hint, message: whole } = thrown as { hint?: unknown; message?: unknown };
  const told = `${name} (${code}): ${message}`;
  if (code === 'unexpected' || code === 'shape' || code === 'gradient')
    return { kind: 'fault', message: `not a refusal: ${(thrown as Error).stack?.slice(0, 600) ?? told}` };
  if (typeof hint !== 'string' || hint === '') return { kind: 'fault', message: `no hint: ${told}` };
  if (typeof whole !== 'string' || whole === '' || whole.length > MAX_MESSAGE)
    return {
      kind: 'fault',
      message: `a message of ${String(whole).length} characters: ${told.slice(0, 200)}`,
    };
  return { kind: 'refused', message: told };
}
