import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasFile, readFile } from '../../../../scripts/tools/files';
import type { Progress } from '../../../contract/events';
import { generateDefaults } from '../../../contract/generate';
import { FIGURE_6, type NamedFile } from '../../../contract/lens';
import type { HostTensor } from '../../base/dtype';
import { CancelledError, ConfigError, FileError, InputError, NumericError } from '../../base/errors';
import { floatsOf, graphTensor } from '../../base/half';
import { sha256Hex } from '../../base/sha256';
import { encodeFloats, type FloatDType } from '../../checkpoint/float';
import { parseSafetensors } from '../../checkpoint/safetensors.testing';
import { writeSafetensors } from '../../checkpoint/write';
import type { WeightSource } from '../../nn/weight-source';
import type { Runtime } from '../../runtime/runtime';
import { type TinyPairOptions, tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { LoriWorkbench } from '../workbench';
import { openModel } from './opened';

type Files = Map<string, Uint8Array<ArrayBuffer>>;

/** The files of the tiny pair's teacher, as a user would choose them. */
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

it('refuses an incomplete adapter beside its base by name instead of ignoring it', async () => {
  const beside = new Map([...files, ['adapter_config.json', text({ peft_type: 'LORA' })]]);
  await expect(openModel(named(beside))).rejects.toMatchObject({
    message: 'adapter_model.safetensors is missing; given: adapter_config.json',
    hint: expect.stringContaining('together with adapter_config.json'),
  });
});

describe('a checkpoint from files', () => {
  it('is named after its folder, unless config.json names it or its files come from several', async () => {
    const nameOf = async (chosen: readonly NamedFile[]) => (await openModel(chosen)).model.report.name;
    const all = named(files).map((file) => ({ ...file, folder: 'stories' }));
    expect(await nameOf(all)).toBe('stories');
    expect(await nameOf(all.map((file, i) => (i === 0 ? { ...file, folder: 'other' } : file)))).toMatch(
      /^checkpoint [0-9a-f]{8}$/,
    );
    const config = new Blob([
      JSON.stringify({ ...JSON.parse(await (all[0] as NamedFile).data.text()), _name_or_path: 'org/own' }),
    ]);
    expect(
      await nameOf(all.map((file) => (file.name === 'config.json' ? { ...file, data: config } : file))),
    ).toBe('org/own');
  });

  it('is read and hashed, with progress in bytes', async () => {
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
      matched: { tensors: 20, bytes: expect.any(Number) },
      options: { headDim: 8, norm: 'rms', activation: 'swiglu', maxPositions: 256, biases: [] },
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
    expect(done.length).toBeGreaterThan(1);
    expect(model.report.sampled).toBeUndefined();
    expect(done.at(-1)).toBe(bytes.length);
  });

  it('has the chat template of chat_template.jinja; an unusable one is reported, and the model opens', async () => {
    const withTemplate = (source: string) =>
      openModel([...named(files), { name: 'chat_template.jinja', data: new Blob([source]) }]);
    const { tokenizer } = await withTemplate('<{{ messages[0].content }}>');
    expect(tokenizer.chat?.render([{ role: 'user', content: 'Hi' }])).toBe('<Hi>');
    const bad = await withTemplate('{% for %}');
    expect(bad.tokenizer.chat).toBeUndefined();
    expect(bad.model.report.notes).toEqual([
      expect.stringMatching(/^The chat template "default" is not used/),
    ]);
  });

  it('has the tokenizer of a class of transformers, which adds no space in front of a text unasked', async () => {
    const spaced = { ...JSON.parse(new TextDecoder().decode(files.get('tokenizer.json'))) };
    spaced.pre_tokenizer = { type: 'ByteLevel', add_prefix_space: true, use_regex: true };
    const plain = without(without(files, 'tokenizer.json'), 'tokenizer_config.json');
    for (const config of [undefined, {}, { model_max_length: 1024 }]) {
      const more = config === undefined ? [] : [['tokenizer_config.json', text(config)] as const];
      const chosen = new Map([...plain, ['tokenizer.json', text(spaced)] as const, ...more]);
      const { model } = await openModel(named(chosen));
      expect(model.report.notes).toEqual([expect.stringMatching(/^A text gets no space in front/)]);
    }
  });

  it('has the tokens of special_tokens_map.json and added_tokens.json where no others are listed', async () => {
    const [map, added] = [{ bos_token: '</s>', eos_token: '<pad>' }, { '<new>': 3 }];
    const chosen = new Map([
      ...files,
      ['special_tokens_map.json', text(map)] as const,
      ['added_tokens.json', text(added)] as const,
    ]);
    const { tokenizer, model } = await openModel(named(chosen));
    const [bos, eos] = ['</s>', '<pad>'].map((token) => tokenizer.encode(token)[0]);
    expect([tokenizer.bosTokenId, tokenizer.eosTokenId]).toEqual([bos, eos]);
    expect(() => tokenizer.encode('<new>')).toThrow('the model has no row for the token <new>');
    expect(model.report.notes?.join()).toMatch(/eos_token is "<pad>" by special_tokens_map.json/);
  });

  it('has the same weights from shards, in folders, among other files, without a tokenizer_config.json', async () => {
    const whole = await openModel(named(files));
    const parts = sharded(without(files, 'tokenizer_config.json'));
    const shards = await openModel([
      ...named(parts).map(({ name, data }) => ({ name: `some/folder/${name}`, data })),
      { name: 'README.md', data: new Blob(['# hello']) },
    ]);
    expect(valuesOf(shards.model)).toEqual(valuesOf(whole.model));
    expect(valuesOf(whole.model)).toHaveLength(14);
    const joined = [...parts].filter(([name]) => name.endsWith('.safetensors')).flatMap(([, b]) => [...b]);
    expect(shards.model.report.sha256).toBe(await sha256Hex(Uint8Array.from(joined)));
    expect(shards.model.report.bytes).toBe(joined.length);
  });

  it.each(['bf16', 'f16'] as const)('is stored in %s, and widened exactly', async (dtype) => {
    const half = await openModel(named(stored(files, dtype)));
    // The rounded values equal those of an f32 file that holds them.
    const again = await openModel(named(f32Of(dtype)));
    const [kept, wide] = [half, again].map(({ model }) => valuesOf(model));
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
      /is \[397, 32\], config\.json requires \[397, 16\]/,
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
  it.each(bad)('%s: refused, saying what is wrong', async (_name, make, kind, message) => {
    const opening = openModel(named(await make()));
    await expect(opening).rejects.toThrow(kind);
    await expect(opening).rejects.toThrow(message);
  });

  it('is refused if a name occurs twice, or a file cannot be read', async () => {
    const twice = [...named(files), { name: 'old/config.json', data: new Blob(['{}']) }];
    await expect(openModel(twice)).rejects.toThrow('there are two files "config.json"');
    const whole = new Blob([files.get('model.safetensors') as Uint8Array<ArrayBuffer>]);
    const slices = [whole.slice(0, 8), whole];
    const lost = {
      size: whole.size,
      // The header remains readable.
      slice: (from: number, to: number) =>
        to < whole.size
          ? (slices[1] as Blob).slice(from, to)
          : { arrayBuffer: () => Promise.reject(new Error('gone')) },
    };
    const opening = openModel([
      ...named(without(files, 'model.safetensors')),
      { name: 'model.safetensors', data: lost as unknown as Blob },
    ]);
    await expect(opening).rejects.toThrow(FileError);
    await expect(opening).rejects.toThrow('model.safetensors could not be read (gone)');
  });

  it('can be cancelled before and while it is read', async () => {
    await expect(openModel(named(files), { signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
    const abort = new AbortController();
    let reads = 0;
    const opening = openModel(named(files), {
      signal: abort.signal,
      report: () => {
        if (++reads === 1) abort.abort();
      },
    });
    await expect(opening).rejects.toThrow(CancelledError);
    expect(reads).toBe(1);
  });
});

describe('weights that are not read', () => {
  const opening = async (chosen: readonly NamedFile[]) => (await openModel(chosen)).model.report;
  const tensors = () => [
    ...parseSafetensors((files.get('model.safetensors') as Uint8Array<ArrayBuffer>).buffer).values(),
  ];
  const norm = 'model.layers.0.self_attn.q_norm.weight';
  const stray = () => writeSafetensors([{ ...(tensors()[0] as never as object), name: norm } as never]);
  /** The index without a tensor, which one of its shards still holds. */
  const unlisting = (parts: Files, name: string): Files => {
    const index = JSON.parse(new TextDecoder().decode(parts.get('model.safetensors.index.json')));
    delete index.weight_map[name];
    return new Map([...parts, ['model.safetensors.index.json', text(index)]]);
  };

  it('a shard’s tensor that the index leaves out is refused, or used and said', async () => {
    const parts = sharded(files);
    const second = 'model-00002-of-00002.safetensors';
    const extra = { ...tensors()[0], name: norm } as never;
    const held = [...parseSafetensors((parts.get(second) as Uint8Array<ArrayBuffer>).buffer).values()];
    const shard = writeSafetensors([...held, extra]);
    await expect(openModel(named(new Map([...parts, [second, shard]])))).rejects.toMatchObject({
      code: 'file',
      message: expect.stringContaining(norm),
    });
    const { notes, matched } = await opening(named(unlisting(parts, 'model.norm.weight')));
    expect(notes).toEqual([
      expect.stringMatching(/^"model\.norm\.weight" is in "model-0000\d-of-00002\.safetensors" although/),
    ]);
    expect(matched?.tensors).toBe(20);
  });

  it('a file that the index does not name is noted, and refused where it holds a part of the network', async () => {
    const copy = files.get('model.safetensors') as Uint8Array<ArrayBuffer>;
    const both = new Map([...sharded(files), ['copy.safetensors', copy] as const]);
    const { notes, sha256 } = await opening(named(both));
    expect(notes).toEqual([
      '"copy.safetensors" is not read: the index does not name it, and all that it holds comes from other files.',
    ]);
    expect(sha256).toBe((await opening(named(sharded(files)))).sha256);
    const more = new Map([...sharded(files), ['extra.safetensors', stray()]]);
    await expect(openModel(named(more))).rejects.toThrow(/"extra\.safetensors".*nothing uses: .*q_norm/);
  });

  it('model.safetensors comes before the shards of a stale index, as in transformers; a second set without one is refused', async () => {
    const { sha256 } = await opening(named(files));
    const beside = sharded(files);
    const [first, second] = [1, 2].map((i) => `model-0000${i}-of-00002.safetensors`) as [string, string];
    const stale =
      '"model.safetensors.index.json" is not used: it does not name model.safetensors, which comes first, as in transformers.';
    const why = 'the weights are in model.safetensors, which comes first, as in transformers.';
    for (const [more, notes] of [
      [beside, [stale, expect.stringContaining(`"${first}", "${second}" are not read: ${why}`)]],
      [without(without(beside, first), second), [stale]],
    ] as const) {
      const opened = await opening(named(new Map([...more, ...files])));
      expect(opened.notes).toEqual(notes);
      expect(opened.sha256).toBe(sha256);
    }
    const twice = new Map([
      ...files,
      ['model.fp16.safetensors', files.get('model.safetensors') as Uint8Array<ArrayBuffer>],
    ]);
    await expect(openModel(named(twice))).rejects.toThrow(/model\.fp16\.safetensors/);
  });

  it('says so of ONNX exports, other formats, and modules without what says how they are used', async () => {
    const beside = [
      'model.onnx',
      'model.onnx_data',
      'pytorch_model.bin',
      'lori_modules.safetensors',
      'training_args.bin',
      'README.md',
    ];
    const { notes } = await opening([
      ...named(files),
      ...beside.map((name) => ({ name, data: new Blob(['x']) })),
    ]);
    expect(notes).toEqual([
      '"model.onnx", "model.onnx_data" are not read: the weights are in safetensors. To open them instead, choose the ONNX export with config.json and tokenizer.json only.',
      '"pytorch_model.bin" is not read: the weights are in safetensors. To open it instead, choose the folder’s files without the others that hold weights.',
      '"lori_modules.safetensors" is not read: it holds what a student makes its thoughts with, and lori.json, which says how, is missing.',
    ]);
  });

  it('lists what each tensor is used as, by the name in its file', async () => {
    const plain = await opening(named(files));
    expect(plain.notes ?? []).toEqual([]);
    const list = plain.matched?.list ?? [];
    expect(list).toHaveLength(20);
    expect(list.map(({ name }) => name).sort()).toEqual(
      tensors()
        .map(({ name }) => name)
        .sort(),
    );
    expect(list[0]).toEqual({
      file: 'model.safetensors',
      name: 'model.embed_tokens.weight',
      as: 'model.embed_tokens.weight',
      dtype: 'f32',
      shape: [397, 32],
    });
    // Names under a prefix are not the network's.
    const under = tensors().map((tensor) => ({ ...tensor, name: `language_model.${tensor.name}` }));
    const prefixed = new Map([...files, ['model.safetensors', writeSafetensors(under)]]);
    expect((await opening(named(prefixed))).matched?.list?.[0]).toMatchObject({
      name: 'language_model.model.embed_tokens.weight',
      as: 'model.embed_tokens.weight',
    });
  });
});

describe('a large checkpoint', () => {
  /** The files and a record of reads, which are synchronous like FileReaderSync's in a worker. */
  function lazily(these: Files, change?: (name: string, bytes: Uint8Array<ArrayBuffer>) => void) {
    const bytesOf = new Map<Blob, Uint8Array<ArrayBuffer>>();
    const list = named(these).map(({ name, data }) => {
      const bytes = (these.get(name) as Uint8Array<ArrayBuffer>).slice();
      change?.(name, bytes);
      bytesOf.set(data, bytes);
      return { name, data };
    });
    const reads: number[] = [];
    const readBlob = (blob: Blob, from: number, to: number): ArrayBuffer => {
      reads.push(to - from);
      return (bytesOf.get(blob) as Uint8Array<ArrayBuffer>).slice(from, to).buffer;
    };
    return { list, reads, options: { readBlob, maxWholeBytes: 0 } };
  }

  it.each([
    ['of one file', (all: Files) => all],
    ['of shards', sharded],
    ['in bf16', (all: Files) => stored(all, 'bf16')],
  ])('%s has the same weights as when read completely, and reads none on opening', async (_name, form) => {
    const these = form(files);
    const { list, reads, options } = lazily(these);
    const lazy = await openModel(list, options);
    expect(reads).toEqual([]);
    expect(lazy.model.report.sampled).toBe(true);
    const whole = await openModel(named(these));
    expect(valuesOf(lazy.model)).toEqual(valuesOf(whole.model));
    expect(reads.length).toBeGreaterThan(14);
    // One row of the embedding is one row of the file.
    reads.length = 0;
    const row = lazy.model.weights.read('w.embedding', 5, 6);
    expect(reads).toEqual([row.data.byteLength]);
    expect(row.shape).toEqual([1, 32]);
    expect(row.data).toEqual(whole.model.weights.read('w.embedding').data.slice(5 * 32, 6 * 32));
    // Rows across two parts.
    const qkv = whole.model.weights.read('w.1.qkv');
    expect(lazy.model.weights.read('w.1.qkv', 30, 35).data).toEqual(qkv.data.slice(30 * 32, 35 * 32));
  });

  it('is told apart from another of the same shape by its fingerprint', async () => {
    const { list, options } = lazily(files);
    const again = lazily(files);
    const bytes = (files.get('model.safetensors') as Uint8Array<ArrayBuffer>).slice();
    // The last byte of the last weight.
    bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
    const other = lazily(new Map([...files, ['model.safetensors', bytes]]));
    const hashes = [];
    for (const { list: chosen, options: how } of [{ list, options }, again, other])
      hashes.push((await openModel(chosen, how)).model.report.sha256);
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[2]).not.toBe(hashes[0]);
  });

  it('that is damaged is refused, naming the tensor, when that is read', async () => {
    const name = 'model.layers.1.mlp.down_proj.weight';
    const tensors = [
      ...parseSafetensors((files.get('model.safetensors') as Uint8Array<ArrayBuffer>).buffer).values(),
    ];
    const nan = tensors.map((t) => {
      if (t.name !== name) return t;
      const values = new Float32Array(t.bytes.slice().buffer);
      values[7] = Number.NaN;
      return { ...t, bytes: new Uint8Array(values.buffer) };
    });
    const { list, options } = lazily(new Map([...files, ['model.safetensors', writeSafetensors(nan)]]));
    const { model } = await openModel(list, options);
    expect(() => model.weights.read('w.1.down')).toThrow(NumericError);
    expect(() => model.weights.read('w.1.down')).toThrow(
      /"model\.layers\.1\.mlp\.down_proj\.weight" .* NaN at element 7/,
    );
    model.weights.read('w.0.down');
    // Read completely, the same checkpoint is refused on opening.
    await expect(openModel(list)).rejects.toThrow(NumericError);
  });

  it('whose file has gone says so', async () => {
    const { list } = lazily(files);
    const gone = (): ArrayBuffer => {
      throw new DOMException('The requested file could not be read', 'NotReadableError');
    };
    const { model } = await openModel(list, { readBlob: gone, maxWholeBytes: 0 });
    expect(() => model.weights.read('w.finalNorm')).toThrow(FileError);
    expect(() => model.weights.read('w.finalNorm')).toThrow('The requested file could not be read');
    const short = await openModel(list, { readBlob: () => new ArrayBuffer(3), maxWholeBytes: 0 });
    expect(() => short.model.weights.read('w.finalNorm')).toThrow(/read 3 bytes at offset \d+, expected 128/);
  });
});

/** An f32 file with values rounded to `dtype`. */
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

  it('opens a checkpoint without a provider or a pair, keeps it when those change, and replaces it by the next', async () => {
    const loadedModels = () => insideOf<{ openedModel?: { model: object } }>(workbench).openedModel?.model;
    const opened = await workbench.openCheckpoint(named(files));
    const first = loadedModels();
    await expect(workbench.openCheckpoint(named(without(files, 'config.json')))).rejects.toThrow(
      'is missing',
    );
    await workbench.open('wasm');
    expect(loadedModels()).toBe(first);
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
    expect(loadedModels()).not.toBe(first);
    expect(loadedModels()).toMatchObject({ config: { layers: 2 } });
  });

  it('closes it with everything made from it, also by generation, and can open it again', async () => {
    await workbench.open('wasm');
    const { runtime } = insideOf<{ opened: { runtime: Runtime } }>(workbench).opened;
    const taken = () => [runtime.liveTensors, runtime.programCount];
    await workbench.closeCheckpoint();
    const before = taken();
    const settings = { ...generateDefaults, limit: 4 };
    const asked = { subject: { kind: 'opened' }, prompt: 'Tom has', stop: [], settings } as const;
    await workbench.openCheckpoint(named(files));
    const first = await workbench.generate(asked);
    expect(taken()).not.toEqual(before);
    await workbench.closeCheckpoint();
    expect(taken()).toEqual(before);
    await expect(workbench.generate(asked)).rejects.toThrow(InputError);
    // Without one there is nothing to close.
    await workbench.closeCheckpoint();
    await workbench.openCheckpoint(named(files));
    expect((await workbench.generate(asked)).samples).toEqual(first.samples);
  });
});

/** All weights of a model, by name. */
const valuesOf = ({ weights }: { readonly weights: WeightSource }): [string, HostTensor][] =>
  [...weights.tensors.keys()].map((name) => [name, weights.read(name)]);

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
    const [a, b] = [model, f32].map((m) => floatsOf(m.weights.read('w.embedding'))) as [
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

it('describes a model, or why it cannot be opened, from its config.json alone', async () => {
  const workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  const config = JSON.parse(new TextDecoder().decode(files.get('config.json')));
  const { model } = await openModel(named(files));
  const { name: _name, sha256: _hash, matched: _matched, bytes: _bytes, ...said } = model.report;
  expect(await workbench.describeConfig(config)).toMatchObject(said);
  await expect(workbench.describeConfig({ ...config, model_type: 'mistral' })).rejects.toMatchObject({
    code: 'config',
    message: expect.stringContaining('mistral'),
  });
  await expect(workbench.describeConfig({ ...config, quantization: { bits: 4 } })).rejects.toThrow('MLX');
});

describe('files that users have instead', () => {
  const encode = (text: string) => new TextEncoder().encode(text);
  const pointer = encode(
    `version https://git-lfs.github.com/spec/v1\noid sha256:${'5e'.repeat(32)}\nsize 1060480\n`,
  );
  const page = encode('<!doctype html><html><head><title>config.json</title></head></html>');
  const bytes = encode('x');
  const changed = (change: Readonly<Record<string, Uint8Array<ArrayBuffer> | null>>): Files => {
    const out = new Map(files);
    for (const [name, content] of Object.entries(change))
      content === null ? out.delete(name) : out.set(name, content);
    return out;
  };
  const config = (more: object) =>
    encode(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(files.get('config.json'))), ...more }));

  it.each<[string, () => Files, RegExp, RegExp]>([
    [
      'a Git LFS pointer for the weights',
      () => changed({ 'model.safetensors': pointer }),
      /Git LFS pointer/,
      /git lfs pull/,
    ],
    [
      'a Git LFS pointer for the tokenizer',
      () => changed({ 'tokenizer.json': pointer }),
      /Git LFS pointer/,
      /git lfs pull/,
    ],
    ['a saved web page', () => changed({ 'config.json': page }), /web page/, /file itself/],
    [
      'a saved web page for the weights',
      () => changed({ 'model.safetensors': page }),
      /web page/,
      /file itself/,
    ],
    [
      'a pickle under the name of safetensors',
      () => changed({ 'model.safetensors': encode('PK\x03\x04and more') }),
      /ZIP/,
      /safetensors/,
    ],
    [
      'pytorch_model.bin alone',
      () => changed({ 'model.safetensors': null, 'pytorch_model.bin': bytes }),
      /pytorch_model\.bin/,
      /safe_serialization/,
    ],
    ['GGUF alone', () => new Map([['model-q4.gguf', bytes]]), /GGUF/, /safetensors/],
    [
      'holds only an adapter',
      () =>
        changed({
          'config.json': null,
          'model.safetensors': null,
          'adapter_config.json': encode('{"peft_type": "LORA", "r": 2}'),
          'adapter_model.safetensors': bytes,
        }),
      /adapter/,
      /merge/,
    ],
    [
      'SentencePiece alone',
      () => changed({ 'tokenizer.json': null, 'tokenizer.model': bytes }),
      /tokenizer\.model/,
      /AutoTokenizer/,
    ],
    [
      'a slow tokenizer',
      () => changed({ 'tokenizer.json': null, 'vocab.json': encode('{}'), 'merges.txt': bytes }),
      /vocab\.json/,
      /AutoTokenizer/,
    ],
    [
      'MLX',
      () => changed({ 'config.json': config({ quantization: { bits: 4 } }) }),
      /MLX \(4 bits\)/,
      /base model/,
    ],
    [
      'GPTQ',
      () => changed({ 'config.json': config({ quantization_config: { quant_method: 'gptq', bits: 4 } }) }),
      /gptq \(4 bits\)/,
      /base model/,
    ],
    [
      'one shard of three',
      () => changed({ 'model.safetensors': null, 'model-00002-of-00003.safetensors': bytes }),
      /1 of 3 shards; missing: 1, 3/,
      /all 3/,
    ],
    [
      'a numbered config.json',
      () => changed({ 'config.json': null, 'config (1).json': encode('{}') }),
      /config \(1\)\.json/,
      /Rename/,
    ],
  ])('%s: named, with a hint', async (_what, given, message, hint) => {
    const error = await openModel(named(given())).catch((thrown: Error & { hint: string }) => thrown);
    expect(error).toMatchObject({
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});
