import { describe, expect, it } from 'vitest';
import { CancelledError } from '../base/errors';
import { svdCpu } from '../kernels/svd/svd.cpu';
import golden from './lens.golden.json';
import { constantStates, goldenStates, randomStates } from './lens.testing';
import { allLayers, statesAt } from './rows';
import { project, type Shape3 } from './tucker';
import { expand, unfold } from './tucker.testing';
import { tuckerEnergy } from './tucker-report';

const close = (got: ArrayLike<number>, want: readonly number[], tolerance: number) => {
  expect(got.length).toBe(want.length);
  want.forEach((x, i) => {
    expect(Math.abs((got[i] as number) - x), `entry ${i}`).toBeLessThan(tolerance);
  });
};

describe('the Tucker report', () => {
  const chosen = { gathered: goldenStates('first'), layers: golden.chosen };

  it.each([
    ['as they are', false, golden.tucker],
    ['centred', true, golden.tuckerCentred],
  ] as const)('matches numpy on states %s', async (_, centre, want) => {
    const progress: number[] = [];
    const got = await tuckerEnergy(chosen, { centre, onProgress: (p) => progress.push(p) });
    const first = want.hiddenSigma[0] as number;
    close(got.layerSigma, want.layerSigma, 1e-6 * first);
    close(got.hiddenSigma, want.hiddenSigma, 1e-6 * first);
    close(got.energy, want.energy, 1e-6);
    // An error is the root of what is left: near nothing, rounding of 1e-13 in the sum shows as 3e-7.
    close(got.error, want.error, 2e-6);
    expect(progress.at(-1)).toBeCloseTo(1, 12);
  });

  it('reports each reconstruction’s error', async () => {
    const g = randomStates([4, 3], 3, 6);
    const layers = allLayers(3);
    const { error, columns } = await tuckerEnergy({ gathered: g, layers });
    const shape: Shape3 = [7, 3, 6];
    const x = Float32Array.from(g.samples.flatMap((s) => [...statesAt(s, g, layers)]));
    const basis = (mode: 1 | 2, r: number) => {
      const n = shape[mode];
      return svdCpu(unfold(x, shape, mode), { batch: 1, rows: n, cols: x.length / n, r }).u;
    };
    for (let i = 1; i <= 3; i++) {
      for (let j = 1; j <= 6; j++) {
        const [uL, uH] = [basis(1, i), basis(2, j)];
        const l = project(x, shape, 1, uL, i);
        const core = project(l.data, l.shape, 2, uH, j);
        const wide = expand(core.data, core.shape, 1, uL, 3);
        const back = expand(wide.data, wide.shape, 2, uH, 6).data;
        let off = 0;
        let all = 0;
        x.forEach((v, k) => {
          off += (v - (back[k] as number)) ** 2;
          all += v * v;
        });
        // The float32 bases and reconstruction here carry 1e-7.
        expect(error[(i - 1) * columns + j - 1]).toBeCloseTo(Math.sqrt(off / all), 5);
      }
    }
  });

  it('contains all of the energy if J covers H, and never more', async () => {
    for (const [tokens, layers, hidden] of [
      [[1], 1, 1],
      [[2, 5], 3, 7],
      [[3], 2, 64],
      [[2, 1], 2, 70],
    ] as const) {
      const gathered = randomStates(tokens, layers, hidden);
      const all = { gathered, layers: allLayers(layers) };
      const { energy, error, columns, hiddenSigma } = await tuckerEnergy(all);
      const rows = tokens.reduce((a, b) => a + b, 0) * layers;
      expect(columns).toBe(Math.min(hidden, 64));
      expect(hiddenSigma.length).toBe(Math.min(hidden, rows));
      const sum = energy.reduce((a, b) => a + b, 0);
      // 64 columns hold all that six rows span, too.
      expect(sum).toBeCloseTo(1, 5);
      expect(error.at(-1)).toBeLessThan(1e-6);
      for (const e of energy) expect(e).toBeGreaterThanOrEqual(0);
      for (let i = 1; i < columns; i++) expect(error[i]).toBeLessThanOrEqual(error[i - 1] as number);
    }
  });

  it('is the same whichever sample comes first', async () => {
    const { gathered, layers } = chosen;
    const turned = { ...gathered, samples: [...gathered.samples].reverse() };
    const [a, b] = await Promise.all([tuckerEnergy(chosen), tuckerEnergy({ gathered: turned, layers })]);
    close(b.energy, [...a.energy], 1e-6);
    close(b.error, [...a.error], 1e-6);
  });

  it('accepts constant states: one direction, and none once centred', async () => {
    const all = { gathered: constantStates([3, 2], 2, 4), layers: [1, 2] };
    const one = await tuckerEnergy(all);
    expect(one.energy[0]).toBeCloseTo(1, 6);
    expect(one.error[0]).toBeLessThan(1e-6);
    const none = await tuckerEnergy(all, { centre: true });
    expect([...none.energy, ...none.error, ...none.layerSigma, ...none.hiddenSigma]).toEqual(
      new Array(2 * 8 + 6).fill(0),
    );
  });

  it('can be cancelled', async () => {
    await expect(tuckerEnergy(chosen, { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
  });
});
