import { describe, expect, it } from 'vitest';
import type { Arena, ArenaRun } from '../../contract/arena';
import { parseRunConfig, type RunConfig } from '../../contract/config';
import type { RunCost } from '../../contract/run-cost';
import { arenaCost } from './arena-cost';

/** 100 s of steps, 20 of the teacher, 7 of answers to held-out problems and 3 of validation. */
const SECONDS = {
  ...{ step: 1, teacher: 20, all: 130 },
  evaluation: { validation: 3, heldOut: 7, written: 0, teacher: 0, observation: 0, all: 10 },
} as const satisfies RunCost['seconds'];
const estimate = async () => ({ seconds: SECONDS });
const unknown = async () => ({ seconds: null });

const arena = (runs: readonly ArenaRun[]): Arena => ({
  contenders: [{ name: 'A', config: parseRunConfig({ method: 'lori' }) }],
  seeds: [1, 2, 3],
  baseline: 'A',
  runs,
});
const run = { name: 'A', seed: 1, correct: 5, total: 1000, teacherSeconds: 10, trainSeconds: 50 };

describe('what an arena takes', () => {
  it('is estimated with its evaluations before there is a run', async () => {
    expect(await arenaCost(arena([]), estimate)).toEqual({
      runs: 3,
      seconds: 390,
      measured: 0,
      refused: null,
    });
    expect(await arenaCost(arena([]), unknown)).toMatchObject({ runs: 3, seconds: null });
  });

  it('is then measured, answers included, and estimated only in what no row has', async () => {
    const answered = arena([{ ...run, answerMilliseconds: 12 }]);
    expect(await arenaCost(answered, estimate)).toMatchObject({
      runs: 2,
      measured: 2,
      seconds: 2 * (72 + 3),
    });
    // A file without times of answers.
    expect(await arenaCost(arena([run]), estimate)).toMatchObject({ seconds: 2 * (60 + 7 + 3) });
    expect(await arenaCost(answered, unknown)).toMatchObject({ measured: 2, seconds: 2 * 72 });
  });

  it('is taken from the rows alone, without asking the engine, where they say what evaluations took', async () => {
    const asked: string[] = [];
    const counting = async ({ method }: RunConfig) => {
      asked.push(method);
      return { seconds: SECONDS };
    };
    const whole = { ...run, evaluateSeconds: 20, answerMilliseconds: 12 };
    expect(await arenaCost(arena([whole]), counting)).toMatchObject({ measured: 2, seconds: 2 * 80 });
    expect(asked).toEqual([]);
    // Beside a row of an earlier version, the estimate is of that row alone.
    const mixed = arena([whole, { ...run, seed: 2, answerMilliseconds: 12 }]);
    expect(await arenaCost(mixed, counting)).toMatchObject({ measured: 1, seconds: (80 + 75) / 2 });
    expect(asked).toHaveLength(1);
  });

  it('does not count a run without times as measured', async () => {
    const { teacherSeconds, trainSeconds, ...untimed } = run;
    expect(teacherSeconds + trainSeconds).toBe(60);
    expect(await arenaCost(arena([untimed]), estimate)).toMatchObject({ measured: 0, seconds: 260 });
  });
});
