import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generateDefaults } from '../../../contract/generate';
import { FIGURE_6, type LensRequest, type NamedFile } from '../../../contract/lens';
import type { LlamaForm } from '../../onnx/read/exports.testing';
import { tinyExport } from '../../testing/tiny-export.testing';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { relativeError } from '../../train/tiny.testing';
import { LoriWorkbench } from '../workbench';
import { checkPromptLogits, type OnnxExport } from './onnx-export';
import { onnxFilesOf } from './onnx-open';
import { openModel } from './opened';

type Bytes = Uint8Array<ArrayBuffer>;
let pair: Map<string, Bytes>;
let workbench: LoriWorkbench;
const TEXTS = [
  'Tom has 12 apples.',
  'Anna buys 3 pens and 4 books for 20 coins. How many coins?',
  'Sam is 7.',
];
beforeAll(async () => {
  pair = await tinyPair({ config: { hidden_size: 64, intermediate_size: 96 } });
  workbench = new LoriWorkbench(tinyEnvironment(pair));
  await workbench.open('wasm');
  await workbench.loadPair('models');
});
afterAll(() => workbench.close());

const file = (name: string): Bytes => pair.get(`teacher/${name}`) as Bytes;
const JSONS = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];

/** A folder as transformers.js lays it out. */
function folder(
  models: Readonly<Record<string, LlamaForm>>,
  changed: Readonly<Record<string, Bytes>> = {},
): NamedFile[] {
  const files: [string, Bytes][] = JSONS.map((name) => [name, changed[name] ?? file(name)]);
  for (const [name, form] of Object.entries(models)) {
    const { model, data } = tinyExport(pair, 'teacher', form);
    files.push([`onnx/${name}`, model]);
    if (data) files.push(['onnx/model.onnx_data', data]);
  }
  return files.map(([name, bytes]) => ({ name, data: new Blob([bytes]) }));
}

const json = (change: object): Bytes =>
  new TextEncoder().encode(
    JSON.stringify({ ...JSON.parse(new TextDecoder().decode(file('config.json'))), ...change }),
  );

const request: LensRequest = {
  ...FIGURE_6,
  source: { kind: 'texts', texts: TEXTS },
  selections: [
    { subject: { kind: 'opened' }, sections: ['text'] },
    { subject: { kind: 'teacher' }, sections: ['text'] },
  ],
  controls: ['random-tokens'],
};

describe('an ONNX export from files', () => {
  it('gives the lens the same as safetensors with the same weights', async () => {
    const files = folder({
      'model.onnx': { form: 'genai', externalFrom: 1000 },
      'model_q4.onnx': { form: 'genai', linears: 'q4' },
    });
    const told: number[] = [];
    const report = await workbench.openCheckpoint(files, { report: ({ done }) => told.push(done) });
    expect(report).toMatchObject({
      name: 'model.onnx',
      role: 'opened',
      modelType: 'llama',
      layers: 2,
      hidden: 64,
      intermediate: 96,
      heads: 4,
      kvHeads: 2,
      vocabulary: 397,
    });
    expect(report.notes).toEqual([
      expect.stringContaining('allows neither training nor interventions'),
      'model.onnx was opened; for model_q4.onnx, choose that file without the others, with config.json and tokenizer.json.',
    ]);
    expect(report.sampled).toBe(true);
    expect(told.at(-1)).toBe(files.find(({ name }) => name === 'onnx/model.onnx')?.data.size);
    const lens = await workbench.lens(request);
    const [opened, teacher] = lens.selections;
    expect(opened?.label).toBe('opened');
    expect(opened?.spectra.length).toBe(3);
    expect(opened?.spectra.length).toBe(teacher?.spectra.length);
    opened?.spectra.forEach((spectrum, i) => {
      const want = teacher?.spectra[i];
      expect(spectrum.rows).toBe(want?.rows);
      // Singular values of float32 states, computed in two ways.
      expect(Math.abs(spectrum.effectiveRank / (want?.effectiveRank ?? 0) - 1)).toBeLessThan(1e-5);
    });
    // Problems too, with all kinds of tokens.
    const problems = { kind: 'problems', seed: 2, samples: 9 } as const;
    const sections = ['question', 'rationale', 'answer'] as const;
    const selections = [
      { subject: { kind: 'opened' }, sections },
      { subject: { kind: 'teacher' }, sections },
    ] as const;
    const second = await workbench.lens({ ...request, source: problems, selections, controls: [] });
    const ranks = second.selections.map(({ spectra }) =>
      spectra.map((s) => [s.rows, s.effectiveRank.toPrecision(4)]),
    );
    expect(ranks[0]).toEqual(ranks[1]);
  });

  it('writes the states of safetensors with the same weights to a file, of layer 0 and of others', async () => {
    await workbench.openCheckpoint(folder({ 'model.onnx': { form: 'genai', externalFrom: 1000 } }));
    const read = async (kind: 'opened' | 'teacher', layers: readonly number[] | null) => {
      const { blob, shape } = await workbench.exportStates({
        source: { kind: 'texts', texts: TEXTS },
        ...{ subject: { kind }, sections: ['text'], layers, format: 'npy' },
      });
      const values = new Float32Array(await blob.slice(-4 * shape[0] * shape[1] * shape[2]).arrayBuffer());
      return { shape, values };
    };
    for (const layers of [[0], [0, 2], [1], null]) {
      const [opened, teacher] = [await read('opened', layers), await read('teacher', layers)];
      expect(opened.shape).toEqual(teacher.shape);
      expect(relativeError(opened.values, teacher.values)).toBeLessThan(1e-5);
    }
  });

  it('generates like safetensors with the same weights, greedily and sampled, and is cancelled between tokens', async () => {
    await workbench.openCheckpoint(folder({ 'model.onnx': { form: 'genai', doRotary: true } }));
    const of = (kind: 'opened' | 'teacher', settings: object) =>
      workbench.generate({
        subject: { kind },
        prompt: 'Tom has 12 apples.',
        stop: [],
        settings: { ...generateDefaults, limit: 20, ...settings },
      });
    for (const settings of [
      {},
      { temperature: 0.9, samples: 3, seed: 4 },
      { temperature: 1.5, topK: 30, topP: 0.9 },
    ]) {
      const [opened, teacher] = [await of('opened', settings), await of('teacher', settings)];
      expect(opened.samples.map(({ text, ending }) => [text, ending])).toEqual(
        teacher.samples.map(({ text, ending }) => [text, ending]),
      );
      opened.samples.forEach(({ tokens }, b) => {
        expect(tokens.length).toBeGreaterThan(0);
        tokens.forEach((token, n) => {
          const want = teacher.samples[b]?.tokens[n];
          // Float32 logits, computed in two ways.
          expect(Math.abs(token.logProbability - (want?.logProbability ?? 9))).toBeLessThan(1e-4);
          expect(Math.abs(token.probability - (want?.probability ?? 9))).toBeLessThan(1e-4);
        });
      });
    }
    const abort = new AbortController();
    let tokens = 0;
    const cancelled = workbench.generate(
      { subject: { kind: 'opened' }, prompt: 'Tom', stop: [], settings: { ...generateDefaults, limit: 200 } },
      {
        signal: abort.signal,
        report: (event) => 'kind' in event && event.kind === 'token' && ++tokens === 3 && abort.abort(),
      },
    );
    await expect(cancelled).rejects.toMatchObject({ code: 'cancelled' });
    expect(tokens).toBe(3);
  });

  it('is quantised if its file is, and says so', async () => {
    const report = await workbench.openCheckpoint(
      folder(
        { 'model_q4f16.onnx': { form: 'genai', linears: 'q4', halves: true } },
        { 'config.json': json({ _name_or_path: 'org/tiny' }) },
      ),
    );
    expect(report.name).toBe('org/tiny (model_q4f16.onnx)');
    expect(report.notes?.at(-1)).toBe(
      'model_q4f16.onnx computes with weights of few bits in blocks and float16: its hidden states are those of this rounded model.',
    );
    // Packed weights count unpacked; the tied head counts a second time, and the rotary tables count too.
    const parameters = 397 * 64 * 2 + 2 * (64 * 64 * 2 + 2 * 32 * 64 + 3 * 64 * 96) + 2 * 256 * 8;
    expect(report.parameters).toBe(parameters);
    const lens = await workbench.lens(request);
    const [opened, teacher] = lens.selections;
    const off = Math.abs(
      (opened?.spectra[1]?.effectiveRank ?? 0) / (teacher?.spectra[1]?.effectiveRank ?? 1) - 1,
    );
    expect(off).toBeGreaterThan(1e-4);
    expect(off).toBeLessThan(0.1);
  });

  it('does not read a prompt whose logits take too much memory at once', async () => {
    // The check comes before anything is run.
    const { model } = await openModel(folder({ 'model.onnx': { form: 'genai' } }));
    const { onnx } = model as { onnx: OnnxExport };
    const large = { ...onnx, sizes: { ...onnx.sizes, vocabSize: 2 ** 18 } };
    expect(() => checkPromptLogits(large, 1024)).not.toThrow();
    expect(() => checkPromptLogits(large, 1025)).toThrow(
      'the prompt has 1025 tokens; model.onnx computes 1074790400 bytes of logits for them at once',
    );
    const told = await openModel(folder({ 'model.onnx': { form: 'genai', keepsLogits: true } }));
    expect(() => checkPromptLogits({ ...told.model.onnx!, sizes: large.sizes }, 1025)).not.toThrow();
  });

  it('ends a text where config.json, generation_config.json or else the tokenizer says, with notes on what it cannot use', async () => {
    const open = (eos: unknown, generation?: object) => {
      const files = folder(
        { 'model.onnx': { form: 'genai' } },
        { 'config.json': json({ eos_token_id: eos }) },
      );
      const data = generation && new Blob([JSON.stringify(generation)]);
      return openModel(data ? [...files, { name: 'generation_config.json', data }] : files);
    };
    const { model } = await open([5, 9999, -1], { eos_token_id: [5, 7, 397] });
    expect(model.endIds).toEqual([5, 7]);
    expect(model.report.notes?.slice(1)).toEqual([
      'eos_token_id is [5, 9999, -1]; ids beyond the vocabulary (vocab_size 397) are left out.',
      'generation_config.json: eos_token_id names 397, which is not a token of the model (0 to 396); the rest is used.',
    ]);
    const other = await open(null);
    expect(other.model.endIds).toEqual([other.tokenizer.eosTokenId]);
    await expect(open('end')).rejects.toMatchObject({
      code: 'config',
      message: 'eos_token_id is "end", expected token ids, whole numbers from 0',
    });
  });

  it('is refused by name by operations on weights', async () => {
    await workbench.openCheckpoint(folder({ 'model.onnx': { form: 'decomposed' } }));
    const causal = workbench.causal({
      subject: { kind: 'opened' },
      problems: 4,
      layers: [1],
      ranks: [1],
      positions: 'all',
      centre: false,
      samples: 4,
      seed: 1,
      random: false,
    });
    await expect(causal).rejects.toMatchObject({
      code: 'config',
      message:
        'the causal test works on a model’s weights; model.onnx is an ONNX export, which can only be run as it is',
      hint: 'Open the safetensors of the same model.',
    });
    const { model } = await openModel(folder({ 'model.onnx': { form: 'decomposed' } }));
    expect(() => model.weights).toThrow('this works on a model’s weights');
    expect({ ...model }).not.toHaveProperty('weights');
    const selections = [{ subject: { kind: 'opened' }, sections: ['latent'] }] as const;
    const source = { kind: 'problems', seed: 1, samples: 2 } as const;
    await expect(workbench.lens({ ...request, source, selections, controls: [] })).rejects.toThrow(/latent/);
  });

  it('is not fed a text that takes too much memory at once', async () => {
    const config = json({ max_position_embeddings: 20_000 });
    await workbench.openCheckpoint(
      folder({ 'model.onnx': { form: 'decomposed' } }, { 'config.json': config }),
    );
    const source = { kind: 'texts', texts: ['Tom has 12 apples. '.repeat(1100)] } as const;
    const selections = [{ subject: { kind: 'opened' }, sections: ['text'] }] as const;
    const lens = workbench.lens({ ...request, source, selections, controls: [] });
    await expect(lens).rejects.toMatchObject({
      code: 'memory',
      message: expect.stringMatching(
        /text-1 has \d+ tokens, for which the export computes \d+ bytes at once/,
      ),
    });
  });

  const bad: [string, () => NamedFile[], RegExp][] = [
    [
      'without its data',
      () =>
        folder({ 'model.onnx': { form: 'genai', externalFrom: 500 } }).filter(
          ({ name }) => !name.endsWith('_data'),
        ),
      /keeps its weights in "model.onnx_data", which is missing; given: "config.json"/,
    ],
    [
      'with data of another',
      () =>
        folder({ 'model.onnx': { form: 'genai', externalFrom: 500 } }).map(({ name, data }) => ({
          name,
          data: name.endsWith('_data') ? data.slice(0, 9000) : data,
        })),
      /of model.onnx_data, which has 9000/,
    ],
    [
      'with data that is a git-lfs pointer',
      () =>
        folder({ 'model.onnx': { form: 'genai', externalFrom: 500 } }).map(({ name, data }) => ({
          name,
          data: name.endsWith('_data') ? new Blob(['version https://git-lfs.github.com/spec/v1\n']) : data,
        })),
      /^model\.onnx_data: this is a Git LFS pointer/,
    ],
    [
      'with another config',
      () => folder({ 'model.onnx': { form: 'genai' } }, { 'config.json': json({ num_hidden_layers: 5 }) }),
      /says 5 layers; the ONNX graph has keys and values of 2/,
    ],
    [
      'with a size that is none',
      () => folder({ 'model.onnx': { form: 'genai' } }, { 'config.json': json({ hidden_size: 'big' }) }),
      /hidden_size is "big"/,
    ],
    [
      'without a size',
      () => folder({ 'model.onnx': { form: 'genai' } }, { 'config.json': json({ vocab_size: null }) }),
      /has no vocab_size/,
    ],
    [
      'that is a git-lfs pointer',
      () => [
        ...folder({}),
        {
          name: 'model.onnx',
          data: new Blob(['version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 5\n']),
        },
      ],
      /^model\.onnx: this is a Git LFS pointer/,
    ],
    [
      'that is a web page',
      () => [...folder({}), { name: 'model.onnx', data: new Blob(['<!DOCTYPE html><html></html>']) }],
      /^model\.onnx: this is a web page/,
    ],
  ];
  it.each(bad)('is refused %s', async (_, files, message) => {
    const refused = workbench.openCheckpoint(files());
    await expect(refused).rejects.toMatchObject({
      code: expect.stringMatching(/^(file|config)$/),
      message: expect.stringMatching(message),
    });
  });

  it('is chosen by name, the most exact first, and not at all beside safetensors', () => {
    const names = [
      'model_q4.onnx',
      'other.onnx',
      'model_quantized.onnx',
      'model_fp16.onnx',
      'model.onnx_data',
    ];
    const of = (...more: string[]) =>
      onnxFilesOf(new Map([...names, ...more].map((name) => [name, new Blob()])));
    expect(of()).toEqual(['model_fp16.onnx', 'model_quantized.onnx', 'model_q4.onnx', 'other.onnx']);
    expect(of('model.onnx')[0]).toBe('model.onnx');
    expect(of('model.safetensors')).toEqual([]);
  });
});
