import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ConfigOf } from '../../../contract/config';
import type { SpectrumEvent } from '../../../contract/events';
import type { Subject } from '../../../contract/lens';
import { spectrumOf } from '../../analysis/spectra';
import { floatsOf } from '../../base/half';
import type { Reasoning } from '../../decode/reasoning';
import { svdCpu } from '../../kernels/svd/svd.cpu';
import { RECIPES } from '../../methods/index';
import type { DecoderConfig } from '../../nn/config';
import { type ModuleSpec, moduleParameters } from '../../nn/modules/modules';
import { parameterShapes } from '../../nn/parameter-set';
import { type ModuleParameter, NO_PARAMETERS } from '../../nn/parameters';
import { answerAfter, readQuestion, reasonAfter } from '../../recipes/shared/passes';
import { type Recipe, studentLora } from '../../recipes/shared/recipe';
import { loadOrt } from '../../runtime/ort';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { relativeError } from '../../train/tiny.testing';
import { configOfPacks, trainedSource } from '../exports/trained-weights';
import { unpacked } from '../exports/unpacked.testing';
import { insideOf } from '../inside.testing';
import type { DeviceModels } from '../models/device-models';
import { readNpy } from '../models/families-files.testing';
import { type LoadedModels, resolveSubject } from '../models/subjects';
import { gatherStates, sequencesOf } from '../states/states';
import { LoriWorkbench } from '../workbench';
import type { Student } from './student';
import { tinyRunBy, watch } from './tiny-run.testing';

/**
 * A run that trains everything that can be trained: evaluation, observation, lens, causal test, Latents and
 * text generation all use the whole of it.
 */

const module: ModuleSpec = { kind: 'projection', name: 'projection', width: 12, norm: true };
const tokens = ({ hiddenSize: H }: DecoderConfig): ModuleParameter => ({
  name: 'tokens',
  shape: [2, H],
  // Initialised with the rows of two tokens of the vocabulary.
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
  insideOf<{
    loadedModels(): LoadedModels;
    opened: { models: DeviceModels };
    student: Student;
  }>(workbench);
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()), { ...RECIPES, ce: everything as Recipe });
  await workbench.open('wasm');
  await workbench.loadPair('models');
}, 60_000);
afterAll(() => workbench.close());

it('is used whole by everything that runs it', async () => {
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
  // Whichever value changes, the thoughts change.
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
  // Projecting onto all H directions changes nothing.
  expect(causal.points[0]?.outcomes).toEqual(causal.wholeOutcomes);
  const session = await workbench.openQuestion({
    question: 'Tom has 12 apples. He buys 3 more.',
    student: 'trained',
  });
  expect(session).toMatchObject({ latentSteps: 2, filter: 'module' });
}, 60_000);

const TEXT = 'Tom has 12 apples.';

it('is exported with all its weights, and has the same states when reopened', async () => {
  const statesOf = async (subject: Subject): Promise<Float32Array> => {
    const source = { kind: 'texts', texts: [TEXT] } as const;
    const request = { source, subject, sections: ['text'], layers: null, format: 'npy' } as const;
    const { blob } = await workbench.exportStates(request);
    return readNpy(new Uint8Array(await blob.arrayBuffer())).values;
  };
  const subject = { kind: 'student' } as const;
  const own = await statesOf(subject);
  const merged = await workbench.exportModel({ subject, format: 'merged' });
  expect(merged.notes.join()).toMatch(/All weights are the trained ones.*Its 2 added tokens/);
  await workbench.openCheckpoint(await unpacked(merged));
  expect(relativeError(await statesOf({ kind: 'base' }), own)).toBeGreaterThan(0.01);
  // Merged in float32 against applied in float32.
  expect(relativeError(await statesOf({ kind: 'opened' }), own)).toBeLessThan(1e-5);

  // As a graph: the logits of its own states, from the trained head.
  const graph = await workbench.exportModel({ subject, format: 'onnx', length: 8 });
  const { ort } = await loadOrt(undefined);
  const session = await ort.InferenceSession.create(new Uint8Array(await graph.blob.arrayBuffer()));
  const { model, tokenizer } = resolveSubject({ kind: 'opened' }, inside().loadedModels());
  const ids = tokenizer.encode(TEXT).slice(0, 8);
  const input = BigInt64Array.from({ length: 8 }, (_, i) => BigInt(ids[i] ?? 0));
  const { logits } = await session.run({ input_ids: new ort.Tensor('int64', input, [1, 8]) });
  const { vocabSize: V, hiddenSize: H, tieWordEmbeddings } = model.config;
  const head = floatsOf(model.weights.read(tieWordEmbeddings ? 'w.embedding' : 'w.head'));
  const last = own.subarray(own.length / 2);
  const expected = Float32Array.from({ length: ids.length * V }, (_, i) =>
    head
      .subarray((i % V) * H, ((i % V) + 1) * H)
      .reduce((sum, w, h) => sum + w * (last[Math.floor(i / V) * H + h] as number), 0),
  );
  const found = (logits as { data: Float32Array }).data.subarray(0, expected.length);
  expect(relativeError(found, expected)).toBeLessThan(1e-5);
  await session.release();
  await expect(workbench.exportModel({ subject, format: 'peft' })).rejects.toThrow(/all of .* weights were/);
});

it('has the same weights if its vocabulary is in chunks', () => {
  const { student, held } = { student: inside().student, held: inside().loadedModels() };
  const { model, parameters, packs } = resolveSubject({ kind: 'student' }, held);
  const { config } = model;
  const { vocabSize: V, hiddenSize: H } = config;
  const at = packs.length - parameterShapes(config, { ...NO_PARAMETERS, weights: 'all' }).length;
  const rows = Math.ceil(V / 3);
  const embedding = student.packs[at] as Float32Array<ArrayBuffer>;
  const chunks = [0, 1, 2].map((c) => embedding.slice(c * rows * H, (c + 1) * rows * H));
  const split = [...packs.slice(0, at), ...chunks, ...packs.slice(at + 1)];
  const own = configOfPacks(config, parameters, split);
  expect(own.vocabularyRows).toBe(rows);
  const names = parameterShapes(own, parameters).map(({ name }) => name);
  const source = trainedSource(own, (name) => split[names.indexOf(name)] as Float32Array<ArrayBuffer>);
  expect(source.read('w.embedding').data).toEqual(embedding);
  const [from, to] = [rows - 2, 2 * rows + 3];
  expect(source.read('w.embedding', from, to).data).toEqual(embedding.slice(from * H, to * H));
  expect(source.read('w.1.down').data).toEqual(packs[names.indexOf('base.1.down') - 2]);
});
