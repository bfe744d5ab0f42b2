import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasFile, readFile } from '../../../../scripts/tools/files';
import type { Progress } from '../../../contract/events';
import { FIGURE_6, type NamedFile } from '../../../contract/lens';
import type { HostTensor } from '../../base/dtype';
import { CancelledError, ConfigError, FileError, InputError, MemoryError } from '../../base/errors';
import { floatsOf, graphTensor } from '../../base/half';
import { sha256Hex } from '../../base/sha256';
import { parseModelConfig } from '../../checkpoint/config';
import { encodeFloats, type FloatDType } from '../../checkpoint/float';
import { parseSafetensors } from '../../checkpoint/safetensors';
import { writeSafetensors } from '../../checkpoint/write';
import { expectedTensors, namedWeights } from '../../nn/weights';
import { type TinyPairOptions, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { LoriWorkbench } from '../workbench';
import { openModel } from './opened';

type Files = Map<string, Uint8Array<ArrayBuffer>>;

/** The files of the tiny pair's teacher, as a person would choose them. */
async function tinyFiles(options?: TinyPairOptions): Promise<Files> {
  const pair = await tinyPair(options);
  const names = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors'];
  return new Map(names.map((name) => [name, pair.get(`teacher/${name}`) as Uint8Array<ArrayBuffer>]));
}

const named = (files: Files): NamedFile[] =>
  [...files].map(([name, bytes]) => ({ name, data: new Blob([bytes]) }));

const without = (files: Files, name: string): Files =>
  new Map([...files].filter(([other]) => other !== name));

/** The weights in two shards with their index. */
function sharded(files: Files): Files {
  const tensors = [
    ...parseSafetensors((files.get('model.safetensors') as Uint8Array<ArrayBuffer>).buffer).values(),
  ];
  const parts = [tensors.slice(0, 5), tensors.slice(5)] as const;
  const nameOf = (i: number): string => `model-0000${i + 1}-of-00002.safetensors`;
  const out = without(files, 'model.safetensors');
  parts.forEach((part, i) => {
    out.set(nameOf(i), writeSafetensors(part));
  });
  const map = Object.fromEntries(parts.flatMap((part, i) => part.map((t) => [t.name, nameOf(i)])));
  out.set('model.safetensors.index.json', text({ metadata: {}, weight_map: map }));
  return out;
}

const text = (value: unknown): Uint8Array<ArrayBuffer> => new TextEncoder().encode(JSON.stringify(value));

/** The same weights, rounded to another format. */
function stored(files: Files, dtype: FloatDType): Files {
  const tensors = [
    ...parseSafetensors((files.get('model.safetensors') as Uint8Array<ArrayBuffer>).buffer).values(),
  ];
  const bytes = tensors.map((t) => ({
    ...t,
    dtype,
    bytes: encodeFloats(new Float32Array(t.bytes.slice().buffer), dtype),
  }));
  return new Map([...files, ['model.safetensors', writeSafetensors(bytes)]]);
}

let files: Files;
beforeAll(async () => {
  files = await tinyFiles();
});

describe('a checkpoint from files', () => {
  it('is read with its hash, told in bytes', async () => {
    const seen: Progress[] = [];
    const bytes = files.get('model.safetensors') as Uint8Array<ArrayBuffer>;
    const { model, tokenizer } = await openModel(named(files), { report: (p) => seen.push(p) });
    expect(model.report).toMatchObject({
      name: `checkpoint ${(await sha256Hex(bytes)).slice(0, 8)}`,
      role: 'opened',
      modelType: 'llama',
      bytes: bytes.length,
      sha256: await sha256Hex(bytes),
      layers: 2,
      hidden: 32,
      vocabulary: 397,
      licence: 'unknown',
      measured: [],
    });
    expect(model.endIds).toEqual([1]);
    expect(tokenizer.vocabSize).toBe(397);
    const done = seen.map((p) => p.done);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(new Set(seen.map((p) => `${p.phase} ${p.unit} ${p.total}`))).toEqual(
      new Set([`load bytes ${bytes.length}`]),
    );
    expect(done.length).toBeGreaterThan(10);
    expect(done.at(-1)).toBe(bytes.length);
  });

  it('has the same weights from shards, in folders, among other files, without a tokenizer_config.json', async () => {
    const whole = await openModel(named(files));
    const parts = sharded(without(files, 'tokenizer_config.json'));
    const shards = await openModel([
      ...named(parts).map(({ name, data }) => ({ name: `some/folder/${name}`, data })),
      { name: 'README.md', data: new Blob(['# hello']) },
    ]);
    expect(shards.model.weights).toEqual(whole.model.weights);
    const joined = [...parts].filter(([name]) => name.endsWith('.safetensors')).flatMap(([, b]) => [...b]);
    expect(shards.model.report.sha256).toBe(await sha256Hex(Uint8Array.from(joined)));
    expect(shards.model.report.bytes).toBe(joined.length);
  });

  it.each(['bf16', 'f16'] as const)('is kept in %s, and widened exactly', async (dtype) => {
    const half = await openModel(named(stored(files, dtype)));
    // Once rounded, the values are those of an f32 file that holds them.
    const again = await openModel(named(f32Of(dtype)));
    const [kept, wide] = [half, again].map(({ model }) => Object.entries(namedWeights(model.weights)));
    expect(kept?.map(([name, { dtype }]) => [name, dtype])).toEqual(wide?.map(([name]) => [name, dtype]));
    expect(kept?.map(([name, host]) => [name, graphTensor(host)])).toEqual(wide);
    expect(half.model.report.bytes).toBeLessThan(again.model.report.bytes);
  });

  const bad: [string, () => Files | Promise<Files>, typeof FileError | typeof ConfigError, RegExp][] = [
    ['no files', () => new Map(), FileError, /config\.json is missing; given: nothing/],
    [
      'no config.json',
      () => without(files, 'config.json'),
      FileError,
      /config\.json is missing; given: "tokenizer\.json", .*"model\.safetensors"/,
    ],
    ['no tokenizer', () => without(files, 'tokenizer.json'), FileError, /^tokenizer\.json is missing/],
    ['no weights', () => without(files, 'model.safetensors'), FileError, /^model\.safetensors is missing/],
    [
      'a shard less',
      () => without(sharded(files), 'model-00002-of-00002.safetensors'),
      FileError,
      /^model-00002-of-00002\.safetensors is missing; given: .*"model-00001-of-00002\.safetensors"/,
    ],
    [
      'another architecture',
      () => new Map([...files, ['config.json', text({ model_type: 'bloom' })]]),
      ConfigError,
      /unsupported model_type "bloom"; supported: llama, qwen2, qwen3, gpt2/,
    ],
    [
      'a tokenizer of another model',
      () => tinyFiles({ config: { vocab_size: 300 } }),
      ConfigError,
      /the tokenizer has 397 tokens, the model 300/,
    ],
    [
      'weights of another model',
      async () =>
        new Map([
          ...files,
          ['config.json', (await tinyFiles({ config: { hidden_size: 16 } })).get('config.json') as never],
        ]),
      FileError,
      /is \[397, 32\], config\.json makes it \[397, 16\]/,
    ],
    [
      'cut weights',
      () =>
        new Map([...files, ['model.safetensors', files.get('model.safetensors')?.slice(0, 5000) as never]]),
      FileError,
      /model\.safetensors: tensor .* truncated/,
    ],
    [
      'a config.json that is none',
      () => new Map([...files, ['config.json', new TextEncoder().encode('{"model_type": ')]]),
      FileError,
      /config\.json: not valid JSON/,
    ],
  ];
  it.each(bad)('%s: refused with what is wrong', async (_name, make, kind, message) => {
    const opening = openModel(named(await make()));
    await expect(opening).rejects.toThrow(kind);
    await expect(opening).rejects.toThrow(message);
  });

  it('is refused where a name comes twice, or it is too large, before its weights are read', async () => {
    const twice = [...named(files), { name: 'old/config.json', data: new Blob(['{}']) }];
    await expect(openModel(twice)).rejects.toThrow('there are two files "config.json"');
    const unreadable = {
      size: 5e9,
      arrayBuffer: () => Promise.reject(new Error('read')),
      slice: () => unreadable,
    };
    const huge = named(without(files, 'model.safetensors'));
    huge.push({ name: 'model.safetensors', data: unreadable as unknown as Blob });
    const opening = openModel(huge);
    await expect(opening).rejects.toThrow(MemoryError);
    await expect(opening).rejects.toThrow(/the files take 50\d+ bytes; at most 4294967296 can be opened/);
    await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining('1073 million parameters') });
    // bf16 files are half of what their weights take.
    const small = stored(files, 'bf16');
    const weights =
      4 *
      expectedTensors(
        parseModelConfig(JSON.parse(new TextDecoder().decode(files.get('config.json')))),
      ).reduce((n, { shape }) => n + shape.reduce((a, b) => a * b, 1), 0);
    const total = [...small.values()].reduce((n, b) => n + b.length, 0);
    expect(weights).toBeGreaterThan(total);
    await expect(openModel(named(small), {}, weights - 1)).rejects.toThrow(
      `the weights, as f32, take ${weights} bytes`,
    );
    expect((await openModel(named(small), {}, weights)).model.report.layers).toBe(2);
  });

  it('can be cancelled before and while it is read', async () => {
    await expect(openModel(named(files), { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
    const abort = new AbortController();
    let reads = 0;
    const opening = openModel(named(files), {
      signal: abort.signal,
      report: () => {
        if (++reads === 4) abort.abort();
      },
    });
    await expect(opening).rejects.toThrow(CancelledError);
    expect(reads).toBe(4);
  });
});

/** An f32 file of the values that `dtype` can hold. */
function f32Of(dtype: FloatDType): Files {
  const half = parseSafetensors(
    (stored(files, dtype).get('model.safetensors') as Uint8Array<ArrayBuffer>).buffer,
  );
  const widened = [...half.values()].map((t) => {
    const bits = new Uint16Array(t.bytes.slice().buffer);
    const values = Float32Array.from(bits, (b) => (dtype === 'bf16' ? fromBf16(b) : fromF16(b)));
    return { ...t, dtype: 'f32' as const, bytes: encodeFloats(values, 'f32') };
  });
  return new Map([...files, ['model.safetensors', writeSafetensors(widened)]]);
}
const fromBf16 = (bits: number): number => new Float32Array(Uint32Array.of(bits << 16).buffer)[0] as number;
const fromF16 = (bits: number): number => {
  const [sign, exponent, mantissa] = [bits >> 15 ? -1 : 1, (bits >> 10) & 31, bits & 1023];
  return sign * (exponent === 0 ? mantissa * 2 ** -24 : (1 + mantissa / 1024) * 2 ** (exponent - 15));
};

describe('the workbench', () => {
  const workbench = new LoriWorkbench(tinyEnvironment(new Map()));
  afterAll(() => workbench.close());

  it('opens a checkpoint without a provider or a pair, keeps it over both, and replaces it by the next', async () => {
    const held = () => (workbench as unknown as { openedModel?: { model: object } }).openedModel?.model;
    const opened = await workbench.openCheckpoint(named(files));
    const first = held();
    await expect(workbench.openCheckpoint(named(without(files, 'config.json')))).rejects.toThrow(
      'is missing',
    );
    await workbench.open('wasm');
    expect(held()).toBe(first);
    // The lens on texts needs nothing else.
    const figure = await workbench.lens({
      ...FIGURE_6,
      source: { kind: 'texts', texts: ['Tom has 12 apples.', 'Ann has 3.'] },
      selections: [{ subject: { kind: 'opened' }, sections: ['text'] }],
    });
    expect(figure.selections[0]?.spectra.map((s) => s.about)).toEqual(['Tom has 12 apples.', 'Ann has 3.']);
    expect(figure.selections[0]).toMatchObject({ model: opened.name, layers: 2, hidden: 32 });
    const teacher = { ...FIGURE_6, source: { kind: 'texts', texts: ['a'] } } as const;
    await expect(workbench.lens(teacher)).rejects.toThrow(InputError);
    const [report] = await Promise.all([
      workbench.openCheckpoint(named(await tinyFiles({ config: { num_hidden_layers: 1 } }))),
      workbench.openCheckpoint(named(files)),
    ]);
    expect(report.layers).toBe(1);
    expect(held()).not.toBe(first);
    expect(held()).toMatchObject({ config: { layers: 2 } });
  });
});

const FOLDER = 'checkpoints/stories260K';
describe.skipIf(!(await hasFile('shared', `${FOLDER}/config.json`)))('stories260K', () => {
  const get = async (...names: string[]): Promise<NamedFile[]> =>
    Promise.all(
      names.map(async (name) => ({ name, data: new Blob([await readFile('shared', `${FOLDER}/${name}`)]) })),
    );
  const common = ['config.json', 'tokenizer.json', 'tokenizer_config.json'];
  const forms: [string, string[], number][] = [
    ['f32', ['model.safetensors'], 0],
    ['f16', ['f16/model.safetensors'], 2 ** -11],
    ['bf16', ['bf16/model.safetensors'], 2 ** -8],
    [
      'shards of bf16',
      [
        'sharded/model.safetensors.index.json',
        'sharded/model-00001-of-00002.safetensors',
        'sharded/model-00002-of-00002.safetensors',
      ],
      2 ** -8,
    ],
  ];
  it.each(forms)('opens from %s', async (_name, weights, precision) => {
    const { model, tokenizer } = await openModel(await get(...common, ...weights));
    expect(model.report).toMatchObject({ layers: 5, hidden: 64, vocabulary: 512, modelType: 'llama' });
    expect(model.report.parameters).toBe(260_032);
    expect(tokenizer.encode('Once upon a time')).toEqual([1, 403, 407, 261, 378]);
    const { model: f32 } = await openModel(await get(...common, 'model.safetensors'));
    const [a, b] = [model, f32].map((m) => floatsOf(m.weights.outer.embedding as HostTensor)) as [
      Float32Array,
      Float32Array,
    ];
    let worst = 0;
    for (let i = 0; i < b.length; i++)
      worst = Math.max(
        worst,
        Math.abs((a[i] as number) - (b[i] as number)) / (Math.abs(b[i] as number) + 1e-4),
      );
    // Rounded to nearest once: half a unit in the last place, and more where f16 is subnormal.
    expect(worst).toBeLessThanOrEqual(precision);
    if (precision > 0) expect(worst).toBeGreaterThan(0);
  });
});
