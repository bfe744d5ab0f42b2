import { z } from 'zod';
import { type Evaluation, evaluationKey, evaluationSchema, withAnswersOf } from '../contract/evaluation';
import { once } from '../contract/once';
import type { Database } from './connection';
import type { DamagedRow } from './rows';

/** Maximum number of stored evaluations; beyond it the oldest are dropped. Damaged rows do not count. */
export const MAX_EVALUATIONS = 50;

/** A stored evaluation, finished or not, under its `evaluationKey`. */
const rowSchema = once(() =>
  z.strictObject({
    savedAt: z.number().min(0).max(8.64e15),
    evaluation: evaluationSchema(),
  }),
);
export interface EvaluationRow {
  /** Milliseconds since 1970. */
  readonly savedAt: number;
  readonly evaluation: Evaluation;
}

export interface EvaluationRows {
  /** Oldest first. */
  readonly rows: readonly EvaluationRow[];
  readonly damaged: readonly DamagedRow[];
}

/** Sorts the stored rows, by key, into the readable ones, oldest first, and what is wrong with the others. */
export function readEvaluationRows(stored: ReadonlyMap<string, unknown>): EvaluationRows {
  const rows: EvaluationRow[] = [];
  const damaged: DamagedRow[] = [];
  for (const [id, value] of stored) {
    const parsed = rowSchema().safeParse(value);
    if (parsed.success && evaluationKey(parsed.data.evaluation) === id) rows.push(parsed.data);
    else if (parsed.success) damaged.push({ id, reason: 'it is stored under the key of another evaluation' });
    else {
      const { path = [], message = 'not readable' } = parsed.error.issues[0] ?? {};
      damaged.push({ id, reason: `${path.join('.') || 'the row'}: ${message}`.slice(0, 200) });
    }
  }
  return { rows: rows.sort((a, b) => a.savedAt - b.savedAt), damaged };
}

/** Keys of the rows to drop. @param rows oldest first */
export const surplusEvaluations = (rows: readonly EvaluationRow[]): string[] =>
  rows
    .slice(0, Math.max(0, rows.length - MAX_EVALUATIONS))
    .map(({ evaluation }) => evaluationKey(evaluation));

const TABLE = 'evaluations';

/** A later version of the page may store them differently; then there are none here. */
const isThere = (db: Database): boolean => db.objectStoreNames.contains(TABLE);

async function stored(db: Database): Promise<Map<string, unknown>> {
  if (!isThere(db)) return new Map();
  const store = db.transaction(TABLE).store;
  const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
  return new Map(keys.map((key, i) => [String(key), values[i]]));
}

export const listEvaluations = async (db: Database): Promise<EvaluationRows> =>
  readEvaluationRows(await stored(db));

/**
 * The row merged with the answers already stored: another tab may have had the same problems answered. @param
 * kept as stored
 */
export function rowBeside(row: EvaluationRow, kept: unknown): EvaluationRow {
  const parsed = rowSchema().safeParse(kept);
  if (!parsed.success || evaluationKey(parsed.data.evaluation) !== evaluationKey(row.evaluation)) return row;
  return { ...row, evaluation: withAnswersOf(row.evaluation, parsed.data.evaluation) };
}

/**
 * Inserts or merges the row in one transaction, and drops the oldest beyond the limit. @returns the row as
 * stored now
 */
export async function saveEvaluation(db: Database, row: EvaluationRow): Promise<EvaluationRow> {
  if (!isThere(db)) return row;
  const key = evaluationKey(row.evaluation);
  const { store, done } = db.transaction(TABLE, 'readwrite');
  const kept = await store.get(key);
  const all = rowBeside(row, kept);
  await store.put(all, key);
  await done;
  if (kept === undefined && (await db.count(TABLE)) > MAX_EVALUATIONS)
    for (const one of surplusEvaluations((await listEvaluations(db)).rows)) await db.delete(TABLE, one);
  return all;
}

export const deleteEvaluation = async (db: Database, key: string): Promise<void> => {
  if (isThere(db)) await db.delete(TABLE, key);
};
