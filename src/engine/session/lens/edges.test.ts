import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  CONTROLS,
  FIGURE_6,
  type LensReport,
  type LensRequest,
  type Selection,
} from '../../../contract/lens';
import { Rng } from '../../base/rng';
import { thinking } from '../../decode/reasoning.testing';
import { loraLayout } from '../../nn/lora';
import { adapted as asStudent } from '../../nn/parameters.testing';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { serveFiles, type TinyPairOptions, tinyPair } from '../../testing/tiny-pair.testing';
import { normals } from '../../train/tiny.testing';
import { causalTest } from '../causal/causal';
import { DeviceModels } from '../models/device-models';
import { loadPair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import type { LoadedModels } from '../models/subjects';
import type { Student } from '../runs/student';
import { ANY } from '../runs/student.testing';
import { lens } from './lens';
import { StatesCache } from './states-cache';

/** The smallest of everything: one layer, one latent step, one token, one sample. */

let runtime: Runtime;
let models: DeviceModels;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
  models = new DeviceModels(runtime);
});
afterAll(() => runtime.dispose());

async function holding(options: TinyPairOptions, latentSteps: number): Promise<LoadedModels> {
  const { pair } = await loadPair('models', { fetch: serveFiles(await tinyPair(options)) });
  const { config } = pair.base;
  const lora = { rank: 1, alpha: 2, targets: ['v'] } as const;
  const packs = Array.from({ length: config.layers }, (_, i) =>
    normals(new Rng(i), loraLayout(config, lora).length, 0.2),
  );
  const student: Student = {
    ...ANY,
    label: 's',
    reasoning: thinking(latentSteps),
    parameters: asStudent(lora),
    packs,
  };
  return {
    pair,
    problems: new ProblemSet(pair.manifest.data, pair.codec),
    student,
    checkpoints: new Map(),
  };
}

const TEACHER: Selection = { subject: { kind: 'teacher' }, sections: ['rationale'] };
const LATENT: Selection = { subject: { kind: 'student' }, sections: ['latent'] };
const EVERYTHING: LensRequest = {
  ...FIGURE_6,
  source: { kind: 'problems', seed: 1, samples: 3 },
  tucker: true,
  trajectories: 'pca',
};
const ask = (loaded: LoadedModels, changes: Partial<LensRequest>): Promise<LensReport> =>
  lens({ models, loaded, cache: new StatesCache() }, { ...EVERYTHING, ...changes });

/** Paths of the numbers that are not finite. */
function notFinite(value: unknown, path = ''): string[] {
  if (typeof value === 'number') return Number.isFinite(value) ? [] : [path];
  if (ArrayBuffer.isView(value))
    return [...(value as Float32Array)].flatMap((x, i) => (Number.isFinite(x) ? [] : [`${path}[${i}]`]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => notFinite(inner, `${path}.${key}`));
}

describe('one layer and one latent step', () => {
  let loaded: LoadedModels;
  beforeAll(async () => {
    loaded = await holding({ config: { num_hidden_layers: 1 } }, 1);
  });

  it('give matrices of one row, whose spectrum is one value', async () => {
    const { selections } = await ask(loaded, { selections: [LATENT], controls: ['shuffled', 'gaussian'] });
    const [only] = selections;
    for (const spectrum of only?.spectra ?? []) {
      expect(spectrum).toMatchObject({ tokens: 1, rows: 1, stableRank: 1, energyRanks: [1, 1, 1, 1] });
      expect([spectrum.sigma.length, ...spectrum.cumulative]).toEqual([1, 1]);
      expect(spectrum.effectiveRank).toBeCloseTo(1, 12);
    }
    expect([...(only?.bands?.cumulative.median ?? [])]).toEqual([1]);
    expect(only?.collapse.positions).toBe(1);
    // A single position has no pair.
    expect([...(only?.collapse.cosine ?? [])]).toEqual([Number.NaN]);
    expect(only?.tucker).toMatchObject({ layers: [1], columns: 32 });
    expect([only?.tucker?.layerSigma.length, only?.tucker?.hiddenSigma.length]).toEqual([1, 3]);
    expect(only?.tucker?.error.at(-1)).toBeLessThan(1e-6);
    expect([...(only?.trajectory?.position ?? [])]).toEqual([0, 0, 0]);
  });

  it('report zeros for a centred matrix with a single row', async () => {
    const { selections, controls } = await ask(loaded, {
      selections: [LATENT],
      centre: true,
      controls: ['shuffled', 'gaussian'],
    });
    for (const spectra of [selections[0]?.spectra, ...controls.map((c) => c.spectra)])
      for (const spectrum of spectra ?? []) {
        expect([...spectrum.sigma, ...spectrum.cumulative]).toEqual([0, 0]);
        expect(spectrum).toMatchObject({ effectiveRank: 0, stableRank: 0, energyRanks: [0, 0, 0, 0] });
      }
  });

  it('are compared with a teacher whose samples have other lengths', async () => {
    const report = await ask(loaded, { selections: [TEACHER, LATENT], angles: 3, controls: CONTROLS });
    expect(notFinite(report)).toEqual(['.selections.1.collapse.cosine[0]']);
    const [teacher, student] = report.selections;
    expect(student?.layerRanks.map(({ rows }) => rows)).toEqual([3]);
    expect(teacher?.layerRanks[0]?.rows).toBeGreaterThan(9);
    // Three thoughts minus their mean span two directions: there is no third angle.
    const centred = await ask(loaded, { selections: [TEACHER, LATENT], angles: 3, centre: true });
    for (const angles of [centred.angles?.angles, centred.angles?.chance])
      expect([...(angles ?? [])].map(Number.isNaN)).toEqual([false, false, true]);
  });

  it('can be used in the causal test', async () => {
    const cache = new StatesCache();
    const request = {
      subject: { kind: 'student' },
      problems: 2,
      layers: [1],
      ranks: [0, 1, 32],
      positions: 'generated',
      centre: true,
      samples: 2,
      seed: 1,
      random: true,
    } as const;
    const { points, whole } = await causalTest({ models, device: undefined, loaded, cache }, request);
    // Three ranks, each with leading, random and energy-matched directions.
    expect(points.length).toBe(9);
    for (const point of points.filter(({ rank }) => rank === 32)) expect(point.accuracy).toEqual(whole);
  });
});

describe('one token', () => {
  it.each(['sample', 'layer', 'token', 'all'] as const)(
    'alone in a text, stacked by %s, is analysed as a single state',
    async (stack) => {
      const loaded = await holding({}, 2);
      const report = await ask(loaded, {
        source: { kind: 'texts', texts: ['7'] },
        selections: [{ subject: { kind: 'base' }, sections: ['text'] }],
        stack,
        layers: [2],
      });
      const [only] = report.selections;
      const tokens = only?.trajectory?.texts[0]?.length as number;
      expect(only?.spectra.reduce((n, s) => n + s.tokens, 0)).toBe(tokens);
      expect(only?.bands).toBeNull();
      expect(only?.layerRanks.map(({ layer, rows }) => [layer, rows])).toEqual([[2, tokens]]);
      expect(notFinite(report)).toEqual(tokens === 1 ? ['.selections.0.collapse.cosine[0]'] : []);
    },
  );
});
