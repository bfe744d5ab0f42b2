import { describe, expect, it } from 'vitest';
import { CancelledError, ShapeError } from '../base/errors';
import { unpackF32 } from '../kernels/shared/testing';
import { collapse, meanCosine } from './collapse';
import { layerAngles } from './layer-angles';
import golden from './lens.golden.json';
import { constantStates, goldenStates, randomStates } from './lens.testing';
import { pointCount, trajectories } from './trajectories';

const first = goldenStates('first');
const second = goldenStates('second');
const layers = golden.chosen;

describe('principal angles, layer by layer', () => {
  it.each(['plain', 'centred'] as const)('match scipy on %s states', async (name) => {
    const options = { rank: 4, layers, centre: name === 'centred', seed: 1 };
    const { angles, chance } = await layerAngles(first, second, options);
    golden.angles[name].forEach((want, p) => {
      want.forEach((t, i) => {
        // Directions of float32 states, orthonormal to 1e-7, apart by gaps of a tenth of σ₁.
        expect(Math.abs((angles[p * 4 + i] as number) - t), `layer ${layers[p]}, angle ${i}`).toBeLessThan(
          5e-6,
        );
      });
    });
    expect(chance.length).toBe(angles.length);
    for (const t of chance) expect(t > 0 && t <= Math.PI / 2 + 1e-6).toBe(true);
  });

  it('are 0 between a model and itself, far below chance', async () => {
    const options = { rank: 3, layers, centre: false, seed: 1 };
    const { angles, chance } = await layerAngles(first, first, options);
    for (const t of angles) expect(t).toBeLessThan(1e-6);
    for (let p = 0; p < layers.length; p++) expect(chance[p * 3 + 2]).toBeGreaterThan(0.8);
    expect((await layerAngles(first, first, options)).chance).toEqual(chance);
    expect((await layerAngles(first, first, { ...options, seed: 2 })).chance).not.toEqual(chance);
  });

  it('are computed for the directions that the states span, and NaN beyond', async () => {
    const flat = constantStates([4, 3], 4, golden.hidden);
    const { angles, chance } = await layerAngles(flat, first, {
      rank: 2,
      layers: [1, 2],
      centre: false,
      seed: 1,
    });
    for (const list of [angles, chance]) {
      expect([...list].map(Number.isNaN)).toEqual([false, true, false, true]);
    }
    const none = await layerAngles(flat, first, { rank: 2, layers: [1], centre: true, seed: 1 });
    expect([...none.angles, ...none.chance].every(Number.isNaN)).toBe(true);
  });

  it('are compared with a random subspace of the second one’s dimension', async () => {
    // Three rows less their mean span two directions.
    const few = randomStates([2, 1], 1, 12, 2);
    const many = randomStates([9], 1, 12, 1);
    const options = { rank: 3, layers: [1], centre: true, seed: 1 };
    for (const [x, y] of [
      [many, few],
      [few, many],
    ] as const) {
      const { angles, chance } = await layerAngles(x, y, options);
      expect([...angles].map(Number.isNaN)).toEqual([false, false, true]);
      expect([...chance].map(Number.isNaN)).toEqual([false, false, true]);
    }
  });

  it('by chance agree with those of random subspaces', async () => {
    // For H large against r, cos² of the angles with a random subspace sum to r·r/H on average.
    const [r, H] = [4, 200];
    const states = randomStates([40], 3, H, 5);
    const layers = [1, 2, 3];
    let sum = 0;
    for (let seed = 0; seed < 10; seed++)
      for (const t of (await layerAngles(states, states, { rank: r, layers, centre: false, seed })).chance)
        sum += Math.cos(t) ** 2 / (10 * layers.length);
    // Of 30 draws with a spread of about √(2·16)/200: four standard errors.
    expect(Math.abs(sum - (r * r) / H)).toBeLessThan((4 * Math.sqrt(32)) / H / Math.sqrt(30));
  });

  it('refuse two hidden sizes, and can be cancelled', async () => {
    const options = { rank: 1, layers: [1], centre: false, seed: 1 };
    await expect(layerAngles(first, randomStates([3], 4, 5), options)).rejects.toThrow(ShapeError);
    await expect(layerAngles(first, second, { ...options, signal: AbortSignal.abort() })).rejects.toThrow(
      CancelledError,
    );
  });
});

describe('collapse', () => {
  it('matches numpy; a sample with one position has no pair', async () => {
    const got = await collapse({ gathered: first, layers });
    golden.collapse.cosine.forEach((x, p) => {
      expect(got.cosine[p]).toBeCloseTo(x, 6);
    });
    golden.collapse.effectiveRank.forEach((x, p) => {
      expect(got.effectiveRank[p]).toBeCloseTo(x, 4);
    });
    expect(got.positions).toBe(17 / 4);
  });

  it('is 1 and 1 for states that are all alike, and NaN for single positions', async () => {
    const alike = await collapse({ gathered: constantStates([3, 2], 1, 4), layers: [1] });
    expect(alike.cosine[0]).toBeCloseTo(1, 12);
    expect(alike.effectiveRank[0]).toBeCloseTo(1, 5);
    const single = await collapse({ gathered: randomStates([1, 1], 1, 4), layers: [1] });
    expect(single.cosine[0]).toBeNaN();
    expect(single.effectiveRank[0]).toBeCloseTo(1, 6);
  });

  it('handles opposite, orthogonal and missing directions', () => {
    expect(meanCosine(Float32Array.of(1, 0, -2, 0), 2)).toBeCloseTo(-1, 12);
    expect(meanCosine(Float32Array.of(1, 0, 0, 5), 2)).toBeCloseTo(0, 12);
    expect(meanCosine(Float32Array.of(0, 0, 3, 4, 6, 8), 2)).toBeCloseTo(1, 12);
    expect(meanCosine(Float32Array.of(0, 0, 3, 4), 2)).toBeNaN();
  });
});

describe('trajectories', () => {
  const both = [
    { gathered: first, layers },
    { gathered: second, layers },
  ];

  it.each(['tucker', 'pca'] as const)('by %s match numpy, signs included', async (basis) => {
    const { shares, points } = await trajectories(both, basis);
    const want = golden.axes[basis];
    want.shares.forEach((x, c) => {
      expect(shares[c]).toBeCloseTo(x, 6);
    });
    const xyz = unpackF32(want.xyz);
    const got = points.flatMap((p) => [...p.xyz]);
    const size = Math.max(...xyz.map(Math.abs));
    expect(got.length).toBe(xyz.length);
    // The third direction is known to the float32 rounding of the states over its gap.
    xyz.forEach((x, i) => {
      expect(Math.abs((got[i] as number) - x)).toBeLessThan(1e-5 * size);
    });
  });

  it('label each point with its sample, position, layer and section', async () => {
    const { points } = await trajectories(both, 'tucker');
    const one = points[0];
    expect(pointCount({ gathered: first, layers })).toBe(17 * 3);
    expect(one?.sample.length).toBe(17 * 3);
    expect([...(one?.sample.subarray(12, 18) ?? [])]).toEqual([0, 0, 0, 1, 1, 1]);
    expect([...(one?.position.subarray(12, 21) ?? [])]).toEqual([4, 4, 4, 0, 0, 0, 1, 1, 1]);
    expect([...(one?.layer.subarray(12, 18) ?? [])]).toEqual([1, 3, 4, 1, 3, 4]);
    expect([...(one?.section.subarray(12, 21) ?? [])]).toEqual([1, 1, 1, 0, 0, 0, 1, 1, 1]);
  });

  it('accept constant states and two dimensions, and refuse two hidden sizes', async () => {
    const flat = await trajectories([{ gathered: constantStates([2], 1, 5), layers: [1] }], 'pca');
    expect([...flat.shares, ...(flat.points[0]?.xyz ?? [])]).toEqual(new Array(9).fill(0));
    const narrow = await trajectories([{ gathered: randomStates([4], 1, 2), layers: [1] }], 'tucker');
    expect((narrow.shares[0] as number) + (narrow.shares[1] as number)).toBeCloseTo(1, 6);
    expect(narrow.points[0]?.xyz[2]).toBe(0);
    await expect(
      trajectories([...both, { gathered: randomStates([2], 1, 5), layers: [1] }], 'pca'),
    ).rejects.toThrow('hidden sizes 20 and 5');
    await expect(trajectories(both, 'pca', { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });
});
