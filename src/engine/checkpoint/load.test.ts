import { describe, expect, it } from 'vitest';
import { hasFile, readFile, readJson } from '../../../scripts/tools/files';
import type { HalfDType } from '../base/dtype';
import { CancelledError, FileError, NumericError } from '../base/errors';
import { sameShape } from '../base/shape';
import { type ModelConfig, parseModelConfig } from './config';
import { encodeFloats } from './float';
import { headNote } from './leftovers';
import {
  type Checkpoint,
  type CheckpointFiles,
  type ExpectedTensor,
  loadCheckpoint,
  matchTensors,
  resolveCheckpoint,
} from './load';
import { locateCheckpoint, parseIndex, type TensorLocation } from './locate';
import { blobSource } from './source';
import { writeSafetensors } from './write';

const config = {
  model_type: 'llama',
  hidden_size: 4,
  intermediate_size: 6,
  num_hidden_layers: 1,
  num_attention_heads: 2,
  vocab_size: 3,
  max_position_embeddings: 16,
  rms_norm_eps: 1e-6,
  rope_theta: 10000,
  tie_word_embeddings: true,
};
const file = (tensors: Record<string, readonly [number[], number[]]>): ArrayBuffer =>
  writeSafetensors(
    Object.entries(tensors).map(([name, [shape, values]]) => ({
      name,
      dtype: 'f32',
      shape,
      bytes: encodeFloats(new Float32Array(values), 'f32'),
    })),
  ).buffer;
const a = [
  [2, 1],
  [1, 2],
] as const satisfies readonly [number[], number[]];
const b = [[3], [3, 4, 5]] as const satisfies readonly [number[], number[]];
const need =
  (...list: [string, number[]][]) =>
  (): ExpectedTensor[] =>
    list.map(([name, shape]) => ({ name, shape }));
const both = need(['b', [3]], ['a', [2, 1]]);

describe('loadCheckpoint', () => {
  it('returns the needed weights in the requested order and names the rest', async () => {
    const weights = new Map([['m.safetensors', file({ a, b, lm: b })]]);
    const checkpoint = await loadCheckpoint({ config, weights }, both);
    expect([...checkpoint.weights]).toEqual([
      ['b', { dtype: 'f32', shape: [3], data: new Float32Array([3, 4, 5]) }],
      ['a', { dtype: 'f32', shape: [2, 1], data: new Float32Array([1, 2]) }],
    ]);
    expect(checkpoint.notes).toEqual(['"lm" is ignored: not part of the decoder.']);
    expect(checkpoint.config.headDim).toBe(2);
  });

  it('keeps every tensor in its stored dtype, and nothing else of the file', async () => {
    const values = { f32: [1.5, -0], f16: [0x3c01, 0x8001, 0x7bff], bf16: [0x7f7f] } as const;
    const stored = writeSafetensors([
      {
        name: 'f32',
        dtype: 'f32',
        shape: [2],
        bytes: encodeFloats(new Float32Array(values.f32), 'f32'),
      },
      {
        name: 'f16',
        dtype: 'f16',
        shape: [3, 1],
        bytes: new Uint8Array(Uint16Array.from(values.f16).buffer),
      },
      {
        name: 'bf16',
        dtype: 'bf16',
        shape: [1],
        bytes: new Uint8Array(Uint16Array.from(values.bf16).buffer),
      },
    ]);
    const expected = need(['bf16', [1]], ['f16', [3, 1]], ['f32', [2]]);
    for (const source of [stored.buffer, blobSource(new Blob([stored]))]) {
      const { weights } = await loadCheckpoint(
        { config, weights: new Map([['m.safetensors', source]]) },
        expected,
      );
      expect([...weights.values()]).toEqual([
        { dtype: 'bf16', shape: [1], data: Uint16Array.from(values.bf16) },
        { dtype: 'f16', shape: [3, 1], data: Uint16Array.from(values.f16) },
        { dtype: 'f32', shape: [2], data: Float32Array.from(values.f32) },
      ]);
      for (const { data } of weights.values()) expect(data.buffer.byteLength).toBe(data.byteLength);
    }
  });

  it('requests tensors with the parsed configuration', async () => {
    const weights = new Map([
      ['m.safetensors', file({ e: [[3, 4], Array.from({ length: 12 }, (_, i) => i)] })],
    ]);
    const expected = (c: ModelConfig): ExpectedTensor[] => [
      { name: 'e', shape: [c.vocabSize, c.hiddenSize] },
    ];
    expect((await loadCheckpoint({ config, weights }, expected)).weights.get('e')?.data[11]).toBe(11);
  });

  it('reads shards by their index, including from files on disk', async () => {
    const index = { weight_map: { a: 'one.safetensors', b: 'two.safetensors' } };
    const weights = new Map([
      ['one.safetensors', blobSource(new Blob([file({ a, b: [[3], [9, 9, 9]] })]))], // b here is stale: the index decides
      ['two.safetensors', blobSource(new Blob([file({ b })]))],
    ]);
    const checkpoint = await loadCheckpoint({ config, weights, index }, both);
    expect([...(checkpoint.weights.get('b')?.data ?? [])]).toEqual([3, 4, 5]);
    expect(checkpoint.notes).toEqual([
      '"b" is ignored in "one.safetensors", since the index takes what is called so from "two.safetensors".',
    ]);
  });

  const one = new Map([['m.safetensors', file({ a, b })]]);
  const shards = new Map([
    ['one.safetensors', file({ a })],
    ['two.safetensors', file({ b })],
  ]);
  const map = (weight_map: unknown) => ({ weight_map });
  const cases: [string, CheckpointFiles, () => ExpectedTensor[], string][] = [
    ['no file', { config, weights: new Map() }, both, 'no safetensors file'],
    [
      'missing tensors',
      { config, weights: one },
      need(['a', [2, 1]], ['c', [1]], ['d', [1]]),
      'checkpoint lacks 2 of 3 tensors: "c", "d"',
    ],
    [
      'layers as GPTQ packs them',
      { config, weights: new Map([['m.safetensors', file({ a, 'l.qweight': a, 'l.scales': b })]]) },
      need(['a', [2, 1]], ['l.weight', [1]]),
      'packed in few bits, as GPTQ and AWQ pack them ("l.qweight")',
    ],
    [
      'inherited name',
      { config, weights: one },
      need(['constructor', [1]]),
      'lacks 1 of 1 tensors: "constructor"',
    ],
    [
      'wrong shape',
      { config, weights: one },
      need(['a', [1, 2]]),
      'm.safetensors: tensor "a" is [2, 1], config.json requires [1, 2]',
    ],
    [
      'in two files',
      { config, weights: new Map([...one, ...shards]) },
      both,
      'tensor "a" is in both "m.safetensors" and "one.safetensors"',
    ],
    [
      'shard not given',
      { config, weights: one, index: map({ a: 'gone.safetensors' }) },
      both,
      'index names "gone.safetensors", given: "m.safetensors"',
    ],
    [
      'index beside the truth',
      { config, weights: shards, index: map({ a: 'two.safetensors' }) },
      both,
      'index puts tensor "a" in "two.safetensors", which does not hold it',
    ],
    ['index without map', { config, weights: shards, index: {} }, both, 'index: no weight_map'],
    [
      'shard by path',
      { config, weights: shards, index: map({ a: '../x.safetensors' }) },
      both,
      'tensor "a" is in "../x.safetensors"',
    ],
    ['shard a number', { config, weights: shards, index: map({ a: 1 }) }, both, 'tensor "a" is in 1'],
    [
      'damaged shard',
      { config, weights: new Map([['x.safetensors', new ArrayBuffer(4)]]) },
      both,
      'x.safetensors: 4 bytes long',
    ],
  ];
  it.each(cases)('refuses: %s', async (_name, files, expected, message) => {
    const error = await loadCheckpoint(files, expected).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(FileError);
    expect((error as FileError).message).toContain(message);
  });

  it('does not confuse hostile tensor names with object properties', () => {
    expect(parseIndex(JSON.parse('{"weight_map":{"__proto__":"a.safetensors"}}'))).toEqual(
      new Map([['__proto__', 'a.safetensors']]),
    );
  });
});

const place = 'checkpoints/stories260K';
describe.skipIf(!(await hasFile('shared', `${place}/config.json`)))('stories260K', () => {
  const layer = (i: number): [string, number[]][] => [
    [`model.layers.${i}.input_layernorm.weight`, [64]],
    [`model.layers.${i}.self_attn.q_proj.weight`, [64, 64]],
    [`model.layers.${i}.self_attn.k_proj.weight`, [32, 64]],
    [`model.layers.${i}.self_attn.v_proj.weight`, [32, 64]],
    [`model.layers.${i}.self_attn.o_proj.weight`, [64, 64]],
    [`model.layers.${i}.post_attention_layernorm.weight`, [64]],
    [`model.layers.${i}.mlp.gate_proj.weight`, [172, 64]],
    [`model.layers.${i}.mlp.up_proj.weight`, [172, 64]],
    [`model.layers.${i}.mlp.down_proj.weight`, [64, 172]],
  ];
  const all = need(['model.embed_tokens.weight', [512, 64]], ...[0, 1, 2, 3, 4].flatMap(layer), [
    'model.norm.weight',
    [64],
  ]);
  async function load(folder: string, names: string[], index?: unknown): Promise<Checkpoint> {
    const weights = new Map<string, ArrayBuffer>();
    for (const name of names)
      weights.set(name, (await readFile('shared', `${place}/${folder}${name}`)).buffer);
    return loadCheckpoint({ config: await readJson('shared', `${place}/config.json`), weights, index }, all);
  }

  it('gives the same bits from f16, bf16 and shards as from f32 rounded to their dtype', async () => {
    const full = await load('', ['model.safetensors']);
    expect(full.notes).toEqual([]);
    const index = await readJson<{ weight_map: Record<string, string> }>(
      'shared',
      `${place}/sharded/model.safetensors.index.json`,
    );
    const variants: [HalfDType, Checkpoint][] = [
      ['f16', await load('f16/', ['model.safetensors'])],
      ['bf16', await load('bf16/', ['model.safetensors'])],
      ['bf16', await load('sharded/', [...new Set(Object.values(index.weight_map))], index)],
    ];
    for (const [dtype, variant] of variants) {
      let elements = 0;
      for (const [name, { data, shape }] of full.weights) {
        const other = variant.weights.get(name);
        expect(other && sameShape(other.shape, shape)).toBe(true);
        const rounded = new Uint16Array(encodeFloats(data as Float32Array, dtype).buffer);
        expect(other, `${dtype} ${name}`).toEqual({ dtype, shape, data: rounded });
        elements += data.length;
      }
      expect(elements).toBe(260032);
    }
  });
});

describe('weights that are not finite', () => {
  const stored = (dtype: 'f32' | 'f16' | 'bf16', words: readonly number[]) => {
    const Words = dtype === 'f32' ? Uint32Array : Uint16Array;
    const bytes = new Uint8Array(Words.from(words).buffer);
    return new Map([
      ['m.safetensors', writeSafetensors([{ name: 'w', dtype, shape: [words.length], bytes }]).buffer],
    ]);
  };
  it.each([
    ['f32', [0x3f800000, 0x7fc00000], 'NaN at element 1'],
    ['f32', [0xff800000, 0x7fc00000], 'an infinity at element 0'],
    ['f16', [0x3c00, 0x0001, 0x7e05], 'NaN at element 2'],
    ['f16', [0xfc00], 'an infinity at element 0'],
    ['bf16', [0x3f80, 0x7f81], 'NaN at element 1'],
    ['bf16', [0xff80], 'an infinity at element 0'],
  ] as const)('%s: are refused by name', async (dtype, words, what) => {
    const weights = stored(dtype, words);
    const error = await loadCheckpoint({ config, weights }, need(['w', [words.length]])).catch((e) => e);
    expect(error).toBeInstanceOf(NumericError);
    expect(error.message).toContain(`tensor "w" [${words.length}] holds ${what}`);
  });

  it('accepts the largest finite values', async () => {
    for (const [dtype, words] of [
      ['f32', [0x7f7fffff, 0xff7fffff, 1]],
      ['f16', [0x7bff, 0xfbff, 1]],
      ['bf16', [0x7f7f, 0xff7f, 1]],
    ] as const)
      await loadCheckpoint({ config, weights: stored(dtype, words) }, need(['w', [words.length]]));
  });
});

/** A model whose network is an embedding and one projection, under the given names. */
const network = ['model.embed_tokens.weight', 'model.layers.0.mlp.down_proj.weight'] as const;
const gpt2Network = ['transformer.wte.weight', 'transformer.h.0.mlp.c_proj.weight'] as const;
type Values = readonly [number[], number[]];

const openWith = (
  tensors: Record<string, Values>,
  expected: readonly string[] = network,
  fields: object = {},
): Promise<Checkpoint> =>
  loadCheckpoint(
    { config: { ...config, ...fields }, weights: new Map([['m.safetensors', file(tensors)]]) },
    need(...expected.map((name): [string, number[]] => [name, [2, 1]])),
  );
const named = (names: readonly string[], values: Values = a): Record<string, Values> =>
  Object.fromEntries(names.map((name) => [name, values]));

describe('unread tensors', () => {
  const open = (names: readonly string[], fields = {}) =>
    openWith({ ...named(network), ...named(names, b) }, network, fields);

  it.each([
    ['a bias', 'model.layers.0.mlp.down_proj.bias', 'attention_bias or mlp_bias'],
    [
      'a norm of another architecture',
      'model.layers.0.self_attn.q_norm.weight',
      'architecture is not supported',
    ],
    ['a bias of the head', 'lm_head.bias', 'Every logit'],
    ['a layer too many', 'model.layers.7.mlp.down_proj.weight', 'their own config.json'],
    ['an adapter', 'model.layers.0.self_attn.q_proj.lora_A.default.weight', 'Merge the adapter'],
  ])('%s: would change the states, and is refused by name', async (_what, name, hint) => {
    await expect(open([name])).rejects.toMatchObject({
      message: expect.stringContaining(name),
      hint: expect.stringContaining(hint),
    });
  });

  it('names harmless ones with the reason, grouping layers', async () => {
    const buffers = [0, 1, 2].map((i) => `model.layers.${i}.self_attn.rotary_emb.inv_freq`);
    expect((await open([...buffers, 'score.weight'])).notes).toEqual([
      '"model.layers.{i}.self_attn.rotary_emb.inv_freq" (3 tensors) are ignored: rotary tables, which are computed from config.json.',
      '"score.weight" is ignored: not part of the decoder.',
    ]);
    const many = Array.from({ length: 30 }, (_, i) => `other${i}.weight`);
    // None is lost: the page shows the first, and the rest when asked.
    expect((await open(many)).notes).toHaveLength(30);
    const { notes } = await open(Array.from({ length: 1200 }, (_, i) => `other${i}.weight`));
    expect([notes.length, notes.at(-1)]).toEqual([1000, 'And 201 more of this kind.']);
  });

  it('mentions a head beside a tied embedding, and whether the two are equal', async () => {
    const [embedding] = network;
    const same = await openWith({ ...named(network), 'lm_head.weight': a });
    expect(same.notes).toEqual(['"lm_head.weight" is ignored: it equals the embedding, which is the head.']);
    const other = await openWith({
      ...named(network),
      'lm_head.weight': [
        [2, 1],
        [1, 3],
      ],
    });
    expect(other.notes).toEqual([
      '"lm_head.weight" is ignored: it differs from the embedding, to which config.json ties the head; set tie_word_embeddings to false to use it.',
    ]);
    expect([...(other.weights.get(embedding)?.data ?? [])]).toEqual([1, 2]);
  });

  it('takes the head for the embedding where the two are tied and the file has the head alone', async () => {
    for (const names of [network, gpt2Network]) {
      const [embedding, ...others] = names;
      const alone = { ...named(others), 'lm_head.weight': a };
      const { weights, notes } = await openWith(alone, names);
      expect([...(weights.get(embedding)?.data ?? [])]).toEqual([1, 2]);
      expect(notes).toEqual([
        `The embedding is "lm_head.weight": config.json ties the two, and "${embedding}" is not there.`,
      ]);
      await expect(openWith(alone, names, { tie_word_embeddings: false })).rejects.toThrow(
        `lacks 1 of ${names.length} tensors: "${embedding}"`,
      );
    }
  });

  it('ignores GPT-2’s masks, but not a bias of the same name', async () => {
    const mask: Values = [
      [1, 1, 2, 2],
      [1, 0, 1, 1],
    ];
    const tensors = { ...named(gpt2Network), 'transformer.h.0.attn.bias': mask };
    const { notes } = await openWith(
      { ...tensors, 'transformer.h.0.attn.masked_bias': [[], [-1e4]] },
      gpt2Network,
    );
    expect(notes).toEqual([
      '"transformer.h.0.attn.bias" is ignored: causal masks, which are computed.',
      '"transformer.h.0.attn.masked_bias" is ignored: the value of masked scores, which is computed.',
    ]);
    const bias = openWith({ ...tensors, 'transformer.h.0.attn.bias': b }, gpt2Network);
    await expect(bias).rejects.toThrow('"transformer.h.0.attn.bias"');
  });

  it('names the setting in the hint for a missing head', async () => {
    const weights = new Map([['m.safetensors', file({ a })]]);
    const opening = loadCheckpoint({ config, weights }, need(['a', [2, 1]], ['lm_head.weight', [3, 4]]));
    await expect(opening).rejects.toMatchObject({ hint: expect.stringContaining('tie_word_embeddings') });
  });
});

describe('what an index does not say', () => {
  const [embedding, projection] = network;
  const index = {
    weight_map: { [embedding]: 'one.safetensors', [projection]: 'two.safetensors' },
  };
  /** Two shards with more in the second, and files that the index does not name. */
  const located = async (more: readonly string[], unnamed: Record<string, readonly string[]> = {}) => {
    const weights = new Map([
      ['one.safetensors', file(named([embedding]))],
      ['two.safetensors', file({ ...named([projection]), ...named(more, b) })],
    ]);
    const others = Object.entries(unnamed).map(([name, names]) => [name, file(named(names, b))] as const);
    const places = await locateCheckpoint(weights, index, new Map(others));
    const expected = network.map((name): ExpectedTensor => ({ name, shape: [2, 1] }));
    return matchTensors(parseModelConfig(config), places, expected);
  };

  it.each(['model.layers.0.self_attn.q_norm.weight', 'model.layers.0.mlp.down_proj.bias'])(
    '%s in a shard, which the index does not list: refused by name',
    async (name) => {
      await expect(located([name])).rejects.toMatchObject({ message: expect.stringContaining(name) });
    },
  );

  it('a tensor that it does not list is used, or named as ignored, like any other', async () => {
    const unlisted = (name: string) =>
      `"${name}" is in "two.safetensors" although the index does not list it there.`;
    expect((await located(['score.weight'])).notes).toEqual([
      unlisted('score.weight'),
      '"score.weight" is ignored: not part of the decoder.',
    ]);
    const weights = new Map([
      ['one.safetensors', file(named([embedding]))],
      ['two.safetensors', file(named([projection, 'model.x']))],
    ]);
    const short = { weight_map: { [embedding]: 'one.safetensors', 'model.x': 'two.safetensors' } };
    const used = await loadCheckpoint(
      { config, weights, index: short },
      need([embedding, [2, 1]], [projection, [2, 1]], ['model.x', [2, 1]]),
    );
    expect(used.notes).toEqual([unlisted(projection)]);
    expect([...(used.weights.get(projection)?.data ?? [])]).toEqual([1, 2]);
  });

  it('a file that it does not name is noted, as a copy or with what it holds', async () => {
    const { notes } = await located([], {
      'model.safetensors': network,
      'value.safetensors': ['v_head.weight', 'lm_head.weight'],
    });
    expect(notes).toEqual([
      '"model.safetensors" is not read: the index does not name it, and all that it holds comes from other files.',
      '"value.safetensors" is not read: the index does not name it.',
      '"lm_head.weight" is ignored: the network has its head without it.',
      '"v_head.weight" is ignored: not part of the decoder.',
    ]);
  });

  it('is refused where such a file holds a part of the network that nothing uses, or that is missing', async () => {
    const name = 'model.layers.0.self_attn.q_norm.weight';
    await expect(located([], { 'more.safetensors': [name] })).rejects.toMatchObject({
      message: expect.stringMatching(/^"more\.safetensors", which the index does not name, holds.*q_norm/),
      hint: expect.stringContaining('Take more.safetensors out'),
    });
    const places = await locateCheckpoint(
      new Map([['one.safetensors', file(named([embedding]))]]),
      { weight_map: { [embedding]: 'one.safetensors' } },
      new Map([['rest.safetensors', file(named([projection]))]]),
    );
    const expected = network.map((one): ExpectedTensor => ({ name: one, shape: [2, 1] }));
    await expect(matchTensors(parseModelConfig(config), places, expected)).rejects.toThrow(
      /lacks 1 of 2 tensors: .*; "rest\.safetensors" holds .*, but the index does not name that file/,
    );
  });

  it('a damaged file that it does not name does not keep the checkpoint from being opened', async () => {
    const places = await locateCheckpoint(
      new Map([['one.safetensors', file(named([embedding]))]]),
      { weight_map: { [embedding]: 'one.safetensors' } },
      new Map([['cut.safetensors', new ArrayBuffer(4)]]),
    );
    expect(places.notes).toEqual([
      expect.stringMatching(
        /^"cut\.safetensors" is not read: .* it cannot be told what it holds \(.*4 bytes/,
      ),
    ]);
  });
});

describe('a prefix of all names', () => {
  const under = (prefix: string, names: readonly string[] = network) =>
    names.map((name) => prefix + name.slice(name.indexOf('.') + 1));

  it.each(['base_model.model.model.', 'language_model.model.', '_base_model.model.', 'language_model.'])(
    'is accepted and named: %s',
    async (prefix) => {
      const { weights, notes } = await openWith(named(under(prefix)));
      expect([...weights.keys()]).toEqual(network);
      expect(notes).toEqual([`The tensors’ names are under the prefix "${prefix}".`]);
    },
  );

  it('may be missing; tensors beside the body are then not mistaken for a part of it', async () => {
    const names = under('', gpt2Network);
    const { weights, notes } = await openWith(
      { ...named(names), ...named(['score.weight'], b) },
      gpt2Network,
    );
    expect([...weights.keys()]).toEqual(gpt2Network);
    expect(notes).toEqual([
      'The tensors’ names are without the prefix "transformer.".',
      '"score.weight" is ignored: not part of the decoder.',
    ]);
    const wrong = openWith({ ...named(names), ...named(['h.0.ln_9.weight'], b) }, gpt2Network);
    await expect(wrong).rejects.toThrow('"h.0.ln_9.weight"');
  });

  it.each([
    ['base_model.model.model.', 'base_model.model.lm_head.weight'],
    ['model.language_model.', 'lm_head.weight'],
    ['language_model.', 'language_model.lm_head.weight'],
  ])('%s belongs with the head %s', async (prefix, head) => {
    const { weights } = await openWith({ ...named(under(prefix)), [head]: a }, [
      ...network,
      'lm_head.weight',
    ]);
    expect([...weights.keys()]).toEqual([...network, 'lm_head.weight']);
  });

  it('a second model under another prefix is ignored, or refused if neither is the expected one', async () => {
    const second = named(under('decoder.model.'));
    const { notes } = await openWith({ ...named(network), ...second });
    expect(notes).toEqual([
      '"decoder.model.embed_tokens.weight" is ignored: not part of the decoder.',
      '"decoder.model.layers.0.mlp.down_proj.weight" is ignored: not part of the decoder.',
    ]);
    await expect(openWith({ ...named(under('encoder.')), ...second })).rejects.toThrow(
      'the weights hold 2 models: "decoder.model.embed_tokens.weight", "encoder.embed_tokens.weight"',
    );
  });
});

it('resolves locations, dtypes and bytes without reading a weight, and requires floats', async () => {
  const content = file({ ...named(network), 'lm_head.weight': a });
  const reads: number[] = [];
  const source = {
    size: content.byteLength,
    read: async (offset: number, length: number) => {
      reads.push(length);
      return new Uint8Array(content, offset, length);
    },
  };
  const expected = need(...[...network, 'lm_head.weight'].map((name): [string, number[]] => [name, [2, 1]]));
  const { tensors, bytes } = await resolveCheckpoint(
    { config, weights: new Map([['m.safetensors', source]]) },
    expected,
  );
  expect(
    [...tensors.values()].map(({ file: name, entry }) => [name, entry.dtype, entry.end - entry.begin]),
  ).toEqual(Array(3).fill(['m.safetensors', 'f32', 8]));
  expect(bytes).toBe(24);
  expect(reads).toEqual([8, content.byteLength - 8 - 24]);
});

it('stops reading a head beside a tied embedding when cancelled', async () => {
  const size = 6 * 2 ** 20;
  const content = file({ ...named(network), 'lm_head.weight': a });
  const large = (name: string): TensorLocation => ({
    file: 'm.safetensors',
    source: {
      size,
      read: async (offset, length) => {
        reads.push([name, offset]);
        stop.abort();
        return new Uint8Array(length);
      },
    },
    entry: { name, dtype: 'f32', shape: [size / 4], begin: 0, end: size },
  });
  const reads: [string, number][] = [];
  const stop = new AbortController();
  await expect(headNote(large('e'), large('h'), stop.signal)).rejects.toBeInstanceOf(CancelledError);
  expect(reads).toEqual([
    ['e', 0],
    ['h', 0],
  ]);
  const files = { config, weights: new Map([['m.safetensors', content]]) };
  const expected = need(...network.map((name): [string, number[]] => [name, [2, 1]]));
  await expect(resolveCheckpoint(files, expected, stop.signal)).rejects.toBeInstanceOf(CancelledError);
});
