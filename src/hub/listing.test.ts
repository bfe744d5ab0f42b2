import { beforeEach, describe, expect, it } from 'vitest';
import { keyOf } from '../storage/checkpoint-rows';
import { inspect, offerOf } from './choose';
import { type Answer, type Asked, fakeFetch, SHORT } from './fake-hub.testing';
import { HUB } from './source';

const SOURCE = { base: HUB, id: 'org/name', revision: 'main' };
const COMMIT = 'a'.repeat(40);
const NAMES = ['config.json', 'tokenizer.json', 'tokenizer_config.json', 'README.md', 'model.safetensors'];

const json = (value: unknown): Answer => ({
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json' },
});

const lfs = { sha256: 'b'.repeat(64), size: 1000, pointerSize: 130 };
const sibling = (rfilename: string) =>
  rfilename.endsWith('.safetensors')
    ? { rfilename, size: 1000, blobId: 'd'.repeat(40), lfs }
    : { rfilename, size: 10, blobId: 'c'.repeat(40) };
const repository = (names: readonly string[]) => ({
  id: 'org/name',
  sha: COMMIT,
  cardData: { license: 'apache-2.0' },
  siblings: names.map(sibling),
});

let config: unknown = {};
beforeEach(() => {
  config = { model_type: 'llama' };
});

/** A host that gives these answers, and `config` for config.json. */
function ask(...answers: ((asked: Asked) => Answer)[]) {
  const { fetch: others, asked } = fakeFetch(...answers);
  const configs = fakeFetch(() => json(config));
  const fetch: typeof others = (url, init) =>
    (String(url).endsWith('/config.json') ? configs.fetch : others)(url, init);
  const access = { signal: new AbortController().signal, limits: SHORT, fetch };
  return { asked, offer: async (id?: string) => offerOf(await inspect(SOURCE, access), id) };
}

describe('the files of a repository', () => {
  it('are those that are needed, small ones first, each with its hash, and the rest is listed as left out', async () => {
    const { offer, asked } = ask(() => json(repository(NAMES)));
    const { plan, bytes, leftOut } = await offer();
    expect(asked.map(({ url }) => url)).toEqual([`${HUB}/api/models/org/name/revision/main?blobs=true`]);
    expect(plan).toMatchObject({
      base: HUB,
      id: 'org/name',
      revision: 'main',
      commit: COMMIT,
      licence: 'apache-2.0',
    });
    expect(plan.files.map(({ path }) => path)).toEqual([
      'config.json',
      'tokenizer.json',
      'tokenizer_config.json',
      'model.safetensors',
    ]);
    expect(plan.files[0]).toEqual({ path: 'config.json', size: 10, sha256: null, gitSha1: 'c'.repeat(40) });
    // A file in LFS is a pointer in git: the hash of that blob says nothing about the file.
    expect(plan.files[3]).toEqual({
      path: 'model.safetensors',
      size: 1000,
      sha256: 'b'.repeat(64),
      gitSha1: null,
    });
    expect([bytes, leftOut.map(({ path }) => path)]).toEqual([1030, ['README.md']]);
  });

  it('include the shards that the index lists', async () => {
    const shards = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
    const names = [
      'config.json',
      'tokenizer.json',
      'model.safetensors.index.json',
      ...shards,
      'extra.safetensors',
    ];
    const { offer, asked } = ask(
      () => json(repository(names)),
      () => json({ weight_map: { b: shards[1], a: shards[0], c: shards[0] } }),
    );
    expect((await offer()).plan.files.map(({ path }) => path)).toEqual([
      'config.json',
      'tokenizer.json',
      'model.safetensors.index.json',
      ...shards,
    ]);
    expect(asked[1]?.url).toBe(`${HUB}/org/name/resolve/${COMMIT}/model.safetensors.index.json`);
    const lacking = ask(
      () => json(repository(names)),
      () => json({ weight_map: { a: 'other.safetensors' } }),
    );
    await expect(lacking.offer()).rejects.toThrow(
      'other.safetensors is missing, although model.safetensors.index.json lists it',
    );
  });

  it('are refused if the index names files other than safetensors', async () => {
    const names = ['config.json', 'tokenizer.json', 'model.safetensors.index.json', 'manifest.json'];
    for (const map of [{ a: 'manifest.json' }, {}, { a: 1 }, null])
      await expect(
        ask(
          () => json(repository(names)),
          () => json({ weight_map: map }),
        ).offer(),
      ).rejects.toMatchObject({ code: 'hub', message: expect.stringContaining('weight_map') });
  });

  it('have sizes from the tree where the host leaves them out of the listing', async () => {
    const bare = { ...repository([]), siblings: NAMES.map((rfilename) => ({ rfilename })) };
    const tree = [
      ...NAMES.map((path) => ({
        type: 'file',
        path,
        size: 7,
        oid: 'c'.repeat(40),
        ...(path.endsWith('.safetensors') && { lfs: { oid: 'b'.repeat(64), size: 1000 } }),
      })),
      { type: 'directory', path: 'onnx', size: 0, oid: 'e'.repeat(40) },
    ];
    const { offer, asked } = ask(
      () => json(bare),
      () => json(tree),
    );
    const { plan, bytes } = await offer();
    expect(asked[1]?.url).toBe(`${HUB}/api/models/org/name/tree/${COMMIT}`);
    expect(bytes).toBe(3 * 7 + 1000);
    expect(plan.files.at(-1)).toMatchObject({ size: 1000, sha256: 'b'.repeat(64), gitSha1: null });
  });

  it.each<[string, string[], RegExp, RegExp]>([
    [
      'a pickle in parts',
      ['config.json', 'tokenizer.json', 'pytorch_model-00001-of-00002.bin'],
      /pickle/,
      /save_pretrained/,
    ],
    ['GGUF', ['README.md', 'model-q4.gguf'], /GGUF/, /safetensors/],
    ['an adapter without its settings', ['adapter_model.safetensors'], /adapter/, /[Mm]erge/],
    [
      'several state dicts',
      ['config.json', 'tokenizer.json', 'checkpoint_1', 'checkpoint_2'],
      /2 state dicts: checkpoint_1, checkpoint_2/,
      /from a folder/,
    ],
    ['an export without config.json', ['tokenizer.json', 'onnx/model.onnx'], /config\.json is missing/, /./],
    [
      'no tokenizer.json',
      ['config.json', 'tokenizer.model', 'model.safetensors'],
      /tokenizer\.model/,
      /AutoTokenizer/,
    ],
    ['no weights', ['README.md'], /no model\.safetensors among its 1 files/, /transformers/],
    [
      'a single shard',
      ['config.json', 'tokenizer.json', 'model-00001-of-00002.safetensors'],
      /1 of 2 shards; missing: 2/,
      /./,
    ],
    [
      'a plain model without a tokenizer, and says what a student’s folder would do',
      ['config.json', 'model.safetensors'],
      /tokenizer\.json is missing/,
      /student takes its base’s tokenizer.*from a folder/,
    ],
  ])('refuses %s before anything is downloaded', async (_what, names, said, hint) => {
    const { offer } = ask(() => json(repository(names)));
    const error = (await offer().catch((thrown) => thrown)) as {
      code: string;
      message: string;
      hint: string;
    };
    expect(error.code).toBe('hub');
    expect(error.message).toMatch(said);
    expect(error.hint).toMatch(hint);
  });

  it.each<[string, Answer, RegExp]>([
    ['a static site', { body: '<html>', headers: { 'content-type': 'text/html' } }, /web page/],
    ['another API', json({ hello: 1 }), /did not respond like the Hub/],
    ['no JSON', { body: 'x' }, /did not respond like the Hub/],
    ['nothing of that name', { status: 404 }, / found nothing for a model org\/name at revision /],
    ['a gated model', { status: 401 }, /licence/],
  ])('names %s', async (_what, answer, said) => {
    await expect(ask(() => answer).offer()).rejects.toThrow(said);
  });

  it('requests a response that stalls or fails again, three times in all', async () => {
    const well = ask(
      () => ({ body: '{', after: 'hang' }),
      () => ({ status: 500 }),
      () => json(repository(NAMES)),
    );
    expect((await well.offer()).bytes).toBe(1030);
    const lost = ask(() => ({ after: 'hang' }));
    await expect(lost.offer()).rejects.toMatchObject({ code: 'network' });
    expect(lost.asked).toHaveLength(3);
  });

  it('refuses quantised weights before anything is downloaded', async () => {
    config = { quantization_config: { quant_method: 'awq', bits: 4 } };
    await expect(ask(() => json(repository(NAMES))).offer()).rejects.toMatchObject({
      code: 'hub',
      message: expect.stringMatching(/quantised by awq \(4 bits\)/),
    });
  });

  it('include one ONNX export with its data, as chosen; safetensors come before any', async () => {
    const exports = ['onnx/model.onnx', 'onnx/model.onnx_data', 'onnx/model_q4.onnx', 'onnx/model_fp16.onnx'];
    const names = ['config.json', 'tokenizer.json', ...exports];
    const only = await ask(() => json(repository(names))).offer();
    expect(only.inspected.choices.map(({ id }) => id)).toEqual([
      'onnx/model.onnx',
      'onnx/model_fp16.onnx',
      'onnx/model_q4.onnx',
    ]);
    expect(only.plan.files.map(({ path }) => path)).toEqual(names.slice(0, 4));
    expect(offerOf(only.inspected, 'onnx/model_q4.onnx').plan.files.map(({ path }) => path)).toEqual([
      ...names.slice(0, 2),
      'onnx/model_q4.onnx',
    ]);
    const both = await ask(() => json(repository([...names, 'model.safetensors']))).offer();
    expect(both.choice.id).toBe('safetensors');
    // Each variant has a folder of its own in the library.
    const keys = both.inspected.choices.map(({ id }) => keyOf(offerOf(both.inspected, id).plan));
    expect(new Set(keys).size).toBe(4);
    expect(both.inspected.choices).toHaveLength(4);
    // Of large exports, the first that is not too large.
    const large = repository(names);
    large.siblings[3]!.size = 2e9;
    expect((await ask(() => json(large)).offer()).choice.id).toBe('onnx/model_fp16.onnx');
    // If the safetensors cannot be read, the export remains.
    config = { quantization_config: { quant_method: 'gptq' } };
    const packed = await ask(() => json(repository([...names, 'model.safetensors']))).offer();
    expect(packed.choice.id).toBe('onnx/model.onnx');
  });

  it('rejects a path that leaves the repository', async () => {
    const { planSchema } = await import('../storage/checkpoint-rows');
    const { plan } = await ask(() => json(repository(NAMES))).offer();
    expect(planSchema.safeParse(plan).success).toBe(true);
    for (const path of ['../x', 'a/../../x', '/x', 'a//b', 'a\\b', ''])
      expect(planSchema.safeParse({ ...plan, files: [{ ...plan.files[0], path }] }).success).toBe(false);
  });
});
