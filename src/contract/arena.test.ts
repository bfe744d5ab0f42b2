import { describe, expect, it } from 'vitest';
import {
  type Arena,
  type ArenaRun,
  formatArena,
  readArenaFile,
  readSeeds,
  remaining,
  standings,
  writeSeeds,
} from './arena';
import { onSameProblems, otherModels } from './arena-checks';
import { parseRunConfig } from './config';
import { signFlip } from './seeds';

const config = parseRunConfig({});
const run = (name: string, seed: number, correct: number): ArenaRun => ({
  ...{ name, seed, correct, total: 100 },
  ...{ trainSeconds: 10 * seed, teacherSeconds: 1, trainable: 50, thoughts: 4, written: seed, explicit: 40 },
});
const arena: Arena = {
  contenders: ['a', 'b', 'base'].map((name) => ({ name, config })),
  seeds: [1, 2, 3, 4, 5],
  baseline: 'base',
  runs: [
    ...[50, 60, 55, 70, 65].map((correct, i) => run('a', i + 1, correct)),
    ...[20, 30, 25].map((correct, i) => run('b', i + 1, correct)),
    ...[22, 25, 30, 28, 26].map((correct, i) => run('base', i + 1, correct)),
    // Stopped after a second.
    {
      ...run('b', 4, 0),
      correct: undefined,
      total: undefined,
      trainSeconds: 1,
      failed: 'the run was stopped',
    },
    // Of a seed that is no longer asked for.
    run('a', 9, 0),
  ],
};

describe('an arena', () => {
  it('goes on where it stopped, seed by seed', () => {
    expect(remaining(arena).map(({ contender, seed }) => [contender.name, seed])).toEqual([['b', 5]]);
    expect(
      remaining({ ...arena, runs: [] })
        .map(({ contender, seed }) => `${contender.name}${seed}`)
        .slice(0, 4),
    ).toEqual(['a1', 'b1', 'base1', 'a2']);
  });

  it('compares every contender with the baseline, paired by seed, corrected for their number', () => {
    const [a, b, base] = standings(arena);
    expect(a?.overSeeds).toMatchObject({ n: 5, median: 0.6 });
    // All five differences have one sign: 2 of 32 ways, twice over for the two comparisons.
    expect(a?.against).toMatchObject({ n: 5, higher: 5, p: 0.125 });
    expect(a?.against?.difference).toBeCloseTo((28 + 35 + 25 + 42 + 39) / 500, 12);
    expect(b?.against).toMatchObject({ n: 3, higher: 1, lower: 2 });
    expect(b?.failed).toHaveLength(1);
    expect([b?.overSeeds?.n, b?.trainSeconds]).toEqual([3, 20]);
    expect(base?.against).toBeNull();
    expect(a?.trainSeconds).toBe(30);
    // Four thoughts, and 1 to 5 tokens.
    expect(a?.reasoning).toBe(7);
    expect(a?.explicit).toBeCloseTo(0.4, 12);
  });

  it('is read back from its file, and a damaged file is refused with the path', () => {
    expect(readArenaFile(formatArena(arena))).toEqual({ arena, notes: [] });
    const other = (change: object) => JSON.stringify({ ...JSON.parse(formatArena(arena)), ...change });
    expect(() => readArenaFile(other({ seeds: ['x'] }))).toThrow(/^seeds\.0: /);
    expect(() => readArenaFile(other({ baseline: 'z' }))).toThrow(
      'baseline: "z" is not among the contenders',
    );
    const [first] = arena.contenders;
    expect(() => readArenaFile(other({ contenders: [first, first], baseline: 'a' }))).toThrow(
      'contenders.1.name: "a" occurs twice',
    );
    expect(() => readArenaFile(other({ seeds: [1, 2, 1] }))).toThrow('seeds.2: 1 occurs twice');
    const [one] = arena.runs;
    expect(() => readArenaFile(other({ runs: [...arena.runs, one] }))).toThrow(
      'runs.15: "a" on seed 1 occurs twice',
    );
    expect(() => readArenaFile(other({ runs: [{ ...one, correct: 101 }] }))).toThrow(
      'runs.0: more right answers than problems',
    );
    const more = { name: 'b', config: { ...config, data: { ...config.data, heldOut: 7 } } };
    expect(() => readArenaFile(other({ contenders: [first, more], baseline: 'a' }))).toThrow(
      /^contenders\.1\.config\.data\.heldOut: 7 held-out problems; the first contender: /,
    );
  });
});

describe('equal terms', () => {
  const { data, roles } = config;
  const file = (a: object, b: object) =>
    formatArena({
      ...arena,
      contenders: [a, b].map((change, i) => ({ name: 'ab'[i] as string, config: { ...config, ...change } })),
      baseline: 'a',
    });
  const opened = { roles: { ...roles, data: 'opened' } };
  const also = (change: object) => ({ ...opened, data: { ...data, ...change } });

  it.each([
    ['roles.student', {}, { roles: { ...roles, student: 'opened' } }],
    ['roles.data', {}, opened],
    ['data.rule', {}, { data: { ...data, rule: 'text' } }],
    ['data.split', opened, also({ split: 2 })],
    ['data.longest', opened, also({ longest: 60 })],
  ])('a file whose contenders differ in %s is refused', (path, a, b) => {
    expect(() => readArenaFile(file(a, b))).toThrow(`contenders.1.config.${path}: `);
  });

  it.each([
    [{ data: { ...data, samples: 8, split: 2, longest: 60, prompt: 'So:' } }],
    [{ roles: { ...roles, teacher: 'self' } }],
  ])('what else differs is what is compared: %j', (b) => {
    expect(readArenaFile(file({}, b)).arena.contenders).toHaveLength(2);
  });

  it('a run on other held-out problems has no figure, and says so', () => {
    const runs = [run('a', 1, 50), { ...run('b', 1, 60), problems: 'p1' }];
    const row = { ...run('a', 2, 70), problems: 'p2', models: { m: '1' } };
    expect(onSameProblems(row, { runs })).toEqual({
      ...{ name: 'a', seed: 2, models: { m: '1' } },
      failed: expect.stringContaining('not those of b, seed 1'),
    });
    for (const one of [{ ...row, problems: 'p1' }, run('a', 2, 70)])
      expect(onSameProblems(one, { runs })).toBe(one);
  });

  it('runs on other weights, or on the same kept in other storage, are refused', () => {
    const runs: ArenaRun[] = [{ ...run('a', 1, 50), models: { base: 'x' }, storage: 'f32' }];
    const on = (sha256: string, storage?: 'f32' | 'int8') =>
      otherModels(runs, [{ name: 'base', sha256 }], storage)?.message;
    expect(on('y')).toContain('other weights of base');
    expect(on('x', 'int8')).toContain('matrices in');
    expect([on('x'), on('x', 'f32')]).toEqual([undefined, undefined]);
  });
});

it('seeds as typed', () => {
  expect(readSeeds('3, 1-4 10').seeds).toEqual([1, 2, 3, 4, 10]);
  for (const [seeds, text] of [
    [[1, 2, 3, 4, 10], '1-4, 10'],
    [[301], '301'],
    [[7, 5, 5], '5, 7'],
    [[9, 8], '8-9'],
    [[], ''],
  ] as const)
    expect(writeSeeds(seeds)).toBe(text);
  for (const text of ['', 'x', '4-1', '1-200', '-3']) expect(readSeeds(text).error, text).not.toBeNull();
});

describe('the sign-flip test', () => {
  it('agrees with all signs written out by Python', () => {
    expect(signFlip([1, 2, 3, 4, -0.5])).toBe(0.125);
    expect(signFlip([0.1, 0.2, 0.15, 0.3, 0.05, 0.12, 0.4, 0.22, 0.18, 0.09])).toBe(0.001953125);
    expect(signFlip([0.3, -0.3, 0.1, -0.2, 0])).toBe(1);
    expect(signFlip([])).toBe(1);
    expect(signFlip([0, 0])).toBe(1);
  });

  it('counts ways that tie but for the rounding of accuracies', () => {
    const counts = [
      [404, 400],
      [416, 413],
      [406, 407],
      [401, 416],
      [401, 407],
    ] as const;
    const differences = counts.map(([a, b]) => a / 1000 - b / 1000);
    expect(differences).not.toEqual(counts.map(([a, b]) => (a - b) / 1000));
    expect(signFlip(differences)).toBe(signFlip(counts.map(([a, b]) => a - b)));
  });

  it('draws signs where there are too many to write out', () => {
    const differences = Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? -1 : 1) * (1 + (i % 5)));
    const p = signFlip(differences);
    expect(p).toBeGreaterThan(0.01);
    expect(p).toBeLessThan(0.3);
    // The signs that were seen are one way too: p is never 0.
    const least = signFlip(Array.from({ length: 60 }, () => 1));
    expect(least).toBeLessThan(1e-4);
    expect(least).toBeGreaterThan(1e-5);
  });
});
