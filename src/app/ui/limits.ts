/** What a field states of its number beside its help. */
export interface Limits {
  /** The values that it may have, in words: `1 to 128`. */
  readonly range: string;
  /** Its default. */
  readonly usual: string;
}

/** The range with its unit, where there is one to state, and the default. Every setting's help ends with it. */
export const limitsText = (range: string | null, unit: string | undefined, usual: string): string =>
  `${range === null ? '' : `Range: ${range}${unit ? ` ${unit}` : ', without a unit'}. `}Default: ${usual}`;
