import { shorten } from '../text/quote';
import type { Arena, ArenaRun, KeptContender } from './arena';
import { BASES, DATA } from './arena-terms';
import type { RunConfig } from './config';
import { type Evaluated, type EvaluationRequest, MAX_TOGETHER, OWN_MODE } from './evaluation';
import { HELD_OUT } from './problem-source';
import type { DataUsed } from './roles';
import { mean } from './statistics';

/** Kept students in an arena: what they are asked, which of them cannot be set beside the contenders, and their rows. */

/** The kept students that have not answered yet. */
export const remainingKept = ({ kept = [], runs }: Pick<Arena, 'kept' | 'runs'>): readonly KeptContender[] =>
  kept.filter(({ name }) => !runs.some((run) => run.name === name));

/** The configuration whose base and data a kept student must share: the baseline's. */
export const termsOf = ({ contenders, baseline }: Arena): RunConfig | undefined =>
  (contenders.find(({ name }) => name === baseline) ?? contenders[0])?.config;

/**
 * The problems that the contenders' runs hold out, answered as the student was trained to, as many at once as a run answers.
 * @param terms see `termsOf`
 */
export const requestOfKept = ({ roles, data }: RunConfig): EvaluationRequest => ({
  ...{ subject: { kind: 'student' }, mode: OWN_MODE, together: MAX_TOGETHER },
  ...{ problems: data.heldOut, rule: data.rule },
  source: roles.data === 'opened' ? { kind: 'rows', seed: data.split } : HELD_OUT,
});

/** Why a student of this configuration cannot be set beside contenders on these terms; `null` if it can. */
export function otherTerms({ roles }: RunConfig, { roles: asked }: RunConfig): string | null {
  if (roles.student !== asked.student)
    return `it was trained on ${BASES[roles.student]}, the contenders on ${BASES[asked.student]}`;
  if (roles.data !== asked.data)
    return `it was trained on ${DATA[roles.data]}, the contenders on ${DATA[asked.data]}`;
  return null;
}

/**
 * Why the rows that the contenders hold out are no test for a student; `null` if they are.
 * @param trained what its run was trained on; undefined if it did not end
 * @param asked what the contenders' runs use
 */
export function knownRows(
  trained: DataUsed | undefined,
  { name, sha256, heldOut }: Pick<DataUsed, 'name' | 'sha256' | 'heldOut'>,
): string | null {
  if (!trained) return 'its run did not end, so that it is not known which rows it was trained on';
  if (trained.sha256 !== sha256)
    return `it was trained on rows of ${shorten(trained.name, 60)}, the contenders on rows of ${shorten(name, 60)}`;
  const seen = new Set([...trained.training, ...trained.validation]);
  const { length } = heldOut.filter((id) => seen.has(id));
  return length === 0
    ? null
    : `${length} of the ${heldOut.length} held-out rows are among those that it was trained or validated on`;
}

/** Why what a student answered is not what the contenders’ runs hold out; `null` if it is. */
export const otherRows = (
  items: Evaluated['items'],
  { heldOut }: Pick<DataUsed, 'heldOut'>,
): string | null => {
  const answered = new Set(items.map(({ id }) => id));
  const { length } = heldOut.filter((id) => !answered.has(id));
  return length === 0
    ? null
    : `${length} of the ${heldOut.length} rows that the contenders hold out can not be read as theirs are`;
};

/** The row of a kept student that answered. */
export function rowOfKept(
  { name, seed, trainable }: KeptContender,
  { items, milliseconds }: Pick<Evaluated, 'items' | 'milliseconds'>,
  made: Pick<ArenaRun, 'models' | 'storage'> = {},
): ArenaRun {
  return {
    ...{ name, seed, trainable, ...made },
    ...{ correct: items.filter(({ right }) => right).length, total: items.length },
    thoughts: mean(items.map(({ thoughts }) => thoughts)),
    ...(items.some(({ written }) => written) && { written: mean(items.map(({ written = 0 }) => written)) }),
    answerMilliseconds: milliseconds / items.length,
  };
}
