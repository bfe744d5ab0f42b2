import type { HostTensor } from '../../base/dtype';
import type { TokenProblem } from '../../data/tokens';
import { longest } from './batches';
import type { OwnInputs, TrainingTokens } from './recipe';

/** Inputs that hold each sample's steps, slot by slot. */
export const STEP_INPUTS = {
  /** i32 [B, T − 1]: the slot's tokens without the last. */
  ids: (slot: number) => `steps.${slot}.ids`,
  /** i32 [B, slots·T] */
  targets: 'steps.targets',
  /** f32 [B, slots·T]: the mean over a slot's tokens in the batch, and over slots that have any. */
  weights: 'steps.weights',
} as const;

/**
 * A sample's steps as targets of `slots` thoughts, each with an end of sequence: step k in slot k, those beyond the last
 * slot joined in it, none in slots beyond the steps (SIM-CoT's code on CODI).
 */
export function stepsInSlots(
  steps: readonly (readonly number[])[],
  slots: number,
  endId: number,
): number[][] {
  const own = steps.slice(0, slots - 1).map((step) => [...step, endId]);
  const rest = steps.slice(slots - 1).flat();
  if (steps.length >= slots) own.push([...rest, endId]);
  return Array.from({ length: slots }, (_, slot) => own[slot] ?? []);
}

/**
 * As the released code cuts a batch's targets: no longer than the first row's in the same slot, and one token. Trailing padding
 * is trimmed after each row there, not after the last, so that the first row sets the length.
 */
export const cutByFirstRow = (rows: readonly (readonly number[][])[]): number[][][] =>
  rows.map((row) => row.map((tokens, slot) => tokens.slice(0, (rows[0]?.[slot]?.length ?? 0) + 1)));

/** What a decoder of steps reads and predicts. `sizes.step` is T, the longest target. @param cut as the released code does */
export function stepInputs({ problems, codec }: TrainingTokens, slots: number, cut: boolean): OwnInputs {
  const inSlots = ({ steps }: TokenProblem): number[][] => stepsInSlots(steps, slots, codec.endId);
  const T = Math.max(
    2,
    longest(problems.flatMap(inSlots), ({ length }) => length),
  );
  return {
    sizes: { step: T },
    // The released code knows no batch but its own.
    ...(!cut && { means: [STEP_INPUTS.weights] }),
    feeds(batch) {
      const found = batch.map(inSlots);
      const rows = cut ? cutByFirstRow(found) : found;
      const counts = Array.from({ length: slots }, (_, slot) =>
        rows.reduce((n, row) => n + (row[slot] as number[]).length, 0),
      );
      const used = counts.filter((n) => n > 0).length;
      return slotFeeds(
        rows,
        { slots, T, padId: codec.padId },
        (slot) => 1 / ((counts[slot] as number) * used),
      );
    },
  };
}

/** What a decoder reads and predicts of each row's targets, slot by slot. @param each what a token of a slot counts */
export function slotFeeds(
  rows: readonly (readonly (readonly number[])[])[],
  { slots, T, padId }: { readonly slots: number; readonly T: number; readonly padId: number },
  each: (slot: number) => number,
): Record<string, HostTensor> {
  const B = rows.length;
  const targets = new Int32Array(B * slots * T).fill(padId);
  const weights = new Float32Array(B * slots * T);
  const feeds: Record<string, HostTensor> = {};
  for (let slot = 0; slot < slots; slot++) {
    const ids = new Int32Array(B * (T - 1)).fill(padId);
    rows.forEach((row, b) => {
      const tokens = row[slot] ?? [];
      const at = (b * slots + slot) * T;
      ids.set(tokens.slice(0, -1), b * (T - 1));
      targets.set(tokens, at);
      weights.fill(each(slot), at, at + tokens.length);
    });
    feeds[STEP_INPUTS.ids(slot)] = { dtype: 'i32', shape: [B, T - 1], data: ids };
  }
  const shape = [B, slots * T];
  feeds[STEP_INPUTS.targets] = { dtype: 'i32', shape, data: targets };
  feeds[STEP_INPUTS.weights] = { dtype: 'f32', shape, data: weights };
  return feeds;
}

/** Inputs that hold the gold token of each latent, by place in its block. */
export const GOLD_INPUTS = { targets: 'gold.targets', weights: 'gold.weights' } as const;

/**
 * Token j of step i as the target of latent j in block i (LOTUS): i32 and f32 [B, blocks·width], the mean over all of them.
 * Tokens beyond a block's width and steps beyond the last block are no targets; a latent without a token has weight 0.
 */
export const goldInputs = ({ codec }: TrainingTokens, blocks: number, width: number): OwnInputs => ({
  means: [GOLD_INPUTS.weights],
  feeds(batch) {
    const shape = [batch.length, blocks * width];
    const targets = new Int32Array(batch.length * blocks * width).fill(codec.padId);
    const counted: number[] = [];
    batch.forEach(({ steps }, b) => {
      steps.slice(0, blocks).forEach((step, i) => {
        step.slice(0, width).forEach((id, j) => {
          const at = (b * blocks + i) * width + j;
          targets[at] = id;
          counted.push(at);
        });
      });
    });
    const weights = new Float32Array(targets.length);
    for (const at of counted) weights[at] = 1 / counted.length;
    return {
      [GOLD_INPUTS.targets]: { dtype: 'i32', shape, data: targets },
      [GOLD_INPUTS.weights]: { dtype: 'f32', shape, data: weights },
    };
  },
});
