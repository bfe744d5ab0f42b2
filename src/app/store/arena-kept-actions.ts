import type { Arena, ArenaRun, KeptContender } from '../../contract/arena';
import {
  knownRows,
  otherRows,
  otherTerms,
  requestOfKept,
  rowOfKept,
  termsOf,
} from '../../contract/arena-kept';
import type { RunConfig } from '../../contract/config';
import type { Progress } from '../../contract/events';
import type { SavedRun } from '../../contract/saved-run';
import { shorten } from '../../text/quote';
import type { Context } from './context';
import { noteLoss } from './engine-actions';
import { runName } from './run-names';
import type { AppState } from './state';
import type { StudentActions } from './student-actions';
import { failureOf, isBusy } from './task';

/** Kept students in the arena: choosing them, and having them answer its problems. */

/** Longest name of a kept student, in characters. */
const MAX_NAME = 120;

/** Codes of errors that are about this student alone, so that the rest goes on. */
const OWN_FAULTS: readonly string[] = ['input', 'config', 'file', 'numeric', 'storage'];

/** The kept runs whose student could be set beside the contenders and is not yet. */
export const keptChoices = ({
  saved,
  kept,
  arena,
}: Pick<AppState, 'saved' | 'kept' | 'arena'>): readonly SavedRun[] =>
  saved.filter(({ id }) => kept.has(id) && !arena.kept.some(({ run }) => run === id));

/** A run as a contender. @param taken names that it cannot have */
export function keptContender(
  row: SavedRun,
  taken: ReadonlySet<string>,
  methods: AppState['methods'],
): KeptContender {
  const own = shorten(runName(row, methods), MAX_NAME);
  let name = own;
  for (let i = 2; taken.has(name); i++) name = `${own} (${i})`;
  const { trainable } = row.result ?? {};
  return { name, run: row.id, seed: row.config.seed, ...(trainable !== undefined && { trainable }) };
}

/** Why a kept student cannot be set beside the contenders, as far as that is known before it is opened; `null` if it can. */
export function refusedBefore(
  { run }: KeptContender,
  terms: RunConfig | undefined,
  { saved, kept, underWay }: Pick<AppState, 'saved' | 'kept' | 'underWay'>,
): string | null {
  const row = saved.find(({ id }) => id === run);
  if (!row || !kept.has(run)) return 'its run or its student is not kept in this browser any more';
  if (underWay.has(run)) return 'its run is in progress in another tab';
  return terms ? otherTerms(row.config, terms) : null;
}

/** How the layers' matrices of the base are kept, if it is an opened one. */
export const storageFor = ({ roles }: RunConfig, { lens }: Pick<AppState, 'lens'>): ArenaRun['storage'] =>
  roles.student === 'opened' ? lens.opened.value?.storage : undefined;

/**
 * Has a kept student answer the problems of an arena. A student that cannot is a row that says why.
 * @throws what concerns the rest as well: a cancelled or a lost engine
 */
export async function answerByKept(
  ctx: Context,
  students: StudentActions,
  arena: Arena,
  contender: KeptContender,
  { signal, report }: { readonly signal: AbortSignal; readonly report: (progress: Progress) => void },
): Promise<ArenaRun> {
  const { name, run, seed } = contender;
  const refused = (failed: string): ArenaRun => ({ name, seed, failed: shorten(failed, 500) });
  const terms = termsOf(arena);
  const before = refusedBefore(contender, terms, ctx.get());
  if (before !== null) return refused(before);
  if (!terms) return refused('there is no contender to set it beside');
  try {
    const row = await opened(ctx, students, run);
    signal.throwIfAborted();
    // Of the bundled problems no run trains on held-out ones.
    const rows = terms.roles.data === 'opened' ? (await ctx.engine().runCost(terms, { signal })).data : null;
    const why = rows && knownRows(row.result?.data, rows);
    if (why !== null) return refused(why);
    const answered = await ctx.engine().evaluate(requestOfKept(terms), {
      signal,
      report: (event) => 'phase' in event && report(event),
    });
    if (ctx.get().studentRun !== run)
      throw Object.assign(new Error('another student was opened while this one answered'), {
        code: 'replaced',
        hint: 'Press Go on: it answers again.',
      });
    const storage = storageFor(terms, ctx.get());
    const other =
      (rows && otherRows(answered.items, rows)) ?? otherWeights(arena.runs, answered.identity.base, storage);
    if (other !== null) return refused(other);
    return rowOfKept(contender, answered, {
      ...(row.result && { models: row.result.models }),
      ...(storage && { storage }),
    });
  } catch (thrown) {
    const { code, message } = failureOf(thrown);
    if (OWN_FAULTS.includes(code)) return refused(message);
    noteLoss(ctx, thrown);
    throw thrown;
  }
}

/** Opens a run's student. @throws why it could not be opened */
async function opened(ctx: Context, students: StudentActions, run: string): Promise<SavedRun> {
  const isOpen = await students.openStudent(run);
  const { opening, saved } = ctx.get();
  if (!isOpen && isBusy(opening))
    throw Object.assign(new Error('another student is being opened'), {
      code: 'busy',
      hint: 'Press Go on once it is open.',
    });
  if (!isOpen && opening.status === 'failed')
    throw Object.assign(new Error(opening.error.message), opening.error);
  const row = saved.find(({ id }) => id === run);
  if (!isOpen || !row) throw new DOMException('its student was not opened', 'AbortError');
  return row;
}

/** Why the base that the student answered on is not that of the runs so far; `null` if it is, or if there are none. */
function otherWeights(runs: readonly ArenaRun[], base: string, storage: ArenaRun['storage']): string | null {
  const known = runs.filter(({ models }) => models !== undefined);
  if (known.some(({ models }) => !Object.values(models ?? {}).includes(base)))
    return 'the runs so far were made on other weights of the base';
  // Of earlier files it is not known.
  return known.some((run) => run.storage !== undefined && run.storage !== storage)
    ? 'the runs so far were made with the base’s matrices in another storage'
    : null;
}
