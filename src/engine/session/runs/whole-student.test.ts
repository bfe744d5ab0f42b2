import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConfigOf } from '../../../contract/config';
import type { SpectrumEvent } from '../../../contract/events';
import { spectrumOf } from '../../analysis/spectra';
import type { Reasoning } from '../../decode/reasoning';
import { svdCpu } from '../../kernels/svd/svd.cpu';
import { RECIPES } from '../../methods/index';
import type { DecoderConfig } from '../../nn/config';
import { type ModuleSpec, moduleParameters } from '../../nn/modules/modules';
import type { ModuleParameter } from '../../nn/parameters';
import { answerAfter, readQuestion, reasonAfter } from '../../recipes/shared/passes';
import { type Recipe, studentLora } from '../../recipes/shared/recipe';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import type { DeviceModels } from '../models/device-models';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { gatherStates, sequencesOf } from '../states/states';
import { LoriWorkbench } from '../workbench';
import type { Student } from './student';
import { tinyRunBy, watch } from './tiny-run.testing';

/** A run that trains everything there is to train: evaluation, observation, lens, causal test, Latents and text see all of it. */

const module: ModuleSpec = { kind: 'projection', name: 'projection', width: 12, norm: true };
const tokens = ({ hiddenSize: H }: DecoderConfig): ModuleParameter => ({
  name: 'tokens',
  shape: [2, H],
  // As the rows of two tokens of the vocabulary.
  initial: (_rng, embedding) => embedding?.rows([3, 7]) ?? new Float32Array(2 * H),
});
const reasoning: Reasoning = {
  adapters: ['student', 'rem'],
  stages: [
    { kind: 'embeddings', parameter: 'tokens', rows: [0] },
    { kind: 'latents', steps: 2, feedback: { kind: 'module', module } },
    { kind: 'embeddings', parameter: 'tokens', rows: [1] },
  ],
};
const everything: Recipe<ConfigOf<'ce'>> = {
  adapters: (config) => ({
    ...studentLora(config),
    rem: { kind: 'rem', width: 2, alpha: 2, sites: ['k.in', 'v.in'] },
  }),
  modules: (_config, model) => [...moduleParameters(model, module), tokens(model)],
  trainsWeights: () => true,
  reasoning: () => reasoning,
  usesTeacher: () => false,
  targets: () => ({ losses: {} }),
  record(tape, { config, layout }) {
    const question = readQuestion(tape, layout, reasoning.adapters);
    const { end } = reasonAfter(tape, question, reasoning);
    answerAfter(tape, end, layout, config.weights.answer, reasoning.adapters);
  },
};

let workbench: LoriWorkbench;
const inside = () =>
  workbench as unknown as {
    loadedModels(): LoadedModels;
    opened: { models: DeviceModels };
    student: Student;
  };
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()), { ...RECIPES, ce: everything as Recipe });
  await workbench.open('wasm');
  await workbench.loadPair('models');
}, 60_000);
afterAll(() => workbench.close());

it('is seen whole by everything that runs it', async () => {
  const config = tinyRunBy('ce', {
    optimiser: { steps: 3 },
    data: { validation: 2, heldOut: 2 },
    evaluation: { every: 2 },
    observation: { every: 3, samples: 3 },
  });
  const watched = watch();
  const result = await workbench.distil(config, { report: watched.report });
  expect(result).toMatchObject({ status: 'done', steps: 3 });
  const { parameters, packs } = inside().student;
  expect(Object.keys(parameters.adapters)).toEqual(['student', 'rem']);
  expect(parameters.weights).toBe('all');
  const last = watched.events
    .filter((e): e is SpectrumEvent => e.kind === 'spectrum')
    .at(-1) as SpectrumEvent;

  /** The largest singular values of the first training questions' thoughts, by one pass of the lens. */
  const sigmas = async (change: (packs: Float32Array<ArrayBuffer>[]) => void): Promise<number[]> => {
    const loaded = inside().loadedModels();
    const student = resolveSubject({ kind: 'student', checkpoint: last.checkpoint }, loaded);
    const own = student.packs.map((pack) => pack.slice());
    change(own);
    const sequences = sequencesOf({ kind: 'problems', seed: config.seed, samples: 3 }, loaded);
    const { samples, layers, hidden } = await gatherStates(
      inside().opened.models,
      { ...student, packs: own },
      sequences,
      ['latent'],
    );
    return samples.map(
      ({ states }) =>
        spectrumOf(svdCpu(states, { batch: 1, rows: 2 * layers, cols: hidden, r: 0 }).sigma)
          .sigma[0] as number,
    );
  };
  const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[1] as number;
  const own = last.sigma[0] as number;
  // f32 through two different programs.
  expect(Math.abs(median(await sigmas(() => {})) - own)).toBeLessThan(1e-5 * own);
  // Whichever value is another one, the thoughts are others.
  for (const i of [0, packs.length >> 1, packs.length - 1]) {
    const other = await sigmas((all) => {
      all[i] = (all[i] as Float32Array<ArrayBuffer>).map((x) => x + 0.05);
    });
    expect(Math.abs(median(other) - own), `tensor ${i}`).toBeGreaterThan(1e-4 * own);
  }

  const subject = { kind: 'student' } as const;
  const causal = await workbench.causal({
    ...{ subject, layers: [1], ranks: [32], positions: 'all', of: 'projected', centre: false, random: false },
    ...{ problems: 2, samples: 2, seed: 1 },
  });
  // All H directions are no projection.
  expect(causal.points[0]?.outcomes).toEqual(causal.wholeOutcomes);
  const session = await workbench.openQuestion({
    question: 'Tom has 12 apples. He buys 3 more.',
    student: 'trained',
  });
  expect(session).toMatchObject({ latentSteps: 2, filter: 'module' });
}, 60_000);
