import type { DataRow } from '../../../contract/data';
import type { LeftOutRow } from '../../../contract/roles';
import { InputError, throwIfCancelled } from '../../base/errors';
import { expectWhole } from '../../base/whole';
import { yieldToEventLoop } from '../../base/yield-to-event-loop';
import type { ProblemCodec, RationaleForm, TokenProblem } from '../tokens';
import type { DataSet } from './data-set';

/** Which rows a run uses. */
export interface RunDraw {
  /** Of the training sample. */
  readonly seed: number;
  /** Of the split: which rows are held out and validated on, whatever the sample. */
  readonly split: number;
  readonly samples: number;
  readonly validation: number;
  readonly heldOut: number;
}

export interface UsedRow {
  readonly row: DataRow;
  readonly tokens: TokenProblem;
}

export interface DrawnRows {
  readonly training: readonly UsedRow[];
  readonly validation: readonly UsedRow[];
  readonly heldOut: readonly UsedRow[];
  /** Rows that were passed over, in the order in which they came up. */
  readonly leftOut: readonly LeftOutRow[];
}

export interface DrawOptions {
  readonly codec: ProblemCodec;
  /** Tokens of question, rationale, prompt and answer together, at most. */
  readonly longest: number;
  /** The form of the rationale that the teacher is read on, if it is: a row without one, or without tokens of it, is of no use. */
  readonly rationale: RationaleForm | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds of tokenizing between two looks at the signal. */
const PACE = 50;

/**
 * Training, validation and held-out rows without a common question. The split seed orders all rows: held-out rows are the
 * last ones that can be used, validation rows those before them. The training sample are the first of the others in the
 * order of the run's seed; with equal seeds it is the sample that the Data place shows. A rationale is asked of training rows alone.
 * @throws InputError where fewer rows can be used than are asked for, CancelledError
 */
export async function drawRows(set: DataSet, draw: RunDraw, options: DrawOptions): Promise<DrawnRows> {
  const { seed, split, samples, validation, heldOut } = draw;
  for (const [what, n] of [
    ['seed', seed],
    ['split seed', split],
  ] as const)
    expectWhole(what, n, 0, 2 ** 31 - 1);
  // Answered without their rationale, so that the rows are the same for every method.
  const tested = new Usable(set, { ...options, rationale: undefined });
  const rows = new Usable(set, options);
  const last = [...set.order(split)].reverse();
  const kept = await tested.take(last, heldOut, new Set());
  const used = new Set(kept);
  const checked = await tested.take(last, validation, used);
  for (const i of checked) used.add(i);
  const learned = await rows.take(set.order(seed), samples, used);
  const leftOut = [...tested.leftOut];
  const known = new Set(leftOut.map(({ id }) => id));
  leftOut.push(...rows.leftOut.filter(({ id }) => !known.has(id)));
  if (learned.length < samples || checked.length < validation || kept.length < heldOut) {
    const { length } = leftOut;
    throw new InputError(
      `${samples} training, ${validation} validation and ${heldOut} held-out rows are requested; ${set.rows.length - length} of the ${set.rows.length} rows with different questions can be used${length === 0 ? '' : ` (${why(leftOut)})`}`,
      length === 0
        ? 'Ask for fewer: the parts share no row.'
        : 'Ask for fewer, or for longer rows: the parts share no row.',
    );
  }
  const of = (from: Usable, indices: readonly number[]): UsedRow[] => indices.map((i) => from.at(i));
  return { training: of(rows, learned), validation: of(tested, checked), heldOut: of(tested, kept), leftOut };
}

/** Rows as they are tokenized, each once. */
class Usable {
  private readonly known = new Map<number, UsedRow | null>();
  readonly leftOut: LeftOutRow[] = [];
  private since = performance.now();

  constructor(
    private readonly set: DataSet,
    private readonly options: DrawOptions,
  ) {}

  /** The first `count` indices that can be used, apart from some. */
  async take(order: readonly number[], count: number, apart: ReadonlySet<number>): Promise<number[]> {
    const taken: number[] = [];
    for (const i of order) {
      if (taken.length >= count) break;
      if (!apart.has(i) && this.use(i) !== null) taken.push(i);
      if (performance.now() - this.since < PACE) continue;
      await yieldToEventLoop();
      throwIfCancelled(this.options.signal, 'drawing rows');
      this.since = performance.now();
    }
    return taken;
  }

  at(i: number): UsedRow {
    return this.known.get(i) as UsedRow;
  }

  private use(i: number): UsedRow | null {
    const known = this.known.get(i);
    if (known !== undefined) return known;
    const row = this.set.rows[i] as DataRow;
    const found = usableTokens(row, this.options);
    const used = typeof found === 'string' ? null : { row, tokens: found };
    if (typeof found === 'string') this.leftOut.push({ id: row.id, reason: found });
    this.known.set(i, used);
    return used;
  }
}

/** `12 left out: longer than 512 tokens; 1 left out: without a rationale` */
function why(leftOut: readonly LeftOutRow[]): string {
  const counts = new Map<string, number>();
  for (const { reason } of leftOut) {
    const kind = reason.replace(/^\d+ tokens; at most/, 'longer than');
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].map(([kind, n]) => `${n} left out: ${kind}`).join('; ');
}

/** A row's tokens, or why it cannot be used. */
export function usableTokens(
  row: DataRow,
  { codec, longest, rationale: form }: Pick<DrawOptions, 'codec' | 'longest' | 'rationale'>,
): TokenProblem | string {
  if (form && row.rationale === '') return 'without a rationale';
  try {
    const tokens = codec.encode(row);
    const { question, rationale, answer } = tokens;
    // Without its last step it may be empty.
    if (form === 'steps' && rationale.length === 0) return 'its rationale has no tokens';
    if (form === 'results' && codec.encode(row, form).rationale.length === 0)
      return 'the results of its steps have no tokens';
    const length = question.length + rationale.length + codec.prompt.length + answer.length;
    return length > longest ? `${length} tokens; at most ${longest}` : tokens;
  } catch (error) {
    if (error instanceof InputError) return error.message;
    throw error;
  }
}
