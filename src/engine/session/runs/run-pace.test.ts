import { describe, expect, it } from 'vitest';
import { RunPace, type RunSeconds, RunTimes } from './run-pace';

const estimated = { teacher: 0.1, step: 0.5, problem: 0.2, written: 1, byTeacher: 2, look: 0.3 };

describe('the times of a run', () => {
  it('are estimates on WASM, and unknown on WebGPU, until a run was timed', () => {
    const pace = new RunPace();
    expect(pace.correct('lori', estimated, 'wasm')).toEqual(estimated);
    expect(pace.correct('lori', estimated, 'webgpu')).toBeNull();
    const times = new RunTimes(pace, 'lori', 'webgpu', estimated);
    expect(times.expected(10)).toBeNull();
    for (const milliseconds of [9000, 100, 300]) times.took('step', 1, milliseconds);
    times.took('problem', 10, 1000);
    times.end();
    expect(new RunTimes(pace, 'lori', 'webgpu', estimated).expected(10)).toEqual({
      // The teacher was not timed: it is assumed as fast as a step, not counting the first, which is a
      // warm-up.
      teacher: expect.closeTo(1000 * 10 * 0.1 * (0.2 / 0.5)),
      step: 200,
      problem: 100,
    });
    // Twice the work takes twice as long.
    const twice = { teacher: 0.2, step: 1, problem: 0.4, written: 2, byTeacher: 4, look: 0.6 };
    expect(pace.correct('lori', twice, 'webgpu')).toMatchObject({ step: 0.4, problem: 0.2 });
    pace.forgetDevice();
    expect(pace.correct('lori', estimated, 'webgpu')).toBeNull();
  });

  it('of what was not timed are as those of what is most like it', () => {
    const pace = new RunPace();
    const factors = () => {
      const found = pace.correct('lori', estimated, 'wasm') as RunSeconds;
      return [found.written / 1, found.byTeacher / 2, found.look / 0.3].map((x) => Number(x.toFixed(6)));
    };
    expect(factors()).toEqual([1, 1, 1]);
    pace.note('lori', 'step', 1, 2);
    expect(factors()).toEqual([2, 2, 2]);
    pace.note('lori', 'problem', 1, 3);
    expect(factors()).toEqual([3, 3, 3]);
    const times = new RunTimes(pace, 'lori', 'wasm', estimated);
    times.took('written', 4, 20_000);
    times.took('look', 2, 4200);
    times.end();
    expect(factors()).toEqual([5, 5, 7]);
  });

  it('are those of the same method if it was timed', () => {
    const pace = new RunPace();
    pace.note('lori', 'step', 0.5, 0.1);
    pace.note('grpo', 'step', 0.5, 5);
    expect(pace.correct('lori', estimated, 'wasm')?.step).toBeCloseTo(0.1);
    expect(pace.correct('grpo', estimated, 'wasm')?.step).toBeCloseTo(5);
    expect(pace.correct('codi', estimated, 'wasm')?.step).toBeCloseTo(5);
  });
});
