/** Cases 01, 02, 04 and 20: files and folders that people have. */
import { beforeAll, describe, expect, it } from 'vitest';
import { writeSafetensors } from '../../engine/checkpoint/write';
import {
  type Content,
  casesFolder,
  filesOf,
  normal,
  type Parts,
  parts,
  tensor,
  withTensors,
} from './checkpoints.testing';

const { lens } = casesFolder();
let plain: readonly number[] = [];
beforeAll(async () => {
  plain = (await lens(filesOf(await parts()))).sigma ?? [];
  expect(plain.length).toBeGreaterThan(5);
}, 120_000);

/** The files of the plain checkpoint, some replaced; undefined leaves one out. */
async function changed(
  files: Readonly<Record<string, Content | undefined>>,
): Promise<Record<string, Content>> {
  const all = Object.entries({ ...filesOf(await parts()), ...files });
  return Object.fromEntries(all.filter((entry): entry is [string, Content] => entry[1] !== undefined));
}

describe('case 01: a Git LFS pointer, a saved web page', () => {
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'5e'.repeat(32)}\nsize 1060480\n`;
  it.each(['model.safetensors', 'tokenizer.json'])(
    'a pointer for %s: named, with what to do',
    async (name) => {
      const { error } = await lens(await changed({ [name]: pointer }));
      expect(error).toMatch(new RegExp(`^${name}: .*Git LFS pointer.*git lfs pull`));
    },
  );

  it('a web page for config.json: named', async () => {
    const page = '<!doctype html><html><head><title>config.json</title></head></html>';
    const { error } = await lens(await changed({ 'config.json': page }));
    expect(error).toMatch(/^config\.json: .*web page \(HTML\)/);
  });
});

describe('case 02: a [PAD] token beyond the embedding', () => {
  async function padded(): Promise<Parts> {
    const made = await parts({ pad_token_id: 31 });
    const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
    made.tokenizer.added_tokens.push({ id: 31, content: '[PAD]', ...flags });
    return { ...made, tokenizerConfig: { pad_token: '[PAD]' } };
  }

  it('a text without it is decomposed as before, one with it is refused by its name', async () => {
    const files = filesOf(await padded());
    expect(await lens(files)).toMatchObject({ sigma: plain });
    expect((await lens(files, 'abc[PAD]')).error).toContain('no row for the token [PAD]');
  });

  it('rows beyond the tokenizer open', async () => {
    const made = await parts({ vocab_size: 40 });
    const name = 'model.embed_tokens.weight';
    const rows = made.tensors.get(name)?.bytes as Uint8Array;
    const bytes = new Uint8Array(40 * 16 * 4);
    bytes.set(rows);
    made.tensors.set(name, { name, shape: [40, 16], dtype: 'f32', bytes });
    expect(await lens(filesOf(made))).toMatchObject({ sigma: plain });
  });
});

describe('case 04: a tied or an untied head', () => {
  const head = tensor('lm_head.weight', [31, 16], normal(31 * 16, { seed: 3, spread: 0.05 }));

  it.each([undefined, false])('tie %s, no head in the file: refused, and the field is named', async (tie) => {
    const { error } = await lens(filesOf(await parts({ tie_word_embeddings: tie })));
    expect(error).toMatch(/lacks .*lm_head\.weight.*tie_word_embeddings/);
  });

  it.each([undefined, false])('tie %s, a head in the file: opens', async (tie) => {
    const found = await lens(filesOf(await withTensors([head], { tie_word_embeddings: tie })));
    expect(found).toMatchObject({ sigma: plain });
  });

  it('tied, and a head in the file: opens, and says that it is left aside', async () => {
    const found = await lens(filesOf(await withTensors([head], { tie_word_embeddings: true })));
    expect(found).toMatchObject({
      sigma: plain,
      said: expect.stringMatching(/note: "lm_head\.weight" is ignored/),
    });
  });
});

describe('case 20: other formats', () => {
  const factors = (layer: number) => [
    tensor(
      `base_model.model.model.layers.${layer}.self_attn.q_proj.lora_A.weight`,
      [4, 16],
      normal(64, { seed: 4 }),
    ),
    tensor(
      `base_model.model.model.layers.${layer}.self_attn.q_proj.lora_B.weight`,
      [16, 4],
      normal(64, { seed: 5 }),
    ),
  ];
  const adapter = {
    'adapter_config.json': {
      ...{ peft_type: 'LORA', r: 4, lora_alpha: 8, target_modules: ['q_proj'] },
      base_model_name_or_path: 'some/base',
    },
    'adapter_model.safetensors': writeSafetensors([...factors(0), ...factors(1)]),
  };
  const zeros = (name: string, shape: readonly number[], dtype: 'u32' | 'i8' | 'f16' | 'f8_e4m3') => {
    const size = { u32: 4, i8: 1, f16: 2, f8_e4m3: 1 }[dtype];
    return { name, shape, dtype, bytes: new Uint8Array(shape.reduce((n, d) => n * d, size)) };
  };
  const none = { 'config.json': undefined, 'model.safetensors': undefined };
  const without = (...names: string[]) => Object.fromEntries(names.map((name) => [name, undefined]));

  it('a PEFT adapter alone: named, and that it needs its base', async () => {
    const { error } = await lens(await changed({ ...adapter, ...none }));
    expect(error).toMatch(/adapter/i);
    expect(error).toMatch(/base|merge/i);
  });

  it('an adapter beside its base: applied, and said', async () => {
    const found = await lens(await changed(adapter));
    expect(found).toMatchObject({ said: expect.stringMatching(/note: .*adapter/i) });
    expect(found.error ?? found.sigma).not.toEqual(plain);
    const short = { ...adapter, 'adapter_model.safetensors': writeSafetensors(factors(0)) };
    expect((await lens(await changed(short))).error).toMatch(/adapter.*layers\.1\.self_attn\.q_proj/);
  });

  it.each<[string, string, RegExp]>([
    ['that is not one', 'x', /pytorch_model\.bin.*safe_serialization/],
    ['cut off', 'PK\x03\x04', /^pytorch_model\.bin: .*ZIP/],
  ])('only a pytorch_model.bin %s: named', async (_what, content, words) => {
    const files = { ...without('model.safetensors'), 'pytorch_model.bin': content };
    expect((await lens(await changed(files))).error).toMatch(words);
  });

  it('SentencePiece alone: named, and how to convert it', async () => {
    const files = { ...without('tokenizer.json', 'tokenizer_config.json'), 'tokenizer.model': '\n\x05' };
    expect((await lens(await changed(files))).error).toMatch(/tokenizer\.model.*AutoTokenizer/);
  });

  it('a slow tokenizer: named, and how to convert it', async () => {
    const files = {
      ...without('tokenizer.json', 'tokenizer_config.json'),
      ...{ 'vocab.json': { a: 0 }, 'merges.txt': '#version: 0.2\n' },
    };
    expect((await lens(await changed(files))).error).toMatch(/vocab\.json.*AutoTokenizer/);
  });

  it('4 bits by MLX: said to be quantised', async () => {
    const up = 'model.layers.0.mlp.up_proj';
    const packed = [
      zeros(`${up}.weight`, [24, 2], 'u32'),
      zeros(`${up}.scales`, [24, 1], 'f16'),
      zeros(`${up}.biases`, [24, 1], 'f16'),
    ];
    const made = await withTensors(packed, { quantization: { group_size: 64, bits: 4 } });
    expect((await lens(filesOf(made))).error).toMatch(/quanti[sz]ed|MLX \(4 bits\)/);
  });

  it('8 bits without a word in config.json: said to be quantised', async () => {
    const made = await parts();
    for (const [name, { shape }] of made.tensors)
      if (name.includes('proj')) made.tensors.set(name, zeros(name, shape, 'i8'));
    expect((await lens(filesOf(made))).error).toMatch(/quanti[sz]ed/);
  });

  it('a tensor of 8-bit floats that nothing needs: opens and is named, or is refused by name inside a layer', async () => {
    const found = await lens(filesOf(await withTensors([zeros('bookkeeping', [4], 'f8_e4m3')])));
    expect(found.error ?? found.sigma).toEqual(plain);
    expect(found).toMatchObject({ said: expect.stringContaining('"bookkeeping" is ignored') });
    const inside = await withTensors([zeros('model.layers.0.input_scale', [4], 'f8_e4m3')]);
    expect((await lens(filesOf(inside))).error).toContain('model.layers.0.input_scale');
  });

  it('two sets of weights: refused by name', async () => {
    const other = writeSafetensors([...(await parts()).tensors.values()]);
    expect((await lens(await changed({ 'model.fp16.safetensors': other }))).error).toMatch(/fp16/);
  });

  it('an architecture that is not there: named, with those that are', async () => {
    const { error } = await lens(filesOf(await parts({ model_type: 'gemma3' })));
    expect(error).toMatch(/"gemma3".*llama, qwen2, qwen3, gpt2/);
  });

  it('Qwen3, which opens since, over weights of a LLaMA: what it lacks is named', async () => {
    expect((await lens(filesOf(await parts({ model_type: 'qwen3' })))).error).toMatch(/k_norm|q_norm/);
  });
});
