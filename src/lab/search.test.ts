import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { RunConfig } from '../contract/config';
import type { EvaluationEvent } from '../contract/events';
import { METHODS } from '../contract/methods/index';
import { NumericError } from '../engine/base/errors';
import type { CommandInput } from './command';
import { search } from './search';

const SPACE = {
  seeds: [1, 2],
  trials: 6,
  finalists: 2,
  set: { 'data.heldOut': 0, 'optimiser.steps': 5 },
  methods: {
    LoRi: {
      preset: 'lori-paper-128',
      choices: { 'optimiser.learningRate': [1e-3, 2e-3, 4e-3, 8e-3], 'lora.rank': [4, 8] },
    },
    CE: { preset: 'ce-128', choices: { 'optimiser.learningRate': [1e-3, 2e-3] } },
  },
};

/** A workbench that computes nothing: `correct` gives the share of correct answers. */
async function inputOf(correct: (config: RunConfig) => number, space: object, earlier?: unknown) {
  const path = join(await mkdtemp(join(tmpdir(), 'search-')), 'space.json');
  await writeFile(path, JSON.stringify(space));
  const [configs, saved]: [RunConfig[], Record<string, unknown>[]] = [[], []];
  const distil = async (config: RunConfig, options: { report: (event: EvaluationEvent) => void }) => {
    configs.push(config);
    const share = correct(config);
    const accuracy = { share, correct: 0, total: 0, low: 0, high: 1 };
    options.report({ kind: 'evaluation', step: 5, set: 'validation', accuracy, milliseconds: 1 });
    // Held-out accuracy is ignored, even if it is reported.
    options.report({
      kind: 'evaluation',
      step: 5,
      set: 'held-out',
      accuracy: { ...accuracy, share: 1 - share },
      milliseconds: 1,
    });
    return { seconds: { train: 1 } };
  };
  const input = {
    ...{
      workbench: { distil },
      pair: { models: [{ name: 'base', sha256: 'ab' }] },
      methods: METHODS,
      space: path,
      earlier,
      say: () => undefined,
      onEvent: () => undefined,
    },
    save: async (result: Record<string, unknown>) => {
      saved.push(structuredClone(result));
    },
  } as unknown as CommandInput;
  return { input, configs, saved };
}

/** Higher for lower rates, except that the second seed swaps the two best. */
const byRate = ({ optimiser: { learningRate }, seed }: RunConfig): number =>
  seed === 1 ? 1 - 50 * learningRate : learningRate * 100;

it('gives every method the same number of trials, and all seeds to its best ones', async () => {
  const { input, configs } = await inputOf(byRate, SPACE);
  const { runs, chosen } = (await search(input)) as {
    runs: { method: string; trial: number; seed: number; set: Record<string, number> }[];
    chosen: { method: string; trial: number; set: Record<string, number>; mean: number }[];
  };
  for (const method of ['LoRi', 'CE']) {
    const of = runs.filter((run) => run.method === method);
    expect(of.filter(({ seed }) => seed === 1).map(({ trial }) => trial)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(of.filter(({ seed }) => seed === 2)).toHaveLength(2);
    // The first trial is the unchanged preset.
    expect(of.find(({ trial }) => trial === 0)?.set).toEqual({});
    const finalists = of.filter(({ seed }) => seed === 2).map(({ trial }) => trial);
    const first = of
      .filter(({ seed }) => seed === 1)
      .map(({ trial }) =>
        byRate(configs[runs.findIndex((run) => run.method === method && run.trial === trial)] as RunConfig),
      );
    for (const trial of finalists)
      expect([...first].sort((a, b) => b - a).slice(0, 2)).toContain(first[trial]);
  }
  // Values vary over the trials.
  const rates = runs.flatMap(({ method, set }) => (method === 'LoRi' ? [set['optimiser.learningRate']] : []));
  expect(new Set(rates).size).toBeGreaterThan(2);
  expect(new Set(configs.map(({ method }) => method))).toEqual(new Set(['lori', 'ce']));
  expect(configs.every(({ optimiser, data }) => optimiser.steps === 5 && data.heldOut === 0)).toBe(true);
  for (const { method, trial, mean } of chosen) {
    const both = runs.flatMap((run, i) =>
      run.method === method && run.trial === trial ? [byRate(configs[i] as RunConfig)] : [],
    );
    expect(both).toHaveLength(2);
    expect(mean).toBeCloseTo(((both[0] as number) + (both[1] as number)) / 2, 12);
  }
});

it('continues from what it has saved, and draws the same again', async () => {
  const whole = await inputOf(byRate, SPACE);
  const expected = await search(whole.input);
  const rest = await inputOf(byRate, SPACE, whole.saved[7]);
  expect(await search(rest.input)).toEqual(expected);
  expect(rest.configs).toHaveLength(whole.configs.length - 8);
});

it('refuses to continue from another search, or with other models', async () => {
  const { input, saved } = await inputOf(byRate, SPACE);
  await search(input);
  const other = await inputOf(byRate, { ...SPACE, seed: 2 }, saved[3]);
  await expect(search(other.input)).rejects.toThrow('another space');
  expect(other.configs).toEqual([]);
  const moved = await inputOf(byRate, SPACE, { ...saved[3], models: { base: 'cd' } });
  await expect(search(moved.input)).rejects.toThrow('another pair of models');
  const foreign = await inputOf(byRate, SPACE, { runs: 3 });
  await expect(search(foreign.input)).rejects.toThrow('not one that search wrote');
});

it('answers no held-out problems, and needs validation problems to compare by', async () => {
  const { input, configs } = await inputOf(byRate, { ...SPACE, set: { 'data.heldOut': 50 } });
  await search(input);
  expect(new Set(configs.map(({ data }) => data.heldOut))).toEqual(new Set([0]));
  for (const set of [{ 'data.validation': 0 }, { 'evaluation.every': 0 }]) {
    const none = await inputOf(byRate, { ...SPACE, set });
    await expect(search(none.input)).rejects.toThrow('LoRi has no validation problems');
  }
});

it('counts a run that diverges as a result', async () => {
  const failing = (config: RunConfig): number => {
    if (config.method === 'lori' && config.lora.rank === 4)
      throw new NumericError('loss is NaN', 'Lower the rate.');
    return byRate(config);
  };
  const { runs } = (await search((await inputOf(failing, SPACE)).input)) as { runs: { failed?: string }[] };
  expect(runs.filter(({ failed }) => failed === 'loss is NaN').length).toBeGreaterThan(0);
});

it('refuses a space that it does not understand, by name', async () => {
  for (const [change, message] of [
    [{ trials: 0 }, 'trials'],
    [{ seeds: [1, 1] }, 'each seed may occur only once'],
    [{ budget: 3 }, 'budget'],
    [{ methods: { LoRi: { preset: 'none', choices: {} } } }, '"none"'],
    [{ methods: { LoRi: { preset: 'ce-128', choices: { 'no.such': [1] } } } }, 'no.such'],
  ] as const)
    await expect(search((await inputOf(byRate, { ...SPACE, ...change })).input)).rejects.toThrow(message);
  await expect(search({ ...(await inputOf(byRate, SPACE)).input, space: undefined })).rejects.toThrow(
    '--space',
  );
});
