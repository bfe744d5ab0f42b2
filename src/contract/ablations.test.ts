import { describe, expect, it } from 'vitest';
import { ABLATION_SEEDS, ablationsOf, planOf } from './ablations';
import { type Arena, type ArenaRun, formatArena, MAX_CONTENDERS, readArenaFile, rowOf } from './arena';
import { axisPoints, offAxis } from './arena-axis';
import { type ConfigOf, parseRunConfig } from './config';
import type { EvaluationEvent, RunResult } from './events';
import type { IcotRun } from './methods/icot';
import { METHODS } from './methods/index';
import { WITH_MOCK } from './methods/mock.testing';
import { differencesFrom, findPreset, type Preset } from './presets';

const ABLATIONS = ablationsOf(METHODS);

it('a variant that is relative to its preset stays so when the preset is tuned anew', () => {
  const contender = (id: string, name: string) => {
    const ablation = ABLATIONS.find((one) => one.id === id);
    return planOf(ablation as (typeof ABLATIONS)[number], METHODS).contenders.find((one) => one.name === name)
      ?.config as unknown as IcotRun & ConfigOf<'coconut'>;
  };
  const { removal } = contender('icot-options', 'iCoT');
  expect(contender('icot-options', 'twice as fast').removal.perStage).toBe(2 * removal.perStage);
  // The last stage alone.
  const { curriculum } = contender('coconut-parts', 'without curriculum');
  expect([curriculum.first, curriculum.uniform]).toEqual([curriculum.stages + 1, 0]);
});

it('a cost or a teacher is compared with the rest as equal as the methods have it', () => {
  const configsOf = (id: string) =>
    planOf(ABLATIONS.find((one) => one.id === id) as (typeof ABLATIONS)[number], METHODS).contenders.map(
      ({ config }) => config,
    );
  const costs = configsOf('training-cost').map(({ optimiser: { steps, batch, accumulation }, lora, data }) =>
    JSON.stringify([steps, batch, accumulation, lora.rank, data.samples]),
  );
  expect(new Set(costs).size).toBe(1);
  const [own, fixed, both] = configsOf('codi-parts') as ConfigOf<'codi'>[];
  for (const run of [fixed, both] as ConfigOf<'codi'>[]) {
    expect(run.latent.filter).toBe('hidden');
    expect([run.latent.steps, run.optimiser, run.lora]).toEqual([
      own?.latent.steps,
      own?.optimiser,
      own?.lora,
    ]);
  }
});

it('every figure and table that the Arena offers has an id of its own', () => {
  const ids = ABLATIONS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  // LoRi figure 5 (both), tables 2 and 3, figure 4; CODI tables 2, A4, A5, figure 5; DART table 3, figure 2; Coconut table 1.
  for (const id of [
    ...['lori-steps', 'lori-samples', 'lori-anchor', 'training-cost', 'latency'],
    ...[
      'codi-parts',
      'codi-beta',
      'codi-gamma',
      'codi-steps',
      'dart-parts',
      'dart-count',
      'coconut-parts',
      'icot-options',
    ],
  ])
    expect(ids).toContain(id);
});

describe.each(ABLATIONS.map((one) => [one.id, one] as const))('%s', (_id, ablation) => {
  const plan = planOf(ablation, METHODS);

  it('is a plan whose contenders differ from each other and from their preset in what is varied', () => {
    expect(plan.contenders.length).toBeGreaterThan(1);
    expect(plan.contenders.length).toBeLessThanOrEqual(MAX_CONTENDERS);
    expect(plan.contenders.map(({ name }) => name)).toContain(plan.baseline);
    expect(new Set(plan.contenders.map(({ config }) => JSON.stringify(config))).size).toBe(
      plan.contenders.length,
    );
    expect(plan.seeds).toEqual(ABLATION_SEEDS);
    const changed = ablation.points.map(({ preset, changes }, i) => {
      const differs = differencesFrom(findPreset(preset) as Preset, plan.contenders[i]?.config as never);
      if (!changes) expect(differs).toEqual([]);
      return differs.map(([path]) => path);
    });
    // Where a number is varied, it is one setting.
    if (plan.axis?.places) expect(new Set(changed.flat()).size).toBe(1);
  });

  it('is kept in a file, axis and all', () => {
    const arena: Arena = { ...plan, runs: [] };
    expect(readArenaFile(formatArena(arena))).toEqual({ arena, notes: [] });
  });
});

it('a preset that no method has is refused by name', () => {
  const broken = { ...ABLATIONS[0], points: [{ name: 'a', preset: 'nope' }] } as never;
  expect(() => planOf(broken, WITH_MOCK)).toThrow('nope, which is not a preset');
});

describe('what is drawn', () => {
  const run = (name: string, seed: number, correct: number, extra: Partial<ArenaRun> = {}): ArenaRun => ({
    ...{ name, seed, correct, total: 50, trainSeconds: 10 * seed, teacherSeconds: 2, answerMilliseconds: 5 },
    ...extra,
  });
  const lori = ABLATIONS.find(({ id }) => id === 'lori-steps') as (typeof ABLATIONS)[number];
  const plan = { ...planOf(lori, METHODS), seeds: [1, 2, 3] };
  const runs = [
    ...[run('K = 8', 1, 40), run('K = 2', 1, 10), run('K = 2', 2, 30), run('K = 2', 3, 20)],
    // Of another seed, and failed.
    run('K = 2', 9, 50),
    { name: 'K = 3', seed: 1, failed: 'it diverged' },
  ];

  it('has each contender at its value, with its figures over the plan’s seeds', () => {
    const points = axisPoints({ ...plan, runs });
    expect(points.map(({ x }) => x)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect([...(points[0]?.parts[0]?.bySeed ?? [])]).toEqual([
      [1, 0.2],
      [2, 0.6],
      [3, 0.4],
    ]);
    expect(points[0]?.parts[0]?.overSeeds).toMatchObject({ n: 3, median: 0.4, min: 0.2, max: 0.6 });
    expect(points[0]?.parts[0]?.overSeeds?.medianInterval).toMatchObject({ low: 0.2, high: 0.6 });
    expect(points[1]?.parts[0]?.overSeeds).toBeNull();
    expect(points[6]?.parts[0]?.overSeeds).toMatchObject({ n: 1, median: 0.8 });
    expect(offAxis(plan)).toBe('');
    const added = { name: 'CODI', config: parseRunConfig({ method: 'codi' }) };
    expect(offAxis({ ...plan, contenders: [...plan.contenders, added] })).toMatch(
      /no value of .+ for them: CODI\.$/,
    );
  });

  it('splits cost into its parts, and stands at 1, 2, … without numbers', () => {
    const cost = ABLATIONS.find(({ id }) => id === 'training-cost') as (typeof ABLATIONS)[number];
    const stopped = run('CODI', 2, 1, { failed: 'the run was stopped', trainSeconds: 1 });
    const runs = [run('CODI', 3, 1), run('LoRi', 1, 1), stopped];
    const points = axisPoints({ ...planOf(cost, METHODS), runs });
    expect(points.map(({ name, x }) => [name, x]).slice(0, 2)).toEqual([
      ['LoRi', 1],
      ['CODI', 2],
    ]);
    expect(points[1]?.parts.map(({ label, overSeeds }) => [label, overSeeds?.median])).toEqual([
      ['reading the teacher', 2],
      ['training', 30],
    ]);
  });

  it('takes the time of an answer and the thoughts from the run’s last held-out evaluation', () => {
    const config = parseRunConfig({ method: 'adaptive' });
    const heldOut = { correct: 3, total: 4, share: 0.75, low: 0, high: 1 };
    const result = {
      ...{ config, heldOut, status: 'done', trainable: 7, models: {} },
      seconds: { teacher: 1, compile: 2, train: 3, evaluate: 4 },
    } as unknown as RunResult;
    const evaluation = (set: 'validation' | 'held-out', milliseconds: number): EvaluationEvent => ({
      ...{ kind: 'evaluation', step: 5, set, accuracy: heldOut, milliseconds },
      // Two problems with two latents, two with four, the two tokens around them counted.
      lengths: [
        { length: 4, right: 1, wrong: 1 },
        { length: 6, right: 2, wrong: 0 },
      ],
    });
    const row = rowOf('a', 1, result, [evaluation('validation', 999), evaluation('held-out', 80)]);
    expect(row).toMatchObject({ answerMilliseconds: 20, thoughts: 3, correct: 3, total: 4 });
    expect(row).toMatchObject({ teacherSeconds: 1, trainSeconds: 3, trainable: 7 });
    expect(rowOf('a', 1, result)).not.toHaveProperty('answerMilliseconds');
    expect(rowOf('a', 1, result, [evaluation('validation', 999)])).not.toHaveProperty('answerMilliseconds');
    const written: EvaluationEvent = { ...evaluation('held-out', 80), lengths: undefined, written: 28.5 };
    const explicit = {
      ...result,
      config: parseRunConfig({ method: 'cot-sft' }),
      explicit: { ...heldOut, correct: 2 },
    };
    expect(rowOf('a', 1, explicit, [written])).toMatchObject({ written: 28.5, explicit: 2 });
    expect(row).not.toHaveProperty('written');
    expect(row).not.toHaveProperty('explicit');
  });

  it('has no accuracy of a run that was stopped, though its student was measured', () => {
    const heldOut = { correct: 3, total: 4, share: 0.75, low: 0, high: 1 };
    const seconds = { teacher: 1, compile: 2, train: 3, evaluate: 4 };
    const of = { config: parseRunConfig({ method: 'ce' }), trainable: 7, models: {}, seconds };
    const row = (found: object) => rowOf('a', 1, { ...of, ...found } as unknown as RunResult);
    const stopped = row({ heldOut, status: 'stopped' });
    expect(stopped.failed).toBe('the run was stopped');
    expect(stopped).not.toHaveProperty('correct');
    expect(row({ heldOut: null, status: 'done' }).failed).toMatch(/^no held-out/);
    expect(row({ heldOut, status: 'done' })).not.toHaveProperty('failed');
  });
});
