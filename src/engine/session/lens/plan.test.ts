import { beforeAll, describe, expect, it } from 'vitest';
import { CONTROLS, FIGURE_6, type LensRequest, type Section, type Selection } from '../../../contract/lens';
import { InputError, MemoryError } from '../../base/errors';
import { serveFiles, tinyPair } from '../../testing/tiny-pair.testing';
import type { DeviceModels } from '../models/device-models';
import type { OnnxExport } from '../models/onnx-export';
import { type LoadedModel, loadPair, type Pair } from '../models/pair';
import { ProblemSet } from '../models/problems';
import type { LoadedModels } from '../models/subjects';
import { lensCost } from './cost';
import { readingWork } from './gather';
import { lens } from './lens';
import { MAX_LENS_BYTES, MAX_POINTS, type PlannedSelection, planLens } from './plan';
import { parseLensRequest } from './request';
import { StatesCache } from './states-cache';

let loaded: LoadedModels & { readonly pair: Pair };
/** The same pair with a configuration of these sizes; nothing of it is run. */
const sized = (layers: number, hiddenSize: number): LoadedModels => {
  const grown = (model: LoadedModel) => ({ ...model, config: { ...model.config, layers, hiddenSize } });
  return {
    ...loaded,
    pair: { ...loaded.pair, base: grown(loaded.pair.base), teacher: grown(loaded.pair.teacher) },
  };
};
beforeAll(async () => {
  const { pair } = await loadPair('models', { fetch: serveFiles(await tinyPair()) });
  loaded = { pair, problems: new ProblemSet(pair.manifest.data, pair.codec), checkpoints: new Map() };
});

const of = (kind: 'teacher' | 'base', ...sections: Section[]): Selection => ({
  subject: { kind },
  sections: sections.length > 0 ? sections : ['rationale'],
});
const request = (changes: object = {}): LensRequest => ({
  ...FIGURE_6,
  source: { kind: 'problems', seed: 1, samples: 3 },
  ...changes,
});
const pair = { selections: [of('teacher'), of('base')] };
const plan = (changes: object, on: LoadedModels = loaded) => planLens(parseLensRequest(request(changes)), on);
/** Through the lens, on models whose every use would throw. */
const run = (changes: object, on: LoadedModels = loaded) => {
  const models = {} as DeviceModels;
  return lens({ models, loaded: on, cache: new StatesCache() }, request(changes));
};

describe('a request', () => {
  it.each([
    [{ selections: [] }, /selections: .*got \[\]/],
    [{ selections: [of('teacher'), of('base'), of('base')] }, /selections: /],
    [{ selections: [of('teacher', 'thoughts' as Section)] }, /selections\.0\.sections\.0: .*got "thoughts"/],
    [{ selections: [{ subject: { kind: 'teacher' }, sections: [] }] }, /selections\.0\.sections: /],
    [
      { selections: [{ subject: { kind: 'pupil' }, sections: ['answer'] }] },
      /selections\.0\.subject\.kind: .*got "pupil"/,
    ],
    [{ stack: 'column' }, /stack: .*got "column"/],
    [{ seed: -1 }, /seed: .*got -1/],
    [{ angles: 1.5 }, /angles: .*got 1\.5/],
    [{ colour: 'red' }, /colour: there is no such setting; got "red"/],
    [{ controls: ['noise'] }, /controls\.0: .*got "noise"/],
    [{ controls: ['gaussian', 'shuffled', 'gaussian'] }, 'the control gaussian is requested twice'],
    [{ angles: 3 }, 'angles of 3 directions need two selections; there is one'],
    [{ layers: [] }, 'layers []: expected some of 1 … 2'],
    [{ layers: [0, 1] }, 'layers [0, 1]: expected some of 1 … 2'],
    [{ layers: [3] }, 'layers [3]: expected some of 1 … 2, ascending and each once, which the teacher has'],
    [{ layers: [2, 1] }, 'layers [2, 1]'],
    [
      { selections: [of('teacher', 'latent')] },
      'latent tokens of the teacher; only the student and the base',
    ],
    [{ selections: [of('base', 'latent', 'rationale')] }, 'rationale and latents come from two passes'],
    [{ selections: [of('teacher', 'text')] }, 'is a problem, which has no text tokens'],
    [{ source: { kind: 'texts', texts: ['Tom has 3.'] } }, 'text-1 is a text, which has no rationale tokens'],
    [{ source: { kind: 'texts', texts: [] } }, 'there are no texts'],
    [{ source: { kind: 'ids', ids: ['train-x'] } }, 'there is no sample "train-x"'],
    [{ source: { kind: 'problems', seed: 1, samples: 0 } }, 'samples: 0'],
    [{ source: { kind: 'problems', seed: 1, samples: 2.5 } }, 'samples: 2.5'],
    [
      { source: { kind: 'ids', ids: ['train-1'] }, controls: ['other-prompt'] },
      'needs a second sample, and there is only one',
    ],
    [
      { selections: [of('teacher', 'question')], controls: ['random-tokens'] },
      'the control random-tokens changes what follows the question, but only the question is chosen',
    ],
    [{ ...pair, angles: 33 }, /angles of 33 directions; hidden size 32 and \d+ tokens per layer allow (\d+)/],
    [
      { ...pair, source: { kind: 'ids', ids: ['train-1'] }, angles: 12 },
      /angles of 12 directions; hidden size 32 and (\d+) tokens per layer allow \1/,
    ],
  ])('%j is refused before anything is run', async (changes, message) => {
    const failing = run(changes);
    await expect(failing).rejects.toThrow(InputError);
    await expect(failing).rejects.toThrow(message);
  });

  it('orders its sections, so that equal states are recognised', () => {
    const key = (...sections: Section[]) =>
      plan({ selections: [of('teacher', ...sections)] }).selections[0]?.key;
    expect(key('answer', 'question')).toBe(key('question', 'answer'));
    expect(key('answer')).not.toBe(key('question'));
  });

  it('lists each sample’s tokens and the controls that need states of their own', () => {
    const { selections, variants, sequences } = plan({ controls: CONTROLS });
    const tokens = loaded.problems?.sample(1, 3).map((e) => e.tokens.rationale.length);
    expect(selections[0]?.tokens).toEqual(tokens);
    expect([...variants.keys()]).toEqual(['random-tokens', 'other-prompt']);
    for (const { tokens: same } of variants.values()) expect(same).toEqual(tokens);
    const keys = [...selections, ...variants.values()].map(({ key }) => key);
    expect(new Set(keys).size).toBe(3);
    expect(sequences.length).toBe(3);
  });
});

describe('a pass that does not fit on the provider', () => {
  /** The base would take more than WASM has, the teacher nearly nothing. */
  const onWasm = (): LoadedModels => {
    const { base } = sized(40, 2048).pair as Pair;
    const config = { ...base.config, intermediateSize: 12288 };
    return { ...loaded, provider: 'wasm', pair: { ...loaded.pair, base: { ...base, config } } };
  };
  const costOn = (on: LoadedModels, cache = new StatesCache()) =>
    lensCost({ loaded: on, cache }, request(pair));

  it('is refused before the one that does is made, and by what is said beforehand', async () => {
    const error = (await run(pair, onWasm()).catch((e) => e)) as MemoryError;
    expect(error).toBeInstanceOf(MemoryError);
    expect(error.message).toMatch(/^reading train-\d+ needs about \d+\.\d GB/);
    expect(error.hint).toContain('would fit');
    expect(() => costOn(onWasm())).toThrow(error.message);
    // A control of one that does.
    const other = { selections: [of('teacher')], controls: ['random-tokens'] };
    expect(() => plan(other, onWasm())).not.toThrow();
    expect(() => plan({ ...other, selections: [of('base')] }, onWasm())).toThrow(MemoryError);
  });

  it('is not refused where its states are there, or on WebGPU', () => {
    const on = onWasm();
    const { key, depth, resolved } = plan(pair, { ...on, provider: 'webgpu' }).selections[1]!;
    const cache = new StatesCache();
    cache.put(key, resolved.kind, { layers: depth, hidden: 2048, samples: [] });
    expect(costOn(on, cache).reading.samples).toBe(3);
  });
});

describe('memory', () => {
  const many = { source: { kind: 'problems', seed: 1, samples: 400 } };

  it('counts all states and the largest copies', () => {
    const H = 4096;
    const tokens = (p: ReturnType<typeof plan>) =>
      p.selections[0]?.tokens.reduce((a, b) => a + b, 0) as number;
    const small = plan({}, sized(8, H));
    const states = tokens(small) * 8 * H * 4;
    // The Gram matrix of the shorter side of everything stacked, which is its rows, and the copy that is reduced.
    const gram = 2 * (8 * tokens(small)) ** 2 * 8;
    // One matrix per sample and layer: all samples' rows of one shape may form one lot.
    expect(small.bytes).toBeGreaterThan(states + 2 * tokens(small) * H * 4 - 1);
    expect(small.bytes).toBeLessThanOrEqual(3 * states + gram);
    const all = plan({ stack: 'all' }, sized(8, H));
    expect(all.bytes).toBe(3 * states + gram);
    expect(plan({ stack: 'all', ...pair }, sized(8, H)).bytes).toBe(4 * states + gram);
    expect(plan({ stack: 'all', controls: CONTROLS }, sized(8, H)).bytes).toBe(5 * states + gram);
    expect(plan({ stack: 'all', tucker: true }, sized(8, H)).bytes).toBe(3 * states + gram + 3 * H * H * 8);
  });

  it('refuses a request that does not fit before it starts, naming the number of samples that would', async () => {
    const large = sized(32, 4096);
    const failing = run(many, large);
    await expect(failing).rejects.toThrow(MemoryError);
    await expect(failing).rejects.toThrow(
      /the hidden states of 400 samples take \d+\.\d\d GB with working copies; 1\.07 GB is the limit/,
    );
    const error = (await failing.catch((e) => e)) as MemoryError;
    const fits = Number(/Choose (\d+) samples or fewer/.exec(error.hint ?? '')?.[1]);
    const bytes = (samples: number) => plan({ source: { kind: 'problems', seed: 1, samples } }, large).bytes;
    expect(bytes(fits)).toBeLessThanOrEqual(MAX_LENS_BYTES);
    expect(() => bytes(fits + 1)).toThrow(MemoryError);
  });

  it('names the layers that would fit, where fewer of them do', async () => {
    const L = 40;
    const tokens = plan({}).selections[0]?.tokens.reduce((a, b) => a + b, 0) as number;
    /** Models whose states are so many bytes. */
    const holding = (bytes: number) => sized(L, Math.floor(bytes / (4 * L * tokens)));
    const bytes = (layers: number[] | null, on: LoadedModels) => plan({ stack: 'all', layers }, on).bytes;
    const first = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
    // States up to the highest layer that is chosen are held; copies are of those that are chosen.
    const hint = async (on: LoadedModels) =>
      ((await run({ stack: 'all' }, on).catch((e) => e)) as MemoryError).hint ?? '';
    for (const share of [0.5, 1.1, 3]) {
      const large = holding(share * MAX_LENS_BYTES);
      const fits = Number(/only layers 1 to (\d+), fewer kinds of tokens/.exec(await hint(large))?.[1]);
      expect(bytes(first(fits), large)).toBeLessThanOrEqual(MAX_LENS_BYTES);
      expect(() => bytes(first(fits + 1), large)).toThrow(MemoryError);
    }
    // Those below the highest are held too: of these, only the lowest would fit.
    const large = holding(2 * MAX_LENS_BYTES);
    const apart = (await run({ stack: 'all', layers: [3, 5, 40] }, large).catch((e) => e)) as MemoryError;
    expect(apart.hint).toContain('only layers 3, 5, ');
    expect(bytes([3, 5], large)).toBeLessThanOrEqual(MAX_LENS_BYTES);
    expect(() => bytes([40], large)).toThrow(MemoryError);
  });

  it('runs the layers up to the highest that is chosen, and all where thoughts are made of final states', () => {
    const planned = (kind: 'teacher' | 'base', section: Section, layers: number[] | null) => {
      const [{ depth, run: all }] = plan({ selections: [of(kind, section)], layers }, sized(40, 64))
        .selections as [PlannedSelection];
      return [depth, all];
    };
    expect(planned('teacher', 'rationale', null)).toEqual([40, 40]);
    expect(planned('teacher', 'rationale', [2, 7])).toEqual([7, 7]);
    expect(planned('base', 'latent', [2, 7])).toEqual([7, 40]);
    expect(planned('base', 'question', [2, 7])).toEqual([7, 7]);
    // A graph made elsewhere is run as it is.
    const from = sized(40, 64);
    const teacher = { ...(from.pair as Pair).teacher, onnx: {} as OnnxExport };
    const exported = { ...from, pair: { ...(from.pair as Pair), teacher } };
    expect(plan({ layers: [2] }, exported).selections[0]).toMatchObject({ depth: 2, run: 40 });
    const [some, all] = [[7], null].map((layers) =>
      readingWork(plan({ layers }, sized(40, 64)).selections[0] as PlannedSelection),
    ) as [number, number];
    expect(some / all).toBeCloseTo(7 / 40, 9);
  });

  it('reports if not even one sample fits', async () => {
    const error = (await run({}, sized(2000, 16384)).catch((e) => e)) as MemoryError;
    expect(error).toBeInstanceOf(MemoryError);
    expect(error.hint).toContain('Not one sample fits');
  });

  it('refuses more points than can be drawn, naming the number of samples that can', async () => {
    const asked = {
      ...many,
      selections: [of('teacher', 'question', 'rationale', 'answer')],
      trajectories: 'pca',
    };
    const error = (await run(asked).catch((e) => e)) as MemoryError;
    expect(error).toBeInstanceOf(MemoryError);
    expect(error.message).toMatch(/trajectories of \d+ points; 20000 is the limit/);
    const fits = Number(/Choose (\d+) samples or fewer/.exec(error.hint ?? '')?.[1]);
    const points = (samples: number) =>
      2 *
      (plan({
        ...asked,
        trajectories: null,
        source: { kind: 'problems', seed: 1, samples },
      }).selections[0]?.tokens.reduce((a, b) => a + b, 0) as number);
    expect(points(fits)).toBeLessThanOrEqual(MAX_POINTS);
    expect(points(fits + 1)).toBeGreaterThan(MAX_POINTS);
    expect(() => plan({ ...asked, trajectories: null })).not.toThrow();
  });
});

describe('the cache', () => {
  const states = (floats: number, layers = 1) => ({
    layers,
    hidden: 1,
    samples: [
      {
        id: '',
        about: '',
        tokens: floats,
        states: new Float32Array(floats),
        sections: new Uint8Array(floats),
        texts: [],
      },
    ],
  });
  const filled = () => {
    const cache = new StatesCache();
    for (const [i, key] of ['a', 'b', 'c'].entries())
      cache.put(key, i === 1 ? 'student' : 'teacher', states(10));
    return cache;
  };

  it('drops the least recently used states and nothing that is needed', () => {
    const cache = filled();
    expect(cache.bytes).toBe(120);
    cache.get('a', 1);
    cache.shrink(new Map(), 80);
    expect(['a', 'b', 'c'].map((key) => cache.has(key, 1))).toEqual([true, false, true]);
    cache.shrink(new Map([['c', 1]]), 0);
    expect(['a', 'c'].map((key) => cache.has(key, 1))).toEqual([false, true]);
    cache.shrink(new Map(), 40);
    expect(cache.bytes).toBe(40);
  });

  it('has the states of more layers for fewer, while there is room for those besides, and not of fewer for more', () => {
    const cache = new StatesCache();
    cache.put('a', 'teacher', states(40, 4));
    expect([3, 4, 5].map((layers) => cache.has('a', layers))).toEqual([true, true, false]);
    expect([3, 4, 5].map((layers) => cache.get('a', layers)?.layers)).toEqual([4, 4, undefined]);
    // Of 160 bytes 120 are needed.
    cache.shrink(new Map([['a', 3]]), 40);
    expect(cache.has('a', 4)).toBe(true);
    cache.shrink(new Map([['a', 3]]), 39);
    expect(cache.has('a', 3)).toBe(false);
    // Too few are in the way of those that will be read.
    cache.put('a', 'teacher', states(40, 4));
    cache.shrink(new Map([['a', 5]]), 159);
    expect(cache.bytes).toBe(0);
  });

  it('drops the states of one kind of subject, or all', () => {
    const cache = filled();
    cache.drop('student');
    expect(['a', 'b', 'c'].map((key) => cache.has(key, 1))).toEqual([true, false, true]);
    cache.drop();
    expect(cache.bytes).toBe(0);
    expect(cache.get('a', 1)).toBeUndefined();
  });
});
