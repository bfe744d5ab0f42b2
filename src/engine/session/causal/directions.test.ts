import { describe, expect, it } from 'vitest';
import type { GatheredStates } from '../../analysis/gathered';
import { CancelledError } from '../../base/errors';
import { Rng } from '../../base/rng';
import { normals } from '../../train/tiny.testing';
import { keptAt, layerDirections } from './controls';
import {
  type Directions,
  directionsFor,
  energiesOf,
  leadingDirections,
  type Projection,
  projectionOf,
  randomDirections,
} from './directions';

const [L, H] = [2, 10];

/**
 * Layer 1 is arbitrary; layer 2 lies in mean + span(a, b), with a stronger than b. Two samples of 7 and 5
 * positions.
 */
function planted() {
  const rng = new Rng(8);
  const mean = normals(rng, H, 3);
  const a = normals(rng, H, 2);
  const b = normals(rng, H, 0.5);
  const samples = [7, 5].map((tokens, i) => {
    const states = normals(rng, tokens * L * H);
    for (let n = 0; n < tokens; n++) {
      const [s, t] = [rng.normal(), rng.normal()];
      for (let j = 0; j < H; j++)
        states[(n * L + 1) * H + j] = (mean[j] as number) + s * (a[j] as number) + t * (b[j] as number);
    }
    return { id: `${i}`, about: '', tokens, states, sections: new Uint8Array(tokens), texts: [] };
  });
  return { gathered: { layers: L, hidden: H, samples } as GatheredStates, a, b };
}

const rowsOf = ({ samples }: GatheredStates, layer: number): number[][] =>
  samples.flatMap(({ states, tokens }) =>
    Array.from({ length: tokens }, (_, n) =>
      Array.from(states.subarray((n * L + layer - 1) * H, (n * L + layer) * H)),
    ),
  );
/** h·P + s */
const apply = ({ matrix, shift }: Projection, h: readonly number[]): number[] =>
  Array.from(shift, (s, j) => h.reduce((sum, x, i) => sum + x * (matrix[i * H + j] as number), s));
const away = (got: readonly number[], want: readonly number[]): number =>
  Math.hypot(...got.map((x, i) => x - (want[i] as number))) / Math.hypot(...want);
const dot = (d: Directions, i: number, j: number): number => {
  let s = 0;
  for (let k = 0; k < H; k++) s += (d.rows[i * H + k] as number) * (d.rows[j * H + k] as number);
  return s;
};
/** float32 of P and shift. */
const TOLERANCE = 1e-6;

describe('directions and projections', () => {
  it('two centred directions leave the states of a layer of rank two unchanged', async () => {
    const { gathered } = planted();
    const found = await leadingDirections(gathered, 2, 2, true);
    const projection = await projectionOf(found, 2);
    for (const h of rowsOf(gathered, 2)) expect(away(apply(projection, h), h)).toBeLessThan(TOLERANCE);
    // States of another layer, and other points, are changed.
    const [other] = rowsOf(gathered, 1) as [number[]];
    expect(away(apply(projection, other), other)).toBeGreaterThan(0.1);
    // Uncentred, the mean is a direction of its own.
    const raw = await projectionOf(await leadingDirections(gathered, 2, 2, false), 2);
    expect(Math.max(...rowsOf(gathered, 2).map((h) => away(apply(raw, h), h)))).toBeGreaterThan(0.01);
    const three = await projectionOf(await leadingDirections(gathered, 2, 3, false), 3);
    for (const h of rowsOf(gathered, 2)) expect(away(apply(three, h), h)).toBeLessThan(TOLERANCE);
  });

  it('the first direction is the strongest: no other one keeps more of the states', async () => {
    const { gathered } = planted();
    const kept = (v: ArrayLike<number>): number =>
      rowsOf(gathered, 1).reduce((n, h) => n + h.reduce((s, x, j) => s + x * (v[j] as number), 0) ** 2, 0);
    const found = await leadingDirections(gathered, 1, 4, false);
    const energies = [0, 1, 2, 3].map((k) => kept(found.rows.subarray(k * H, (k + 1) * H)));
    expect(energies).toEqual([...energies].sort((x, y) => y - x));
    const rng = new Rng(2);
    for (let n = 0; n < 200; n++) {
      const v = normals(rng, H);
      const norm = Math.hypot(...v);
      expect(kept(v.map((x) => x / norm))).toBeLessThanOrEqual(energies[0] as number);
    }
  });

  it('is orthonormal to float64, idempotent, and projects to zero at r = 0', async () => {
    const { gathered } = planted();
    const leading = await leadingDirections(gathered, 1, 6, true);
    for (const d of [leading, await randomDirections(leading, 6, new Rng(3))]) {
      for (let i = 0; i < 6; i++)
        for (let j = 0; j < 6; j++) expect(Math.abs(dot(d, i, j) - (i === j ? 1 : 0))).toBeLessThan(1e-14);
      const projection = await projectionOf(d, 4);
      const [h] = rowsOf(gathered, 2) as [number[]];
      const once = apply(projection, h);
      expect(away(apply(projection, once), once)).toBeLessThan(TOLERANCE);
      expect(away(apply(await projectionOf(d, 0), h), Array.from(leading.centre))).toBeLessThan(TOLERANCE);
    }
  });

  it('is the identity to the bit at r = H, however many directions were found', async () => {
    const { gathered } = planted();
    for (const centred of [false, true]) {
      const { matrix, shift } = await projectionOf(await leadingDirections(gathered, 1, 1, centred), H);
      expect(Array.from(matrix)).toEqual(Array.from(matrix, (_, i) => (i % (H + 1) === 0 ? 1 : 0)));
      expect(Array.from(shift, Math.abs)).toEqual(new Array(H).fill(0));
    }
  });

  it('energies are those of the states and sum to their total over H directions', async () => {
    const { gathered } = planted();
    for (const centred of [false, true]) {
      const leading = await leadingDirections(gathered, 1, 4, centred);
      const { energies, total } = await energiesOf(gathered, 1, leading);
      const states = rowsOf(gathered, 1).map((h) => h.map((x, i) => x - (leading.centre[i] as number)));
      const along = (v: ArrayLike<number>): number =>
        states.reduce((n, h) => n + h.reduce((s, x, j) => s + x * (v[j] as number), 0) ** 2, 0);
      for (let k = 0; k < 4; k++)
        expect(energies[k]! / along(leading.rows.subarray(k * H, (k + 1) * H))).toBeCloseTo(1, 12);
      const all = await energiesOf(gathered, 1, await randomDirections(leading, H, new Rng(4)));
      expect(all.total).toBe(total);
      expect(all.energies.reduce((sum, e) => sum + e, 0) / total).toBeCloseTo(1, 12);
    }
  });

  it('equal-energy random directions keep as much of the states’ energy as the leading ones', async () => {
    const { gathered } = planted();
    for (const [layer, centred] of [
      [1, false],
      [1, true],
      [2, true],
    ] as const) {
      const found = await layerDirections(gathered, layer, 5, centred, new Rng(6), {});
      const kept = async (kind: 'leading' | 'random' | 'equal-energy', r: number): Promise<number> => {
        const { directions, count, lastWeight } = keptAt(found, kind, r);
        const projection = await projectionOf(directions, count, undefined, lastWeight);
        return rowsOf(gathered, layer).reduce((sum, h) => {
          const moved = apply(projection, h);
          return sum + moved.reduce((s, x, i) => s + (x - (directions.centre[i] as number)) ** 2, 0);
        }, 0);
      };
      for (const r of [1, 2, 3, 5]) {
        const wanted = await kept('leading', r);
        // The projections are applied in float32.
        expect((await kept('equal-energy', r)) / wanted).toBeCloseTo(1, 5);
        expect((await kept('random', r)) / wanted).toBeLessThan(0.95);
        const { count, energy } = keptAt(found, 'equal-energy', r);
        expect(count).toBeGreaterThanOrEqual(r);
        expect(energy).toBeCloseTo(keptAt(found, 'leading', r).energy, 12);
        expect(energy).toBeCloseTo(wanted / found.total, 5);
      }
      // `equal-energy` takes the same random directions, only more of them.
      expect(keptAt(found, 'equal-energy', 2).directions).toBe(keptAt(found, 'random', 2).directions);
    }
  });

  it.each<[readonly number[], number, number, number]>([
    [[4, 1, 3], 0, 0, 1],
    [[4, 1, 3], 4, 1, 1],
    [[4, 1, 3], 5, 2, 1],
    [[4, 1, 3], 1, 1, 0.5],
    [[4, 1, 3], 5.75, 3, 0.5],
    [[4, 1, 3], 8, 3, 1],
    [[4, 1, 3], 9, 3, 1],
    [[0, 4], 1, 2, 0.5],
  ])(
    'of energies %j an energy of %f takes %i directions, the last one by %f',
    (energies, energy, count, lastWeight) => {
      expect(directionsFor(Float64Array.from(energies), energy)).toEqual({ count, lastWeight });
    },
  );

  it('random directions depend on the seed and differ from the leading ones', async () => {
    const { gathered } = planted();
    const leading = await leadingDirections(gathered, 1, 3, false);
    const draw = (seed: number): Promise<Directions> => randomDirections(leading, 3, new Rng(seed));
    expect(await draw(1)).toEqual(await draw(1));
    expect((await draw(1)).rows).not.toEqual((await draw(2)).rows);
    expect((await draw(1)).rows).not.toEqual(leading.rows);
  });

  it('computes no directions for r = 0, and can be cancelled', async () => {
    const { gathered } = planted();
    const none = await leadingDirections(gathered, 1, 0, true);
    expect(none.rows.length).toBe(0);
    expect(Math.hypot(...none.centre)).toBeGreaterThan(0);
    const three = await leadingDirections(gathered, 1, 3, true);
    const signal = AbortSignal.abort();
    for (const call of [
      leadingDirections(gathered, 1, 3, true, { signal }),
      randomDirections(three, 3, new Rng(1), signal),
      projectionOf(three, 2, signal),
    ])
      await expect(call).rejects.toThrow(CancelledError);
  });
});
