/**
 * Linear warm-up, then cosine to zero: lr(t) = lr·min(1, (t+1)/w)·½(1 + cos(π·max(0, t−w)/(T−w))), t from 0, T steps,
 * w = round(warmup·T).
 */
export function learningRate(step: number, steps: number, peak: number, warmup: number): number {
  const w = Math.round(warmup * steps);
  const rise = w > 0 ? Math.min(1, (step + 1) / w) : 1;
  const progress = Math.max(0, step - w) / Math.max(1, steps - w);
  return peak * rise * 0.5 * (1 + Math.cos(Math.PI * progress));
}
