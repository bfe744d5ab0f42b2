/** A part of a run in which something of the method differs: its sequence, its loss, or both. */
export interface Stage {
  readonly name: string;
  /** Its first step, counted from 0. */
  readonly from: number;
}

/**
 * Stages one after another, each of as many steps; the last one takes what is left. A run that ends before a stage begins
 * never has it.
 * @param steps of a stage  @param total of the run  @param first steps of the first stage
 */
export const stagesOf = (names: readonly string[], steps: number, total: number, first = steps): Stage[] =>
  names
    .map((name, i) => ({ name, from: i === 0 ? 0 : first + (i - 1) * steps }))
    .filter(({ from }) => from === 0 || from < total);

/** Index of the stage at a step counted from 0. */
export const stageAt = (stages: readonly Stage[], step: number): number =>
  Math.max(
    0,
    stages.findLastIndex(({ from }) => from <= step),
  );
