import { describe, expect, it } from 'vitest';
import { parseRunConfig, type RunConfig } from '../contract/config';
import { METHODS } from '../contract/methods/index';
import { NumericError, RuntimeError } from '../engine/base/errors';
import type { CommandInput } from './command';
import { evaluate } from './eval';
import { seedRanges } from './eval-table';

/** Input with given accuracies by method and seed, and a workbench that computes nothing. */
function inputOf(
  distil: (config: RunConfig) => number,
  options: Partial<CommandInput> = {},
): { readonly input: CommandInput; readonly saved: Record<string, unknown>[]; readonly ran: string[] } {
  const saved: Record<string, unknown>[] = [];
  const ran: string[] = [];
  const contender = (name: string, method: RunConfig['method']) => ({
    name,
    config: parseRunConfig({ method }),
  });
  const share = (correct: number) => ({ correct, total: 1000, share: correct / 1000, low: 0, high: 1 });
  const input = {
    workbench: {
      distil: async (config: RunConfig) => {
        ran.push(`${config.method} ${config.seed}`);
        const correct = distil(config);
        return { heldOut: share(correct), teacher: share(973), steps: 3, seconds: { train: 1 } };
      },
    },
    pair: { models: [{ name: 'base', sha256: 'ab' }] },
    contenders: [contender('lori-results-128', 'lori'), contender('ce-128', 'ce')],
    methods: METHODS,
    seeds: [3, 1, 2],
    evaluation: { subject: [], data: [] },
    threads: 1,
    say: () => undefined,
    onEvent: () => undefined,
    save: async (result: Record<string, unknown>) => {
      saved.push(structuredClone(result));
    },
    ...options,
  } as unknown as CommandInput;
  return { input, saved, ran };
}

describe('eval', () => {
  it('compares by seed: medians, differences and the table', async () => {
    const { input } = inputOf(({ method, seed }) => 100 * seed + (method === 'lori' ? 50 : 0));
    const result = await evaluate(input);
    const [lori, ce] = result.methods as { overSeeds: object; differences: object[] }[];
    expect(lori!.overSeeds).toMatchObject({ n: 3, median: 0.25, min: 0.15, max: 0.35 });
    expect(lori!.differences).toMatchObject([{ from: 'ce-128', n: 3, higher: 3, lower: 0 }]);
    expect(ce!.differences).toMatchObject([{ from: 'lori-results-128', n: 3, higher: 0, lower: 3 }]);
    const table = String(result.table);
    expect(table).toContain('| explicit chain of thought, the teacher | one model | 97.3 | – |');
    expect(table).toMatch(
      /\| `lori-results-128` \| 3 \| 25\.0 \[15\.0, 35\.0\] \| 25\.0 \[.*\] \| 10\.0 \| 15\.0 to 35\.0 \| 15\.0, 25\.0, 35\.0 \|/,
    );
    expect(table).toContain('−5.0 [−5.0, −5.0] from `lori-results-128` (higher on 0 of 3)');
    // Every row of the table has as many cells as its header.
    const widths = table
      .split('\n')
      .filter((line) => line.startsWith('|'))
      .map((line) => line.split('|').length);
    expect(new Set(widths).size).toBe(1);
  });

  it('saves every finished run before an interruption, and repeats none of them', async () => {
    let left = 3;
    const broken = inputOf(({ seed }) => {
      if (left-- === 0) throw new RuntimeError('the machine was switched off');
      return seed;
    });
    await expect(evaluate(broken.input)).rejects.toThrow('switched off');
    const last = broken.saved.at(-1) as { runs: { name: string; seed: number }[] };
    expect(last.runs.map(({ name, seed }) => `${name} ${seed}`)).toEqual([
      'lori-results-128 3',
      'ce-128 3',
      'lori-results-128 1',
    ]);
    const again = inputOf(({ seed }) => seed, { earlier: JSON.parse(JSON.stringify(last)) });
    const result = await evaluate(again.input);
    expect(again.ran).toEqual(['ce 1', 'lori 2', 'ce 2']);
    const straight = inputOf(({ seed }) => seed);
    expect(result.methods).toEqual((await evaluate(straight.input)).methods);
  });

  it('counts a run that diverged as failed, says so, and excludes it from the statistics by name', async () => {
    const { input } = inputOf(({ method, seed }) => {
      if (method === 'ce' && seed === 1) throw new NumericError('the loss is NaN at step 2');
      return 100 * seed;
    });
    const result = await evaluate(input);
    const [lori, ce] = result.methods as { overSeeds: object; failed: object[]; differences: object[] }[];
    expect(ce).toMatchObject({
      overSeeds: { n: 2, min: 0.2 },
      failed: [{ seed: 1, failed: expect.stringContaining('NaN') }],
    });
    expect(lori!.differences).toMatchObject([{ n: 2 }]);
    expect(result.table).toContain('| `ce-128` | 2 (1 diverged: 1) |');
  });

  it('keeps runs in the file that are not requested now, and refuses other models', async () => {
    const before = inputOf(({ seed }) => seed);
    const { table: _table, ...whole } = await evaluate(before.input);
    const earlier = JSON.parse(JSON.stringify(whole));
    const fewer = inputOf(() => 0, { earlier, seeds: [1], contenders: before.input.contenders.slice(0, 1) });
    const result = await evaluate(fewer.input);
    expect(fewer.ran).toEqual([]);
    expect(result.runs).toHaveLength(6);
    expect(result.contenders).toHaveLength(2);
    expect(result.methods).toMatchObject([{ name: 'lori-results-128', overSeeds: { n: 1 } }]);
    const other = inputOf(() => 0, { earlier: { ...earlier, models: { base: 'cd' } } });
    await expect(evaluate(other.input)).rejects.toThrow(/other models/);
  });
});

describe('seedRanges', () => {
  it('joins neighbours', () => {
    expect(seedRanges([104, 100, 101, 103, 7])).toBe('7, 100–101, 103–104');
  });
});
