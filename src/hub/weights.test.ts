import { describe, expect, it } from 'vitest';
import { inspect, offerOf } from './choose';
import { type Answer, fakeFetch, SHORT } from './fake-hub.testing';
import { HUB } from './source';

/** What opens from a folder is offered by its name: listings of published students and adapters. */

const SOURCE = { base: HUB, id: 'org/name', revision: 'main' };

/** A repository by the contents of its files; `null`: 1000 bytes that nothing looks into. */
function repository(files: Readonly<Record<string, string | null>>) {
  const siblings = Object.entries(files).map(([rfilename, content]) => ({
    rfilename,
    size: content === null ? 1000 : content.length,
    blobId: 'c'.repeat(40),
  }));
  const { fetch, asked } = fakeFetch(({ url }): Answer => {
    const name = /\/resolve\/[^/]+\/(.*)$/.exec(url)?.[1];
    if (name === undefined) return { body: JSON.stringify({ sha: 'a'.repeat(40), siblings }) };
    return { body: files[name] ?? 'never asked for' };
  });
  const access = { signal: new AbortController().signal, limits: SHORT, fetch };
  return {
    asked,
    offer: async (id?: string) => offerOf(await inspect(SOURCE, access), id),
    paths: async (id?: string) => {
      const { plan } = offerOf(await inspect(SOURCE, access), id);
      return plan.files.map(({ path }) => path);
    },
  };
}

const LLAMA = JSON.stringify({ model_type: 'llama' });
const TOKENIZER = { 'tokenizer.json': null, 'tokenizer_config.json': null };
const ADAPTER = {
  'adapter_config.json': JSON.stringify({ peft_type: 'LORA', base_model_name_or_path: 'gpt2' }),
  'adapter_model.safetensors': null,
};

describe('a published student', () => {
  it.each<[string, Record<string, string | null>, string, string[], RegExp]>([
    [
      'CODI, with neither config.json nor tokenizer',
      { 'pytorch_model.bin': null, 'README.md': null },
      'torch',
      ['pytorch_model.bin'],
      /^config\.json is missing: .*it takes config\.json and the tokenizer\.$/,
    ],
    [
      'SIM-CoT on CODI, with an empty config.json',
      { 'config.json': '', ...TOKENIZER, 'model-00001-of-00001.safetensors': null },
      'safetensors',
      ['tokenizer.json', 'tokenizer_config.json', 'model-00001-of-00001.safetensors'],
      /^config\.json is empty: .*it takes config\.json\.$/,
    ],
    [
      'SIM-CoT on Coconut, a state dict without an ending',
      { 'config.json': '', checkpoint_28: null },
      'torch',
      ['checkpoint_28'],
      /empty/,
    ],
  ])('%s: is offered, and what it takes is said', async (_what, files, id, paths, needs) => {
    const { choice, plan, isDescribed, inspected, bytes } = await repository(files).offer();
    expect(choice.id).toBe(id);
    expect(plan.files.map(({ path }) => path)).toEqual(paths);
    expect(bytes).toBe(1000 * paths.length);
    expect(choice.needs).toEqual([expect.stringMatching(needs)]);
    expect([isDescribed, inspected.config]).toEqual([false, undefined]);
  });

  it('of a whole folder, such as adaptive latent reasoning, needs nothing else', async () => {
    const { choice, isDescribed } = await repository({
      ...TOKENIZER,
      'config.json': LLAMA,
      'model.safetensors': null,
    }).offer();
    expect([choice.needs, isDescribed]).toEqual([undefined, true]);
  });

  it('that was exported here comes with what says how it reasons', async () => {
    const files = { ...TOKENIZER, 'config.json': LLAMA, 'model.safetensors': null };
    const student = { 'lori.json': null, 'lori_modules.safetensors': null };
    expect(await repository({ ...files, ...student }).paths()).toEqual([
      'config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'lori.json',
      'lori_modules.safetensors',
      'model.safetensors',
    ]);
    // Without lori.json its modules are of no use, and are left out by name.
    const { 'lori.json': _, ...modules } = student;
    const { plan, leftOut } = await repository({ ...files, ...modules }).offer();
    expect(plan.files.map(({ path }) => path)).not.toContain('lori_modules.safetensors');
    expect(leftOut.map(({ path }) => path)).toEqual(['lori_modules.safetensors']);
  });
});

describe('a model', () => {
  const small = { 'config.json': LLAMA, ...TOKENIZER };

  it('is offered as a state dict where there is nothing else, and can be one beside an export', async () => {
    const paths = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'pytorch_model.bin'];
    const alone = repository({ ...small, 'pytorch_model.bin': null, 'training_args.bin': null });
    expect(await alone.paths()).toEqual(paths);
    expect((await alone.offer()).isDescribed).toBe(true);
    const both = repository({ ...small, 'pytorch_model.bin': null, 'onnx/model.onnx': null });
    const { inspected } = await both.offer();
    // As in a folder, the export comes first.
    expect(inspected.choices.map(({ id }) => id)).toEqual(['onnx/model.onnx', 'torch']);
    expect(await both.paths('torch')).toEqual(paths);
    const safe = repository({ ...small, 'pytorch_model.bin': null, 'model.safetensors': null });
    expect((await safe.paths()).at(-1)).toBe('model.safetensors');
    expect(await safe.paths()).toHaveLength(4);
  });

  it('is offered as model.safetensors where a stale index names shards, which may be gone', async () => {
    const index = { weight_map: { a: 'model-00001-of-00002.safetensors' } };
    const files = { 'model.safetensors': null, 'model.safetensors.index.json': JSON.stringify(index) };
    const all = await repository({ ...small, ...files }).paths();
    expect(all).toEqual(['config.json', 'tokenizer.json', 'tokenizer_config.json', 'model.safetensors']);
  });

  it('is offered under any name of its safetensors, all of them', async () => {
    const files = { ...small, 'head.safetensors': null, 'body.safetensors': null };
    expect((await repository(files).paths()).slice(-2)).toEqual(['body.safetensors', 'head.safetensors']);
  });

  it('says what is the case with a damaged config.json or index: the host is the Hub all the same', async () => {
    const damaged = repository({ ...small, 'config.json': '{"model_type": ', 'model.safetensors': null });
    await expect(damaged.offer()).rejects.toMatchObject({
      code: 'hub',
      message: expect.stringMatching(/^config\.json of org\/name is not JSON \(.+\)$/),
      hint: expect.stringMatching(/^The file is damaged there/),
    });
    const index = repository({ ...small, 'model.safetensors.index.json': 'x' });
    await expect(index.offer()).rejects.toThrow(/^model\.safetensors\.index\.json of org\/name is not JSON/);
  });
});

describe('an adapter', () => {
  it('is offered alone, with what lies beside it, and names its base', async () => {
    const peft = repository({
      ...ADAPTER,
      ...TOKENIZER,
      'adapter_model.bin': null,
      'training_args.bin': null,
    });
    const { choice, plan, isDescribed } = await peft.offer();
    expect(choice.id).toBe('adapter');
    expect(choice.needs).toEqual([expect.stringContaining('without its base model, "gpt2"')]);
    expect(isDescribed).toBe(false);
    expect(plan.files.map(({ path }) => path)).toEqual([
      ...['tokenizer.json', 'tokenizer_config.json', 'adapter_config.json', 'adapter_model.safetensors'],
    ]);
    // A PCCoT student's settings, and of old adapters the pickle.
    const { 'adapter_model.safetensors': _, ...config } = ADAPTER;
    const pccot = { 'config.json': LLAMA, 'pccot_args.json': null, 'adapter_model.bin': null };
    expect(await repository({ ...config, ...pccot }).paths()).toEqual([
      ...['config.json', 'pccot_args.json', 'adapter_config.json', 'adapter_model.bin'],
    ]);
  });

  it('comes with the base that shares its folder', async () => {
    const both = { ...ADAPTER, ...TOKENIZER, 'config.json': LLAMA, 'model.safetensors': null };
    const { choice, plan } = await repository(both).offer();
    expect(choice.needs).toBeUndefined();
    expect(plan.files.slice(-3).map(({ path }) => path)).toEqual([
      ...['model.safetensors', 'adapter_config.json', 'adapter_model.safetensors'],
    ]);
  });
});
