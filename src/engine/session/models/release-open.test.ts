import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { momentOf } from '../../../contract/latents';
import type { NamedFile } from '../../../contract/lens';
import { memorySource } from '../../checkpoint/source';
import { readTorchHeader } from '../../checkpoint/torch/torch-file';
import { leftPad } from '../../data/batch';
import { stopOdds } from '../../decode/branches';
import { logitsOf } from '../../decode/readout';
import { reason } from '../../decode/reason';
import { withThoughts } from '../../decode/reasoning';
import type { DecoderState } from '../../decode/state';
import { uploadParameters } from '../../model/upload-parameters';
import { createRuntime, type Runtime } from '../../runtime/runtime';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { exportModel } from '../exports/export';
import { decoderFor } from '../runs/student';
import { LoriWorkbench } from '../workbench';
import { DeviceModels } from './device-models';
import { distance, floats } from './families-files.testing';
import { openModel } from './opened';
import {
  AFTER,
  baseFiles,
  baseSettings,
  PICKLES,
  pccotCases,
  pccotFiles,
  QUESTION,
  type ReleaseCase,
  releaseCases,
  releaseFiles,
} from './releases.testing';
import type { OpenedModel } from './subjects';

/**
 * float32 against float64 through up to ten positions, each of which feeds the next, relative to the largest
 * value. Measured at most 5e-5: GPT-2’s wide activations amplify rounding from thought to thought.
 */
const TOLERANCE = 1e-4;

let runtime: Runtime;
beforeAll(async () => {
  runtime = await createRuntime({ provider: 'wasm', threads: 1 });
});
afterAll(() => runtime.dispose());

const lastOf = async (state: DecoderState): Promise<Float32Array> =>
  (await state.tensors.last?.read()) as Float32Array;

/** Question, reasoning and a few tokens after it: final hidden states after the question, and the last logits. */
async function run({ model, latent }: OpenedModel) {
  if (!latent) throw new Error('it does not reason');
  const models = new DeviceModels(runtime);
  const { parameters, packs } = latent;
  // A student that decides for itself is given torch's number of thoughts here.
  const stop = latent.reasoning.stages.flatMap((stage) =>
    stage.kind === 'latents' ? (stage.stop ?? []) : [],
  )[0];
  const reasoning = stop ? withThoughts(latent.reasoning, 6) : latent.reasoning;
  const sizes = { batch: 1, question: QUESTION.length + 2, capacity: 24 };
  const decoder = await decoderFor(models, model, { ...sizes, parameters, reasoning });
  const values = uploadParameters(runtime, model.config, parameters, packs);
  decoder.setParameters(values);
  const { ids, keyMask } = leftPad([QUESTION], QUESTION.length + 2, 0);
  const hidden: number[] = [];
  const odds: number[] = [];
  let state = await reason(decoder, await decoder.begin(ids, keyMask), reasoning, {
    onPosition: async (at) => {
      hidden.push(...(await lastOf(at)));
      if (stop) odds.push(...(await stopOdds(decoder, at, stop.head)));
    },
  });
  for (const token of AFTER) {
    state = await decoder.step(state, { tokens: [token] });
    hidden.push(...(await lastOf(state)));
  }
  const logits = await logitsOf(decoder, state);
  state.dispose();
  for (const value of values) value.dispose();
  await decoder.dispose();
  await models.dispose();
  expect(runtime.liveTensors).toBe(0);
  // Not after END.
  return { hidden: Float32Array.from(hidden), logits, odds: Float32Array.from(odds.slice(0, -1)) };
}

async function compare(
  opened: OpenedModel,
  golden: Pick<ReleaseCase, 'hidden' | 'logits' | 'odds'>,
): Promise<void> {
  const { hidden, logits, odds } = await run(opened);
  if (golden.odds !== undefined) expect(distance(odds, floats(golden.odds))).toBeLessThan(TOLERANCE);
  expect(distance(hidden, floats(golden.hidden))).toBeLessThan(TOLERANCE);
  expect(distance(logits, floats(golden.logits))).toBeLessThan(TOLERANCE);
}

const release = (name: string): ReleaseCase => releaseCases.find((one) => one.name === name) as ReleaseCase;
const CODI = release('CODI GPT-2');

describe.each(releaseCases)('$name', (one) => {
  it('is recognised, and its latent loop equals torch’s', async () => {
    const opened = await openModel([
      ...(await releaseFiles(one)).filter(({ data }) => data.size > 0),
      ...baseSettings(one),
    ]);
    expect(opened.model.report.notes?.[0]).toContain('The weights are in ');
    await compare(opened, one);
  });
});

describe.each(pccotCases)('$name', (one) => {
  it('is applied to its base, and its parallel thoughts equal torch’s', async () => {
    const base = await openModel(baseFiles(one.base));
    const opened = await openModel(pccotFiles(one), { bases: { opened: base, others: [] } });
    await compare(opened, one);
  });
});

describe('a release', () => {
  it('reports what it matched, what it left out and why, and where its settings come from', async () => {
    const { model, latent } = await openModel([...(await releaseFiles(CODI)), ...baseSettings(CODI)]);
    expect(model.report.notes).toEqual([
      'The weights are in CODI’s layout (LoRA that is not merged, under "codi.base_model.model."): 28 tensors of the model, 16 LoRA factors, 6 of the function that makes thoughts.',
      'The LoRA factors are merged as the weights are read: rank 3, alpha 32 (not in the file; the official scripts’).',
      'It reasons in 6 latent thoughts (not in the file; the official scripts’), each the projection of the last hidden state, between the tokens 32 and 33, and then writes its answer.',
      'No end-of-sequence token is fed before 32 or after 33 (not in the file; the official scripts’ remove_eos). A student trained with one there, as bcywinski/codi_llama1b-answer_only was, is fed other tokens here than in training, and its thoughts and answers are not those it was trained for.',
      '"codi.base_model.model.lm_head.weight" is ignored: it equals the embedding, which is the head.',
    ]);
    expect(model.report.vocabulary).toBe(34);
    expect(latent?.reasoning).toMatchObject({
      explicit: true,
      stages: [{ ids: [32] }, { steps: 6 }, { ids: [33] }],
    });
    // Coconut's scripts leave no such choice.
    const coconut = releaseCases.find(({ layout }) => layout === 'coconut')!;
    const { model: silent } = await openModel(
      [...(await releaseFiles(coconut)), ...baseSettings(coconut)].filter(({ data }) => data.size > 0),
    );
    expect(silent.report.notes?.join()).not.toContain('remove_eos');
    const sim = release('SIM-CoT on CODI, Llama');
    const base = await openModel(baseFiles({ ...pccotCases[0]!.base }));
    const other = await openModel(
      [...(await releaseFiles(sim)), ...baseSettings(sim)].filter(({ data }) => data.size > 0),
    );
    expect(other.model.report.notes?.join('\n')).toMatch(
      /29 tensors are ignored \("decoder.transformer[^)]*", …\): the decoder that SIM-CoT/,
    );
    // With an empty config.json, the open model's is taken.
    const opened = await openModel(await releaseFiles(CODI), { bases: { opened: base, others: [] } });
    expect(opened.model.report.notes?.join('\n')).toContain(
      'From the model that was open, "gpt2": config.json and the tokenizer.',
    );
    await compare(opened, CODI);
  });

  const named =
    (name: string, shape: number[]) =>
    (tensors: Parameters<Parameters<typeof releaseFiles>[1] & object>[0]) => [
      ...tensors.filter((tensor) => tensor.name !== name),
      { name, shape, dtype: 'f32' as const, bytes: new Uint8Array(4 * shape.reduce((n, d) => n * d, 1)) },
    ];
  const without = (name: string) => (tensors: Parameters<Parameters<typeof releaseFiles>[1] & object>[0]) =>
    tensors.filter((tensor) => tensor.name !== name && tensor.same !== name);
  const A = 'codi.base_model.model.transformer.h.1.mlp.c_fc.lora_A.default.weight';
  it.each([
    [
      'a tensor that the layout does not have',
      named('codi.gate.weight', [2]),
      /tensors that it does not have: "codi.gate.weight"/,
    ],
    [
      'another adapter',
      named('codi.base_model.model.transformer.h.0.attn.c_attn.lora_A.second.weight', [3, 16]),
      /does not have: ".*lora_A.second.weight"/,
    ],
    ['half a pair', without(A), /"transformer.h.1.mlp.c_fc.weight" has one LoRA factor without the other/],
    [
      'a factor of another shape',
      named(A, [3, 17]),
      /lora_A.default.weight" is \[3, 17\], expected \[3, 16\]/,
    ],
    ['half a projection', without('prj.3.bias'), /has 5 tensors and lacks "out.bias"/],
    ['a projection of another width', named('prj.1.bias', [21]), /"prj.1.bias" is \[21\], expected \[20\]/],
    [
      'a missing tensor',
      without('codi.base_model.model.transformer.ln_f.bias'),
      /lacks 1 of 28 tensors: "transformer.ln_f.bias"/,
    ],
    [
      'other rows',
      named('codi.base_model.model.transformer.wte.weight', [35, 16]),
      /has 35 rows, config.json says 31/,
    ],
    ['no embedding', without('codi.base_model.model.transformer.wte.weight'), /hold no embedding/],
  ] as const)('is refused with %s', async (_what, change, message) => {
    const files = [
      ...(await releaseFiles({ ...CODI, file: 'model.safetensors' }, change as never)),
      ...baseSettings(CODI),
    ];
    await expect(openModel(files)).rejects.toMatchObject({
      code: expect.stringMatching(/^(file|config)$/),
      message: expect.stringMatching(message),
      hint: expect.stringMatching(/./),
    });
  });

  it('asks for its base', async () => {
    await expect(openModel(await releaseFiles(CODI))).rejects.toMatchObject({
      code: 'file',
      message: expect.stringContaining('come without config.json'),
      hint: expect.stringContaining('gpt2'),
    });
  });

  it.each([
    ['recurrent_filter_mode', 'SRE', /unsupported recurrent_filter_mode "SRE"/],
    ['add_latent_to_end', true, /unsupported add_latent_to_end true/],
    ['start_token_id', 999, /start_token_id is 999/],
    ['stop_token_id', -1, /stop_token_id is -1/],
    ['binary_head_temp', 0, /binary_head_temp is 0, expected a number above 0/],
  ])('of adaptive latent reasoning: refuses %s', async (key, value, message) => {
    const adaptive = release('adaptive latent reasoning');
    const config = structuredClone(adaptive.files['config.json']) as unknown as Record<
      string,
      Record<string, unknown>
    >;
    config._inserted_LatentThinkingModelSettings![key] = value;
    const files = await releaseFiles({ ...adaptive, files: { 'config.json': config } });
    await expect(openModel([...files, ...baseSettings(adaptive)])).rejects.toThrow(message);
  });
});

it('takes as many thoughts as its own rows of the output embedding decide when stepped through', async () => {
  const adaptive = release('adaptive latent reasoning');
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const report = await workbench.openCheckpoint([
    ...(await releaseFiles(adaptive)),
    ...baseSettings(adaptive),
  ]);
  expect(report.notes?.join('\n')).toContain(
    'The logits of tokens 33 (continue) and 34 (stop), divided by 0.5, decide',
  );
  const question = 'abcde';
  const { latentSteps, session } = await workbench.openQuestion({ question, student: 'opened' });
  const forced = await workbench.openQuestion({ question, student: 'opened', steps: 10 });
  expect(session).not.toBe(forced.session);
  const stops: number[] = [];
  for (let t = 0; t <= 10; t++) {
    const { stop } = await workbench.thought(momentOf(forced.session, t));
    if ((stop ?? 0) > 0.5) stops.push(t);
  }
  expect(latentSteps).toBe(stops[0] ?? 10);
  await workbench.close();
});

it('is exported with what makes its thoughts, and reopens as the same student', async () => {
  const opened = await openModel([...(await releaseFiles(CODI)), ...baseSettings(CODI)]);
  const { name, blob, files, notes } = await exportModel(
    { opened, checkpoints: new Map() },
    { subject: { kind: 'opened' }, format: 'merged' },
  );
  expect(files.map((file) => file.name)).toEqual(
    expect.arrayContaining(['lori.json', 'lori_modules.safetensors', 'model.safetensors']),
  );
  expect(notes.join()).toContain('Trained tensors outside the layers (projection.in.weight, ');
  const again = await openModel([{ name, data: blob }]);
  expect(again.latent?.reasoning).toEqual(opened.latent?.reasoning);
  await compare(again, CODI);
});

it('is stepped through in Latents, thought by thought, and answers', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  const asked = { question: 'abcde', student: 'opened' } as const;
  await expect(workbench.openQuestion(asked)).rejects.toThrow(/no checkpoint is open/);
  const sim = release('SIM-CoT on CODI, Llama');
  const files = [...(await releaseFiles(sim)), ...baseSettings(sim)].filter(({ data }) => data.size > 0);
  const report = await workbench.openCheckpoint(files);
  expect(report.thoughts).toBe(6);
  const session = await workbench.openQuestion(asked);
  expect(session).toMatchObject({ latentSteps: 6, filter: 'module', student: report.name });
  const thought = await workbench.thought(momentOf(session.session, 3));
  expect(thought.step).toBe(3);
  const answer = await workbench.answer(momentOf(session.session, 6));
  expect(answer.text).toBeTypeOf('string');
  await workbench.openCheckpoint(baseFiles(pccotCases[0]!.base));
  await expect(workbench.openQuestion(asked)).rejects.toThrow(/was not trained to reason in thoughts/);
  await workbench.close();
});

describe('files written by torch.save', () => {
  const read = (base64: string) =>
    readTorchHeader(
      memorySource(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer),
      'pytorch_model.bin',
    );

  it('reads torch’s own: every type, views of one storage, parameters', async () => {
    const found = await read(PICKLES.state);
    expect([...found.values()].map(({ name, dtype, shape }) => [name, dtype, shape])).toEqual([
      ['a', 'f32', [3, 4]],
      ['b', 'f32', [2, 4]],
      ['half', 'f16', [2]],
      ['brain', 'bf16', [1, 1]],
      ['count', 'i64', []],
      ['parameter', 'f64', [2]],
      ['empty', 'f64', [0, 3]],
    ]);
    const { a, b } = Object.fromEntries(found) as Record<string, { begin: number; end: number }>;
    expect([b!.begin, b!.end]).toEqual([a!.begin + 16, a!.end]);
    expect([...(await read(PICKLES.module)).keys()]).toEqual(['weight', 'bias']);
  });

  it.each([
    ['evil', /names "(posix|nt).system", which could run code/],
    ['object', /names "torch.nn.modules.linear.Linear", which could run code/],
    ['transposed', /"a": its elements are not stored row by row \(strides 1, 4 of \[4, 3\]\)/],
    ['nested', /"model" is a dict, not a tensor/],
    ['number', /"epoch" is 3, not a tensor/],
    ['old', /written by torch before 1.6/],
  ] as const)('refused: %s', async (name, message) => {
    await expect(read(PICKLES[name])).rejects.toMatchObject({
      code: 'file',
      message: expect.stringMatching(message),
    });
  });

  it('refuses, beside a model, what is not an archive', async () => {
    const files: NamedFile[] = [{ name: 'pytorch_model.bin', data: new Blob(['version https://git-lfs']) }];
    await expect(openModel([...files, ...baseSettings(CODI)])).rejects.toThrow(/Git LFS pointer/);
  });
});
