/** A share with its 95 % Wilson score interval. */
export interface Share {
  readonly correct: number;
  readonly total: number;
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** Written as a percentage. */
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const Z = 1.959963984540054;

/** Wilson's interval, valid near 0 and 1, where the normal approximation is not. @throws RangeError for impossible counts */
export function wilson(correct: number, total: number): Share {
  if (!(correct >= 0 && correct <= total))
    throw new RangeError(`${correct} of ${total} right is not possible`);
  if (total === 0) return { correct, total, share: 0, low: 0, high: 1 };
  const p = correct / total;
  const z2 = Z * Z;
  const centre = (p + z2 / (2 * total)) / (1 + z2 / total);
  const half = (Z / (1 + z2 / total)) * Math.sqrt((p * (1 - p)) / total + z2 / (4 * total * total));
  // The share lies inside, also at 0 and 1, but for rounding.
  const low = Math.min(p, Math.max(0, centre - half));
  return { correct, total, share: p, low, high: Math.max(p, Math.min(1, centre + half)) };
}
