import { inspect, offerOf } from '../../src/hub/choose';
import { parseBase, parseSource, writeSource } from '../../src/hub/source';
import { keyOf, planSchema, storedName } from '../../src/storage/checkpoint-rows';
import { mutateBytes, mutateJson } from './mutate';
import type { Target } from './target';

/** What a host of models answers: the list of a repository's files, its config.json, the index of its shards. */

const SHARDS = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
const NAMES = ['config.json', 'tokenizer.json', 'model.safetensors.index.json', ...SHARDS, 'onnx/model.onnx'];
const LISTING = JSON.stringify({
  id: 'org/name',
  sha: 'a'.repeat(40),
  cardData: { license: 'mit' },
  siblings: NAMES.map((rfilename) => ({
    rfilename,
    size: 1000,
    blobId: 'b'.repeat(40),
    ...(rfilename.endsWith('.safetensors') && {
      lfs: { sha256: 'c'.repeat(64), size: 1000, pointerSize: 130 },
    }),
  })),
});
const INDEX = JSON.stringify({ metadata: {}, weight_map: { a: SHARDS[0], b: SHARDS[1], c: SHARDS[0] } });
const CONFIG = JSON.stringify({ model_type: 'llama', hidden_size: 64, quantization_config: null });

const LIMITS = { stall: 5_000, attempts: 1, pause: 1, longestPause: 1 };

export const hubAnswers: Target = {
  name: 'answers of a host of models',
  weight: 6,
  async run(rng) {
    const damaged = rng.pick([LISTING, LISTING, INDEX, CONFIG]);
    const answer = (text: string) => (text === damaged ? mutateJson(text, rng) : text);
    const fetch = async (url: unknown) =>
      new Response(
        String(url).includes('/api/')
          ? answer(LISTING)
          : String(url).endsWith('config.json')
            ? answer(CONFIG)
            : answer(INDEX),
      );
    const source = { base: 'https://huggingface.co', id: 'org/name', revision: 'main' };
    const inspected = await inspect(source, {
      signal: new AbortController().signal,
      limits: LIMITS,
      fetch: fetch as typeof globalThis.fetch,
    });
    return inspected.choices.map(({ id }) => {
      const { plan, bytes } = offerOf(inspected, id);
      // What is offered can be written down, and every file has a place of its own in one folder.
      planSchema.parse(plan);
      const names = plan.files.map(storedName);
      if (
        new Set(names).size < names.length ||
        names.some((name) => /[/\\]|^\.+$|^(plan|manifest)\.json$/.test(name))
      )
        throw new TypeError(`files without a place of their own: ${names.join(', ')}`);
      return { key: keyOf(plan), names, bytes };
    });
  },
};

const TYPED = [
  'org/name@main',
  'https://huggingface.co/org/name/tree/refs%2Fpr%2F1',
  'https://mirror.example/hf',
];

export const hubSources: Target = {
  name: 'a model or mirror as typed',
  weight: 3,
  async run(rng) {
    const text = new TextDecoder().decode(mutateBytes(new TextEncoder().encode(rng.pick(TYPED)), rng));
    if (rng.pick([true, false])) return { base: parseBase(text) };
    const source = parseSource(text);
    const again = parseSource(writeSource(source));
    if (again.id !== source.id || again.revision !== source.revision)
      throw new TypeError('a source does not come back');
    return source;
  },
};
