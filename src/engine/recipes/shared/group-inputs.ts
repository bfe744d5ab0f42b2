import type { HostTensor } from '../../base/dtype';
import { integers, longest } from './batches';
import { slotFeeds } from './step-inputs';

/** Inputs of the auxiliary decoder of groups of latents (SIM-CoT on Coconut). */

/** i32 [B, c + T − 1]: what a group's decoder reads stands from position 1 on, as in its code. */
export const GROUP_POSITIONS = 'steps.positions';

/** A row's steps, its number of groups, and what it writes after its latents. */
export interface GroupedRow {
  readonly steps: readonly (readonly number[])[];
  readonly groups: number;
  readonly text: readonly number[];
}

/**
 * Targets of a row's groups: group g says step g and an end; the S-th all steps from the S-th on; one beyond the row's steps the text
 * after the latents, which has an end.
 */
export const groupTargets = ({ steps, groups, text }: GroupedRow, S: number, endId: number): number[][] =>
  Array.from({ length: groups }, (_, g) => {
    if (g >= steps.length) return [...text];
    const own = g === S - 1 ? steps.slice(g) : steps.slice(g, g + 1);
    return [...own.flat(), endId];
  });

export interface Groups {
  /** Most groups of a row. */
  readonly slots: number;
  /** Latents of a group. */
  readonly c: number;
  /** Most tokens of a target. */
  readonly T: number;
  readonly padId: number;
}

/** T of all rows that there may be. */
export const longestTarget = (targets: readonly (readonly number[][])[]): number =>
  Math.max(
    2,
    longest(targets.flat(), ({ length }) => length),
  );

/**
 * Each group's tokens; summed and divided by the batch's rows, or the mean of them; then the mean over groups that any row has.
 * @param targets of each row's groups
 */
export function groupFeeds(
  targets: readonly (readonly (readonly number[])[])[],
  { slots, c, T, padId }: Groups,
  per: 'sequence' | 'token',
): Record<string, HostTensor> {
  const tokens = (slot: number): number => targets.reduce((n, row) => n + (row[slot]?.length ?? 0), 0);
  const used = Math.max(0, ...targets.map(({ length }) => length));
  const each = (slot: number): number => 1 / (used * (per === 'token' ? tokens(slot) : targets.length));
  return {
    ...slotFeeds(targets, { slots, T, padId }, each),
    [GROUP_POSITIONS]: integers(targets, c + T - 1, (_, j) => 1 + j),
  };
}
