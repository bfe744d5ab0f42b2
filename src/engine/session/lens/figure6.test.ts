import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasFile, readFile } from '../../../../scripts/tools/files';
import {
  FIGURE_6,
  type LensReport,
  type LensRequest,
  type Section,
  type Selection,
  type Source,
  type Spectrum,
  type Stack,
} from '../../../contract/lens';
import type { GatheredStates } from '../../analysis/gathered';
import { createRuntime } from '../../runtime/runtime';
import { DeviceModels } from '../models/device-models';
import { loadPair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import { resolveSubject } from '../models/subjects';
import { gatherStates, sequencesOf } from '../states/states';
import { LoriWorkbench } from '../workbench';
import golden from './figure6-pair.golden.json';
import stories from './figure6-stories.golden.json';

/**
 * Figure 6 by numpy and scipy (scripts/goldens/lens), which share no code with the engine: they repeat
 * tokenization, forward pass and decomposition, in float64. The engine's forward pass is float32; that, and
 * not the decomposition, explains the difference.
 */
interface GoldenSpectrum {
  readonly rows: number;
  readonly sigma: readonly number[];
  readonly cumulative: readonly number[];
  readonly effectiveRank: number;
  readonly stableRank: number;
  readonly energyRanks: readonly number[];
}
interface GoldenReport {
  readonly bySample: readonly GoldenSpectrum[];
  readonly bySampleCentred: readonly GoldenSpectrum[];
  readonly byLayer: readonly GoldenSpectrum[];
  readonly all: GoldenSpectrum;
  readonly tucker: { readonly layerSigma: readonly number[]; readonly hiddenSigma: readonly number[] };
}

/** Relative to the largest value of each list: float32 through four or five layers. Measured 6.3e-7. */
const TOLERANCE = 3e-6;

const fromModels: typeof fetch = async (url) =>
  new Response(await readFile('models', String(url).replace(/^models\//, '')));

let workbench: LoriWorkbench;
beforeAll(async () => {
  workbench = new LoriWorkbench({
    crossOriginIsolated: true,
    runtimeVersion: 'test',
    threads: 1,
    fetch: fromModels,
  });
  await workbench.open('wasm');
});
afterAll(() => workbench.close());

/** Largest difference, relative to the largest value. */
function expectClose(got: ArrayLike<number>, want: readonly number[], what: string): void {
  expect(got.length, what).toBe(want.length);
  const largest = Math.max(...want.map(Math.abs));
  const error = Math.max(...want.map((x, i) => Math.abs((got[i] as number) - x))) / largest;
  expect(error, what).toBeLessThan(TOLERANCE);
}

function expectSpectrum(got: Spectrum | undefined, want: GoldenSpectrum, what: string): void {
  expectClose(got?.sigma ?? [], want.sigma, `${what}: σ`);
  expectClose(got?.cumulative ?? [], want.cumulative, `${what}: cumulative`);
  expectRanks(got, want, what);
}

/** Ranks over all spectra, and for each layer. */
function expectRanks(
  got: Pick<Spectrum, 'effectiveRank' | 'stableRank' | 'rows' | 'energyRanks'> | undefined,
  want: GoldenSpectrum,
  what: string,
): void {
  expectClose([got?.effectiveRank ?? Number.NaN], [want.effectiveRank], `${what}: effective rank`);
  expectClose([got?.stableRank ?? Number.NaN], [want.stableRank], `${what}: stable rank`);
  expect([got?.rows, got?.energyRanks], what).toEqual([want.rows, want.energyRanks]);
}

/** [position][layer]: norm, first feature, second. */
type GoldenStates = readonly (readonly (readonly number[])[])[];

async function check(selection: Selection, source: Source, expected: GoldenReport): Promise<void> {
  const look = (changes: Partial<LensRequest>): Promise<LensReport> =>
    workbench.lens({ ...FIGURE_6, source, selections: [selection], ...changes });
  const stacks: [Stack, boolean, readonly GoldenSpectrum[]][] = [
    ['sample', false, expected.bySample],
    ['sample', true, expected.bySampleCentred],
    ['layer', false, expected.byLayer],
    ['all', false, [expected.all]],
  ];
  for (const [stack, centre, want] of stacks) {
    const spectra = (await look({ stack, centre })).selections[0]?.spectra ?? [];
    expect(spectra.length).toBe(want.length);
    for (const [i, w] of want.entries()) expectSpectrum(spectra[i], w, `${stack} ${i}`);
  }
  const [report] = (await look({ tucker: true })).selections;
  expect(report?.layerRanks.map(({ layer }) => layer)).toEqual(expected.byLayer.map((_, i) => i + 1));
  for (const [i, w] of expected.byLayer.entries()) expectRanks(report?.layerRanks[i], w, `layer ${i + 1}`);
  expectClose(report?.tucker?.layerSigma ?? [], expected.tucker.layerSigma, 'mode L');
  expectClose(report?.tucker?.hiddenSigma ?? [], expected.tucker.hiddenSigma, 'mode H');
}

/** Norm and first two features of every position and layer. */
function expectStates({ layers, hidden, samples }: GatheredStates, want: readonly GoldenStates[]): void {
  expect(samples.map(({ tokens }) => tokens)).toEqual(want.map((positions) => positions.length));
  for (const [i, { states, id }] of samples.entries()) {
    const got: number[] = [];
    for (let from = 0; from < states.length; from += hidden) {
      const row = states.subarray(from, from + hidden);
      got.push(Math.hypot(...row), row[0] as number, row[1] as number);
    }
    const flat = (want[i] as GoldenStates).flat(2);
    expect(flat.length).toBe((want[i]?.length ?? 0) * layers * 3);
    expectClose(got, flat, id);
  }
}

describe('figure 6 of the bundled pair', () => {
  beforeAll(() => workbench.loadPair('models', {}));
  const source: Source = { kind: 'ids', ids: golden.problems.map(({ id }) => id) };

  it('uses the same problems as the goldens', async () => {
    for (const { id, question, steps, answer } of golden.problems) {
      const [, split, index] = /^(train|held-out)-(\d+)$/.exec(id) ?? [];
      const [problem] = await workbench.problems(split as 'train', Number(index), 1);
      expect(problem).toEqual({ id, question, steps, answer });
    }
  });

  it('the teacher’s rationales', () =>
    check({ subject: { kind: 'teacher' }, sections: ['rationale'] }, source, golden.rationale));

  it('the base’s latents', () =>
    check({ subject: { kind: 'base' }, sections: ['latent'] }, source, golden.latent));

  it('state by state, in all sections of both passes', async () => {
    const runtime = await createRuntime({ provider: 'wasm', threads: 1 });
    const models = new DeviceModels(runtime);
    const { pair } = await loadPair('models', { fetch: fromModels });
    const held = { pair, problems: new ProblemSet(pair.manifest.data, pair.codec), checkpoints: new Map() };
    const sequences = sequencesOf(source, held);
    const states = (kind: 'teacher' | 'base', sections: readonly Section[], count: number) =>
      gatherStates(models, resolveSubject({ kind }, held), sequences.slice(0, count), sections);
    expectStates(await states('teacher', ['rationale'], 5), golden.rationale.states);
    expectStates(await states('base', ['latent'], 5), golden.latent.states);
    expectStates(await states('teacher', ['question', 'rationale', 'answer'], 1), [golden.explicitPass]);
    expectStates(await states('base', ['question', 'latent', 'answer'], 1), [golden.latentPass]);
    await runtime.dispose();
  });
});

const FOLDER = 'checkpoints/stories260K';
describe.skipIf(!(await hasFile('shared', `${FOLDER}/config.json`)))('figure 6 of stories260K', () => {
  it('three texts', async () => {
    const names = ['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json'];
    const files = names.map(async (name) => ({
      name,
      data: new Blob([await readFile('shared', `${FOLDER}/${name}`)]),
    }));
    await workbench.openCheckpoint(await Promise.all(files));
    const selection: Selection = { subject: { kind: 'opened' }, sections: ['text'] };
    await check(selection, { kind: 'texts', texts: stories.texts }, stories.text);
  });
});
