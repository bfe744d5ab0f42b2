/** What is wrong with a typed number that must be a whole one from `low` to `high`; `null` if nothing is. */
export const whole = (value: number, low: number, high: number): string | null =>
  Number.isInteger(value) && value >= low && value <= high
    ? null
    : `Choose a whole number from ${low} to ${high}.`;
