/** Runs the tiny checkpoints of every family and option in every way: largest differences from torch. */

import type { WeightStorage } from '../../../contract/weight-storage';
import type { FloatDType } from '../../checkpoint/float';
import { leftPad } from '../../data/batch';
import { Decoder } from '../../decode/decoder';
import { Walk } from '../../decode/decoder.testing';
import { thinking } from '../../decode/reasoning.testing';
import { STATES_INPUTS, statesProgram } from '../../decode/states';
import type { ModelOnDevice } from '../../model/model-on-device';
import { ParameterSet } from '../../nn/parameter-set';
import type { Runtime } from '../../runtime/runtime';
import type { DeviceTensor } from '../../runtime/tensor';
import { compileWhole } from '../../train/compile-whole';
import { compileLayerwise } from '../../train/layerwise/compile';
import type { TapeRun } from '../../train/step';
import { Tape } from '../../train/tape/tape';
import { DeviceModels } from './device-models';
import {
  distance,
  type FamilyCase,
  familyFiles,
  floats,
  QUESTIONS,
  REST,
  TEXT,
} from './families-files.testing';
import { openModel } from './opened';
import type { LoadedModel } from './pair';
import { storedAs } from './weight-storage';

/**
 * Ways to run a checkpoint. Hidden states of a text; of questions followed by a latent and tokens; what the first layer is fed of
 * either; hidden states of the same questions, position by position, with logits; and of the same pass recorded on a tape, as one program and as
 * small ones.
 */
const HIDDEN_STATE = { kind: 'hidden' } as const;

export const WAYS = ['text', 'latents', 'fed', 'stepped', 'logits', 'whole', 'layerwise'] as const;
export type Way = (typeof WAYS)[number];

/**
 * Opens the checkpoint and runs it: largest differences from torch, relative to the largest value.
 * @param storage of the layers' matrices
 */
export async function familyErrors(
  runtime: Runtime,
  family: FamilyCase,
  dtype: FloatDType,
  ways: readonly Way[] = WAYS,
  storage: WeightStorage = 'f32',
): Promise<Partial<Record<Way, number>>> {
  const { model } = storedAs(await openModel(familyFiles(family, dtype)), storage);
  const models = new DeviceModels(runtime);
  const hidden = floats(family.hidden);
  const run: Record<Way, () => Promise<number>> = {
    text: async () => distance(await states(models, model, [[]], 0, [TEXT]), floats(family.text)),
    latents: async () => distance(await states(models, model, QUESTIONS, 1, REST), hidden),
    fed: async () =>
      Math.max(
        distance(await states(models, model, [[]], 0, [TEXT], [0]), floats(family.textFed)),
        distance(await states(models, model, QUESTIONS, 1, REST, [0]), floats(family.fed)),
      ),
    stepped: async () => distance((await steps(models, model)).hidden, hidden, true),
    logits: async () => distance((await steps(models, model)).logits, floats(family.logits), true),
    whole: async () =>
      distance(await recorded(models, model, (on, tape) => compileWhole(on, tape, 'recorded')), hidden),
    layerwise: async () => distance(await recorded(models, model, compileLayerwise), hidden),
  };
  try {
    const errors: Partial<Record<Way, number>> = {};
    for (const way of ways) errors[way] = await run[way]();
    return errors;
  } finally {
    await models.dispose();
  }
}

/** Hidden states of the tokens and latents of each row, one after another: what the lens reads. */
export async function states(
  models: DeviceModels,
  model: LoadedModel,
  questions: readonly (readonly number[])[],
  latents: number,
  rest: readonly (readonly number[])[],
  layers?: readonly number[],
): Promise<Float32Array> {
  const [B, R] = [questions.length, rest[0]?.length ?? 0];
  const S = Math.max(...questions.map(({ length }) => length));
  const device = models.use(model);
  const { runtime } = models;
  const program = await device.compile(
    statesProgram({
      config: device.config,
      batch: B,
      question: S,
      reasoning: thinking(latents, HIDDEN_STATE, []),
      rest: R,
      layers,
    }),
  );
  const { ids, keyMask } = leftPad(questions, S, 0);
  const hosts = {
    [STATES_INPUTS.question]: ids,
    [STATES_INPUTS.keyMask]: keyMask,
    [STATES_INPUTS.rest]: { dtype: 'i32', shape: [B, R], data: Int32Array.from(rest.flat()) },
  } as const;
  const bound: Record<string, DeviceTensor> = {};
  for (const name of program.inputs.keys()) bound[name] = runtime.upload(hosts[name as 'rest'], name);
  const { states: out } = (await program.run(bound)) as { states: DeviceTensor };
  const all = (await out.read()) as Float32Array;
  for (const tensor of [...Object.values(bound), out]) tensor.dispose();
  await program.dispose();
  await device.release();
  const row = all.length / (B * (S + latents + R));
  const width = S + latents + R;
  return Float32Array.from(
    questions.flatMap(({ length }, b) => [
      ...all.subarray((b * width + S - length) * row, (b + 1) * width * row),
    ]),
  );
}

/**
 * Hidden states and logits from the question's last position on, one position at a time: rows' positions in the order of
 * the golden file, those before the question's last missing (NaN).
 */
export async function steps(
  models: DeviceModels,
  model: LoadedModel,
): Promise<{ hidden: Float32Array; logits: Float32Array }> {
  const S = Math.max(...QUESTIONS.map(({ length }) => length));
  const B = QUESTIONS.length;
  const { layers: L, hiddenSize: H, vocabSize: V } = model.config;
  const device = models.use(model);
  const shape = { config: device.config, batch: B, question: S, capacity: 12 };
  const decoder = new Decoder(device, shape);
  await device.release();
  const walk = new Walk(decoder);
  const { ids, keyMask } = leftPad(QUESTIONS, S, 0);
  const widths = QUESTIONS.map(({ length }, b) => length + 1 + (REST[b]?.length ?? 0));
  const total = widths.reduce((n, width) => n + width, 0);
  const hidden = new Float32Array(total * L * H).fill(Number.NaN);
  const logits = new Float32Array(total * V).fill(Number.NaN);
  const keep = async (step: number): Promise<void> => {
    const [h, g] = [await walk.hidden(), await walk.logits()];
    let before = 0;
    QUESTIONS.forEach(({ length }, b) => {
      const at = before + length - 1 + step;
      hidden.set(h.subarray(b * L * H, (b + 1) * L * H), at * L * H);
      logits.set(g.subarray(b * V, (b + 1) * V), at * V);
      before += widths[b] as number;
    });
  };
  await walk.begin(ids, keyMask);
  await keep(0);
  await walk.feed({ latent: HIDDEN_STATE });
  await keep(1);
  for (let i = 0; i < (REST[0]?.length ?? 0); i++) {
    await walk.tokens(...REST.map((row) => row[i] as number));
    await keep(2 + i);
  }
  walk.end();
  await decoder.dispose();
  return { hidden, logits };
}

/** The same pass, recorded on a tape. */
async function recorded(
  models: DeviceModels,
  model: LoadedModel,
  compile: (model: ModelOnDevice, tape: Tape) => Promise<TapeRun>,
): Promise<Float32Array> {
  const [B, S, R] = [
    QUESTIONS.length,
    Math.max(...QUESTIONS.map(({ length }) => length)),
    REST[0]?.length ?? 0,
  ];
  const device = models.use(model);
  const tape = new Tape(new ParameterSet(device.config, {}), B);
  const question = tape.segment(tape.tokens('question', S), { mask: 'mask' });
  const z = tape.feedback(question.last, HIDDEN_STATE);
  const latent = tape.segment(z, { after: question });
  const rest = tape.segment(tape.tokens('rest', R), { after: latent });
  const segments = { question, latent, rest };
  for (const [name, segment] of Object.entries(segments)) tape.output(name, segment.states);
  const run = await compile(device, tape);
  const { ids, keyMask } = leftPad(QUESTIONS, S, 0);
  const { outputs } = await run.run(
    {
      question: ids,
      mask: keyMask,
      rest: { dtype: 'i32', shape: [B, R], data: Int32Array.from(REST.flat()) },
    },
    [],
  );
  const parts: Float32Array[] = [];
  for (const name of Object.keys(segments)) parts.push((await outputs[name]?.read()) as Float32Array);
  await run.dispose();
  await device.release();
  const row = model.config.layers * model.config.hiddenSize;
  return Float32Array.from(
    QUESTIONS.flatMap(({ length }, b) =>
      parts.flatMap((part, i) => {
        const own = part.length / B;
        const from = i === 0 ? (S - length) * row : 0;
        return [...part.subarray(b * own + from, (b + 1) * own)];
      }),
    ),
  );
}
