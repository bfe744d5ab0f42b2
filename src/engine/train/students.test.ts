import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GraphHostTensor } from '../base/dtype';
import { Rng } from '../base/rng';
import type { TokenLayout } from '../base/tokens';
import { Decoder } from '../decode/decoder';
import { everywhere } from '../decode/greedy';
import { hiddenOf } from '../decode/readout';
import { feedsOf, positionsOf, reason } from '../decode/reason';
import { positionsIn, type Reasoning, thoughtsIn } from '../decode/reasoning';
import { STATES_INPUTS, statesProgram } from '../decode/states';
import { ModelOnDevice } from '../model/model-on-device';
import { uploadParameters } from '../model/upload-parameters';
import type { DecoderConfig } from '../nn/config';
import { type ModuleSpec, moduleParameters } from '../nn/modules/modules';
import { ParameterSet } from '../nn/parameter-set';
import { type ModuleParameter, parameterInput } from '../nn/parameters';
import { answerAfter, readQuestion, reasonAfter } from '../recipes/shared/passes';
import { TOKEN_INPUTS, tokenFeeds } from '../recipes/shared/token-inputs';
import { createRuntime, type Runtime } from '../runtime/runtime';
import type { DeviceTensor } from '../runtime/tensor';
import { compileWhole } from './compile-whole';
import { compileLayerwise } from './layerwise/compile';
import { projectionOf, recordCodi, recordSilent } from './proofs.testing';
import type { TapeRun } from './step';
import { Tape } from './tape/tape';
import {
  normals,
  randomBatch,
  randomWeights,
  relativeError,
  TINY_CONFIG,
  TINY_GPT2,
  TINY_LAYOUT,
} from './tiny.testing';

/** A student is decoded with everything that was trained: the decoder's states equal the tape's. */

/** float32 sums in another order, over at most 4 thoughts of two layers. */
const TOLERANCE = 1e-5;
const layout: TokenLayout = TINY_LAYOUT;
const { batch: B, question: S, prompt: P, answer: A } = layout;
const WIDTH = 10;
/** The same silent tokens for every sample. */
const SILENT = [5, 9, 5];
/** Answer tokens that are fed, the same for every sample. */
const ANSWER = Array.from({ length: P + A - 1 }, (_, i) => (7 * i + 3) % TINY_CONFIG.vocabSize);

interface Student {
  readonly reasoning: Reasoning;
  /** @returns the tape, whose last segments are the reasoning's and the answer */
  record(config: DecoderConfig): Tape;
}

const LORA = { kind: 'lora', rank: 2, alpha: 3, targets: ['q', 'v', 'gate', 'up', 'down'] } as const;
const tokensOf = (config: DecoderConfig, count: number): ModuleParameter => ({
  name: 'tokens',
  shape: [count, config.hiddenSize],
  initial: (rng) => normals(rng, count * config.hiddenSize, 0.6),
});

/** A student whose reasoning is recorded as it is decoded. */
const recorded = (reasoning: Reasoning, ...modules: readonly ModuleSpec[]): Student => ({
  reasoning,
  record(config) {
    const own = [tokensOf(config, 3), ...modules.flatMap((module) => moduleParameters(config, module))];
    const tape = new Tape(new ParameterSet(config, { first: LORA, student: LORA }, own), B);
    const { end } = reasonAfter(tape, readQuestion(tape, layout, reasoning.adapters), reasoning);
    answerAfter(tape, end, layout, 1, reasoning.adapters);
    return tape;
  },
});

const filter: ModuleSpec = { kind: 'recurrentFilter', name: 'filter' };
const plain: ModuleSpec = { kind: 'projection', name: 'plain', width: 5, norm: false };
const jacobi = (iterations: number, count = 3): Reasoning => ({
  adapters: ['student'],
  stages: [
    { kind: 'embeddings', parameter: 'tokens', rows: [0] },
    {
      ...{ kind: 'jacobi', parameter: 'tokens', row: 2, count, iterations },
      feedback: { kind: 'module', module: plain },
    },
  ],
});

const MIXING: Reasoning = {
  adapters: ['student'],
  stages: [
    { kind: 'tokens', ids: [3] },
    { kind: 'latents', steps: 2, feedback: { kind: 'softmax', temperature: 0.8 } },
  ],
};

/** Two tokens after unused positions, and a tape whose later positions are shifted accordingly. */
const SKIP = 4;
const SKIPPING: Reasoning = {
  adapters: ['student'],
  stages: [{ kind: 'tokens', ids: [3, 8], skip: SKIP }],
};
const laterPositions = (from: number, count: number) => ({
  ...{ dtype: 'i32' as const, shape: [B, count] },
  data: Int32Array.from({ length: B * count }, (_, i) => from + (i % count)),
});

const STUDENTS: Record<string, Student> = {
  'a projection with LayerNorm as feedback, two adapters of which one runs': {
    reasoning: {
      adapters: ['student'],
      stages: [{ kind: 'latents', steps: 3, feedback: { kind: 'module', module: projectionOf(WIDTH) } }],
    },
    record: (config) =>
      recordCodi(config, { ...layout, thoughts: 3 }, { teacher: 1, answer: 1, codi: 1 }, WIDTH),
  },
  'REM before k and v, silent tokens': {
    reasoning: { adapters: ['student', 'rem'], stages: [{ kind: 'tokens', ids: SILENT, thoughts: true }] },
    record: (config) =>
      recordSilent(config, { ...layout, thoughts: SILENT.length }, { answer: 1, keyValues: 1 }),
  },
  'learned tokens around latents by a recurrent filter': recorded(
    {
      adapters: ['first', 'student'],
      stages: [
        { kind: 'embeddings', parameter: 'tokens', rows: [1, 0] },
        { kind: 'latents', steps: 2, feedback: { kind: 'module', module: filter } },
        { kind: 'embeddings', parameter: 'tokens', rows: [2] },
        { kind: 'tokens', ids: [4, 8] },
      ],
    },
    filter,
  ),
  'the model’s own weights and an adapter, latents of its own embedding': {
    reasoning: MIXING,
    record(config) {
      const tape = new Tape(new ParameterSet(config, { student: LORA }, [], 'all'), B);
      const { end } = reasonAfter(tape, readQuestion(tape, layout), MIXING);
      answerAfter(tape, end, layout, 1);
      return tape;
    },
  },
  'positions left unused': {
    reasoning: SKIPPING,
    record(config) {
      const tape = new Tape(new ParameterSet(config, { student: LORA }, []), B);
      const { adapters } = SKIPPING;
      const question = readQuestion(tape, layout);
      const fed = tape.segment(tape.constantTokens([3, 8]), {
        ...{ after: question, adapters, positions: 'fed.positions' },
      });
      const answer = tape.segment(tape.tokens('answer.ids', ANSWER.length), {
        ...{ after: fed, adapters, positions: 'answer.positions' },
      });
      const { answerTargets: targets, answerWeights: weights } = TOKEN_INPUTS;
      tape.crossEntropy('answer', 1, answer.finals(P - 1), { targets, weights });
      return tape;
    },
  },
  'latents refined together, twice': recorded(jacobi(2), plain),
  'latents refined together, never': recorded(jacobi(0), plain),
};

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const repeated = (ids: readonly number[]) => ({
  dtype: 'i32' as const,
  shape: [B, ids.length],
  data: Int32Array.from({ length: B * ids.length }, (_, i) => ids[i % ids.length] as number),
});

/** Everything that the student is fed, and what is needed to run it. */
async function setUp(config: DecoderConfig, { record, reasoning }: Student) {
  const rng = new Rng(3);
  const model = new ModelOnDevice(runtime, config, randomWeights(config, rng.fork('weights')));
  const tape = record(model.config);
  // A student read from a file has no recipe, only plain data.
  const specs = JSON.parse(JSON.stringify(tape.parameters.specs));
  const values = tape.parameters.all.map(({ name, shape }) => {
    const size = shape.reduce((n, d) => n * d, 1);
    const data = normals(rng.fork(name), size, 0.3);
    return /norm\.weight|Norm$/.test(name) ? data.map((x) => 1 + x) : data;
  });
  const parameters = uploadParameters(runtime, config, specs, values);
  const batch = randomBatch(layout, config.vocabSize, rng.fork('batch'));
  const target = [config.layers, 2, B, config.kvHeads, SILENT.length, config.headDim];
  const feeds = {
    ...tokenFeeds(batch),
    'answer.ids': repeated(ANSWER),
    'silent.ids': repeated(SILENT),
    'fed.positions': laterPositions(S + SKIP, 2),
    'answer.positions': laterPositions(S + SKIP + 2, ANSWER.length),
    'silent.targets': {
      dtype: 'f32',
      shape: target,
      data: normals(
        rng,
        target.reduce((n, d) => n * d, 1),
      ),
    },
  } as const;
  return {
    ...{ model, tape, specs, parameters, feeds, batch, reasoning },
    async dispose() {
      for (const one of parameters) one.dispose();
      await model.release();
      expect(runtime.liveTensors).toBe(0);
    },
  };
}
type SetUp = Awaited<ReturnType<typeof setUp>>;

/** [B, positions, L, H] of the reasoning's positions and the answer's, from the tape. */
async function taped(
  { tape, feeds, parameters, reasoning, model }: SetUp,
  compile: (tape: Tape) => Promise<TapeRun>,
): Promise<Float32Array> {
  const own = tape.segments;
  // A Jacobi stage's last run, not the ones before it, is in the answer's past.
  const segments = (own.at(-1) as (typeof own)[number]).lineage.slice(1);
  segments.forEach((segment, i) => {
    tape.output(`fed ${i}`, segment.states);
  });
  const run = await compile(tape);
  const { outputs } = await run.run(feeds, parameters);
  const read = await Promise.all(segments.map((_, i) => (outputs[`fed ${i}`] as DeviceTensor).read()));
  const row = model.config.layers * model.config.hiddenSize;
  const T = positionsIn(reasoning) + ANSWER.length;
  const all = new Float32Array(B * T * row);
  let from = 0;
  segments.forEach(({ positions }, i) => {
    const states = read[i] as Float32Array;
    for (let b = 0; b < B; b++) {
      const size = positions * row;
      all.set(states.subarray(b * size, (b + 1) * size), (b * T + from) * row);
    }
    from += positions;
  });
  expect(from).toBe(T);
  await run.dispose();
  return all;
}

async function decoded({ model, specs, parameters, batch, reasoning }: SetUp): Promise<Float32Array> {
  const T = positionsIn(reasoning) + ANSWER.length;
  const { layers: L, hiddenSize: H } = model.config;
  const shape = { config: model.config, batch: B, question: S, capacity: S + T };
  const decoder = new Decoder(model, { ...shape, parameters: specs, adapters: reasoning.adapters });
  decoder.setParameters(parameters);
  await decoder.prepare(feedsOf(reasoning));
  const all = new Float32Array(B * T * L * H);
  let fed = 0;
  const keep = async (state: Parameters<typeof hiddenOf>[0]) => {
    const hidden = await hiddenOf(state);
    for (let b = 0; b < B; b++) all.set(hidden.subarray(b * L * H, (b + 1) * L * H), (b * T + fed) * L * H);
    fed++;
  };
  const step = { hidden: true };
  let state = await decoder.begin(
    batch.question.ids as GraphHostTensor,
    batch.question.keyMask as GraphHostTensor,
  );
  const thoughts: (number | undefined)[] = [];
  state = await reason(decoder, state, reasoning, {
    step,
    onPosition: (at, { thought }) => {
      thoughts.push(thought);
      return keep(at);
    },
  });
  expect(thoughts).toEqual(positionsOf(reasoning).map(({ thought }) => thought));
  expect(thoughts.filter((one) => one !== undefined)).toHaveLength(thoughtsIn(reasoning));
  for (const id of ANSWER) {
    state = await decoder.step(state, everywhere(decoder, id), step);
    await keep(state);
  }
  state.dispose();
  expect(decoder.stateBytes).toBe(0);
  await decoder.dispose();
  return all;
}

/** The same positions read in one pass, as the lens reads them. */
async function gathered({ model, specs, parameters, batch, reasoning, tape }: SetUp): Promise<Float32Array> {
  const R = ANSWER.length;
  const program = await model.compile(
    statesProgram({
      ...{ config: model.config, batch: B, question: S, reasoning, rest: R, parameters: specs },
    }),
  );
  const hosts = {
    [STATES_INPUTS.question]: batch.question.ids,
    [STATES_INPUTS.keyMask]: batch.question.keyMask,
    [STATES_INPUTS.rest]: repeated(ANSWER),
    ...Object.fromEntries(
      reasoning.stages.flatMap((stage, i) =>
        stage.kind === 'tokens' ? [[STATES_INPUTS.tokens(i), repeated(stage.ids)]] : [],
      ),
    ),
  };
  const bound: Record<string, DeviceTensor> = {};
  const uploaded = Object.entries(hosts).map(([name, host]) => {
    bound[name] = runtime.upload(host);
    return bound[name];
  });
  tape.parameters.all.forEach(({ name }, i) => {
    if (program.inputs.has(parameterInput(name))) bound[parameterInput(name)] = parameters[i] as DeviceTensor;
  });
  const { states } = (await program.run(bound)) as { states: DeviceTensor };
  const read = (await states.read()) as Float32Array;
  const row = model.config.layers * model.config.hiddenSize;
  const T = positionsIn(reasoning) + R;
  const all = new Float32Array(B * T * row);
  for (let b = 0; b < B; b++) {
    const from = (b * (S + T) + S) * row;
    all.set(read.subarray(from, from + T * row), b * T * row);
  }
  for (const one of [...uploaded, states]) one.dispose();
  await program.dispose();
  return all;
}

/** Learned positions count what comes between question and answer: with latents, with tokens, and with positions left unused. */
const ON_GPT2 = Object.entries(STUDENTS).filter(([name]) => /learned tokens|own weights|unused/.test(name));

describe.each([
  ...Object.entries(STUDENTS).map(([name, student]) => [name, 'Llama', TINY_CONFIG, student] as const),
  ...ON_GPT2.map(([name, student]) => [name, 'GPT-2', TINY_GPT2, student] as const),
])('a student with %s, %s', (_name, _layers, config, student) => {
  it('is decoded, and read by the lens, as it was trained', async () => {
    const up = await setUp(config, student);
    const expected = await taped(up, (tape) => compileWhole(up.model, tape, 'pass'));
    const found = { decoder: await decoded(up), lens: await gathered(up) };
    for (const [by, states] of Object.entries(found)) {
      const error = relativeError(states, expected);
      if (process.env.SHOW) console.log(_name, _layers, by, error.toExponential(1));
      expect(error, by).toBeLessThan(TOLERANCE);
    }
    expect(expected.every((x) => Number.isFinite(x) && x !== 0)).toBe(true);
    await up.dispose();
  });
});

it.each(Object.entries(STUDENTS).slice(2))(
  '%s has the same states and gradients in both back ends',
  async (_name, student) => {
    const up = await setUp(TINY_CONFIG, student);
    const gradientsOf = async (step: TapeRun): Promise<Float32Array[]> => {
      const { terms, gradients } = await step.run(up.feeds, up.parameters);
      const all = [terms as DeviceTensor, ...gradients].map(({ data }) => (data as Float32Array).slice());
      await step.dispose();
      return all;
    };
    const whole = await gradientsOf(await compileWhole(up.model, up.tape, 'step'));
    const layerwise = await gradientsOf(await compileLayerwise(up.model, up.tape));
    whole.forEach((expected, i) => {
      const norm = Math.hypot(...expected);
      // Adapters that do not run, and a feedback that is never used, have no gradient.
      if (norm > 0) expect(relativeError(layerwise[i] as Float32Array, expected)).toBeLessThan(TOLERANCE);
      else expect(Math.hypot(...(layerwise[i] as Float32Array))).toBe(0);
    });
    expect(whole.filter((x) => Math.hypot(...x) > 1e-6).length).toBeGreaterThan(2);
    await up.dispose();
  },
);

it('refined latents equal sequential ones with as many iterations as thoughts (PCCoT, like CODI)', async () => {
  const [first] = jacobi(3).stages;
  const sequential: Reasoning = {
    adapters: ['student'],
    stages: [
      first as Reasoning['stages'][number],
      { kind: 'latents', steps: 3, feedback: { kind: 'module', module: plain } },
    ],
  };
  const states = async (reasoning: Reasoning): Promise<Float32Array> => {
    const up = await setUp(TINY_CONFIG, recorded(reasoning, plain));
    const found = await decoded(up);
    await up.dispose();
    return found;
  };
  const [one, refined, few] = [await states(sequential), await states(jacobi(3)), await states(jacobi(2))];
  expect(relativeError(refined, one)).toBeLessThan(TOLERANCE);
  expect(relativeError(few, one)).toBeGreaterThan(100 * TOLERANCE);
});

it('after t iterations the first t of more refined latents equal sequential ones, and the next one does not (PCCoT)', async () => {
  const c = 4;
  const statesOf = async (reasoning: Reasoning): Promise<Record<string, Float32Array>> => {
    const up = await setUp(TINY_CONFIG, recorded(reasoning, plain));
    const found = {
      decoder: await decoded(up),
      lens: await gathered(up),
      tape: await taped(up, (tape) => compileWhole(up.model, tape, 'pass')),
    };
    await up.dispose();
    return found;
  };
  const [first] = jacobi(1).stages as [Reasoning['stages'][number]];
  const feedback = { kind: 'module', module: plain } as const;
  const sequential = await statesOf({
    adapters: ['student'],
    stages: [first, { kind: 'latents', steps: c, feedback }],
  });
  const row = TINY_CONFIG.layers * TINY_CONFIG.hiddenSize;
  const T = 1 + c + ANSWER.length;
  /** States of thought j, from 1, of every sample; the added token is before the thoughts. */
  const thought = (states: Float32Array, j: number): number[] =>
    Array.from({ length: B }, (_, b) => [
      ...states.subarray((b * T + j) * row, (b * T + j + 1) * row),
    ]).flat();
  for (let t = 1; t < c; t++)
    for (const [by, states] of Object.entries(await statesOf(jacobi(t, c)))) {
      const errors = Array.from({ length: c }, (_, j) =>
        relativeError(thought(states, j + 1), thought(sequential[by] as Float32Array, j + 1)),
      );
      expect(Math.max(...errors.slice(0, t)), `${by}, ${t} iterations`).toBeLessThan(TOLERANCE);
      expect(errors[t], `${by}, ${t} iterations`).toBeGreaterThan(100 * TOLERANCE);
    }
});
