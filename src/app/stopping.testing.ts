import type { StoppingReport, StoppingRequest } from '../contract/stopping';

/** A made-up report: problem i needs 1 + i mod 3 thoughts of at most 4, and the head is sure of it most of the time. */
export function madeStopping(request: StoppingRequest): StoppingReport {
  const max = 4;
  const all = Array.from({ length: request.problems }, (_, i) => i);
  const needed = all.map((i) => 1 + (i % 3));
  const grid = needed.flatMap((need, i) =>
    Array.from({ length: max + 1 }, (_, k) => ({
      right: k >= need,
      odds: (k - need + 0.5) * 2 + ((i % 7) - 3) / 2,
    })),
  );
  const odds = Float32Array.from(grid, (one) => one.odds);
  return {
    ...{ request, label: 'student', model: 'made up', min: 0, max, odds, notes: [], milliseconds: 900 },
    ids: all.map((i) => `held-out-${i}`),
    steps: all.map((i) => 1 + (i % 3)),
    right: Uint8Array.from(grid, (one) => (one.right ? 1 : 0)),
    own: all.map((i) => {
      for (let k = 0; k < max; k++) if ((odds[i * (max + 1) + k] as number) > 0) return k;
      return max;
    }),
  };
}
