/** Numbers as page and headless commands write them. */

/** Four significant digits; powers of ten far from one; words for what is no number. */
export function significant(value: number, digits = 4): string {
  if (Number.isNaN(value)) return 'not a number';
  if (!Number.isFinite(value)) return value > 0 ? 'infinite' : '−infinite';
  if (value === 0) return '0';
  const size = Math.abs(value);
  const whole = size >= 10 ** digits && size < 1e6;
  const text = whole
    ? value.toFixed(0)
    : size < 1e-3 || size >= 1e6
      ? value.toExponential(digits - 1)
      : value.toPrecision(digits);
  return text.replaceAll('-', '−').replace('e+', 'e');
}

export const percent = (share: number, digits = 1) => `${(100 * share).toFixed(digits)} %`;

/** A difference of two shares, with its sign. */
export const signedPercent = (share: number) => `${share > 0 ? '+' : ''}${percent(share).replace('-', '−')}`;

/** The same in percentage points, which the column or the sentence names. */
export const points = (share: number) => signedPercent(share).replace(' %', '');

/** A p-value: `0.032`, `< 0.001`. */
export const pValue = (p: number) => (p < 0.001 ? '< 0.001' : significant(p, 2));

/** Bytes where only their order matters: `4.0 GB`. */
export const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(1)} GB`;
