import { describe, expect, it } from 'vitest';
import { siteId, uniformAt } from '../base/philox';
import { Rng } from '../base/rng';
import { type BlockedRow, checkSampling, type Draw, draw, type SamplingOptions } from './draw';

/** Logits in blocks of at most `width` ids, as `blocksProgram` would give them, and how often blocks were read. */
function blocked(logits: Float32Array, width: number, temperature: number) {
  const blocks = Array.from({ length: Math.ceil(logits.length / width) }, (_, i) => ({
    first: i * width,
    count: Math.min(width, logits.length - i * width),
  }));
  const values = blocks.map(({ first, count }) => logits.subarray(first, first + count));
  const max = Math.max(...logits);
  const row: BlockedRow = {
    blocks,
    maxima: Float32Array.from(values, (part) => Math.max(...part)),
    masses: Float32Array.from(values, (part) =>
      part.reduce((sum, x) => sum + Math.exp((x - max) / temperature), 0),
    ),
  };
  let read = 0;
  const run = (options: SamplingOptions, u: number, atOnce = 2): Draw => {
    const drawing = draw(row, options, u, atOnce);
    let step = drawing.next();
    while (!step.done) {
      read += step.value.length;
      step = drawing.next(step.value.map((n) => values[n] as Float32Array));
    }
    return step.value;
  };
  return { run, blocksRead: () => read, row };
}

/** The kept tokens and their probabilities by the definition, in float64, over all logits. */
function exact(logits: Float32Array, { temperature, topK, topP }: SamplingOptions): Map<number, number> {
  const max = Math.max(...logits);
  let kept = Array.from(logits, (x, id) => ({ id, x, p: Math.exp((x - max) / temperature) }));
  if (topK !== null || topP < 1) kept.sort((a, b) => b.x - a.x || a.id - b.id);
  kept = kept.slice(0, topK ?? logits.length);
  const total = kept.reduce((sum, { p }) => sum + p, 0);
  let before = 0;
  if (topP < 1)
    kept = kept.filter(({ p }, i) => {
      const keep = i === 0 || before < topP * total;
      before += p;
      return keep;
    });
  const mass = kept.reduce((sum, { p }) => sum + p, 0);
  return new Map(kept.map(({ id, p }) => [id, p / mass]));
}

function inverse(distribution: Map<number, number>, u: number): number {
  let sum = 0;
  let last = -1;
  for (const [id, p] of distribution) {
    sum += p;
    last = id;
    if (sum > u) break;
  }
  return last;
}

const logitsOf = (n: number, seed: number, spread: number): Float32Array => {
  const rng = new Rng(seed);
  return Float32Array.from({ length: n }, () => spread * rng.normal());
};

const SETTINGS: SamplingOptions[] = [
  { temperature: 1, topK: null, topP: 1 },
  { temperature: 0.5, topK: null, topP: 1 },
  { temperature: 3, topK: 5, topP: 1 },
  { temperature: 1, topK: 1, topP: 1 },
  { temperature: 1, topK: 1000, topP: 1 },
  { temperature: 0.7, topK: null, topP: 0.9 },
  { temperature: 2, topK: null, topP: 0.999 },
  { temperature: 1, topK: null, topP: 1e-9 },
  { temperature: 1.3, topK: 40, topP: 0.6 },
  { temperature: 1, topK: 300, topP: 0.99 },
];

describe('a draw', () => {
  it.each(SETTINGS)('agrees with the exact distribution, %o', (options) => {
    for (const [n, seed, spread] of [
      [23, 1, 1],
      [200, 2, 2],
      [301, 3, 0.05],
    ] as const) {
      const logits = logitsOf(n, seed, spread);
      const { run } = blocked(logits, 8, options.temperature);
      const expected = exact(logits, options);
      for (let i = 0; i < 200; i++) {
        const u = uniformAt({ seed, step: i, layer: 0, site: 0 }, 0);
        const got = run(options, u);
        expect(got.id).toBe(inverse(expected, u));
        expect(got.logit).toBe(logits[got.id]);
        // The masses are summed in float32.
        expect(got.probability / (expected.get(got.id) as number)).toBeCloseTo(1, 5);
      }
    }
  });

  it.each(SETTINGS.slice(0, 9))('has the exact frequencies, %o', (options) => {
    const logits = logitsOf(23, 7, 1.5);
    const { run } = blocked(logits, 4, options.temperature);
    const expected = exact(logits, options);
    const n = 20_000;
    const counts = new Map<number, number>();
    for (let i = 0; i < n; i++) {
      const { id } = run(options, uniformAt({ seed: 3, step: i, layer: 0, site: siteId('sampling') }, 0));
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    expect([...counts.keys()].every((id) => expected.has(id))).toBe(true);
    // Cells with an expected count below five are joined; χ² beyond the mean by 4.5 deviations has p < 1e-4.
    let [chi, cells, rare, rareCount] = [0, 0, 0, 0];
    for (const [id, p] of expected) {
      const count = counts.get(id) ?? 0;
      if (n * p < 5) {
        rare += n * p;
        rareCount += count;
      } else {
        chi += (count - n * p) ** 2 / (n * p);
        cells++;
      }
    }
    if (rare >= 5) {
      chi += (rareCount - rare) ** 2 / rare;
      cells++;
    }
    const freedom = cells - 1;
    expect(chi).toBeLessThanOrEqual(freedom + 4.5 * Math.sqrt(2 * freedom));
  });

  it('resolves ties to the lowest ids, also across blocks, and reads more blocks until that is certain', () => {
    const logits = new Float32Array(64).fill(1);
    logits[50] = 2;
    const top = { temperature: 1, topK: 4, topP: 1 };
    const { run, blocksRead } = blocked(logits, 8, 1);
    const ids = new Set(Array.from({ length: 400 }, (_, i) => run(top, i / 400).id));
    expect([...ids].sort((a, b) => a - b)).toEqual([0, 1, 2, 50]);
    expect(blocksRead()).toBe(400 * 8);
    expect(run({ ...top, topK: 1 }, 0.999).id).toBe(50);
  });

  it('reads few blocks for a peaked distribution, and one without top-k and top-p', () => {
    const logits = logitsOf(4096, 5, 1);
    for (const id of [17, 2000, 4000]) logits[id] = 30 + id / 1000;
    const options = { temperature: 1, topK: null, topP: 0.95 };
    const peaked = blocked(logits, 64, 1);
    expect([17, 2000, 4000]).toContain(peaked.run(options, 0.99).id);
    expect(peaked.blocksRead()).toBeLessThanOrEqual(4);
    const whole = blocked(logits, 64, 1);
    whole.run({ ...options, topP: 1 }, 0.3);
    expect(whole.blocksRead()).toBe(1);
  });

  it('never takes a token of probability 0, at either end of u', () => {
    const logits = Float32Array.of(-1e5, 0, -1e5, 1, -1e5);
    for (const width of [1, 2, 5])
      for (const topP of [1, 0.9999])
        for (const u of [0, 0.5, 1 - 2 ** -53]) {
          const { id } = blocked(logits, width, 1).run({ temperature: 1, topK: null, topP }, u);
          expect([1, 3]).toContain(id);
        }
  });

  it('refuses meaningless settings', () => {
    const good = { temperature: 1, topK: null, topP: 1 };
    checkSampling({ ...good, temperature: 0 });
    for (const [bad, message] of [
      [{ temperature: -1 }, 'temperature: -1'],
      [{ temperature: 1e-9 }, 'temperature'],
      [{ temperature: Number.NaN }, 'NaN'],
      [{ topK: 0 }, 'top-k: 0'],
      [{ topK: 1.5 }, 'top-k: 1.5'],
      [{ topP: 0 }, 'top-p: 0'],
      [{ topP: 1.01 }, 'top-p: 1.01'],
    ] as const)
      expect(() => checkSampling({ ...good, ...bad })).toThrow(message);
  });
});
