import { describe, expect, it } from 'vitest';
import { RunPace, RunTimes } from './run-pace';

const estimated = { teacher: 0.1, step: 0.5, problem: 0.2 };

describe('the times of a run', () => {
  it('are estimates on WASM, and unknown on WebGPU, until a run was timed', () => {
    const pace = new RunPace();
    expect(pace.correct('lori', estimated, 'wasm')).toEqual(estimated);
    expect(pace.correct('lori', estimated, 'webgpu')).toBeNull();
    const times = new RunTimes(pace, 'lori', 'webgpu', estimated);
    expect(times.expected(10)).toBeNull();
    for (const milliseconds of [9000, 100, 300]) times.step(milliseconds);
    times.answered(10, 1000);
    times.end();
    expect(new RunTimes(pace, 'lori', 'webgpu', estimated).expected(10)).toEqual({
      // The teacher was not timed: it is assumed as fast as a step, not counting the first, which is a
      // warm-up.
      teacher: expect.closeTo(1000 * 10 * 0.1 * (0.2 / 0.5)),
      step: 200,
      problem: 100,
    });
    // Twice the work takes twice as long.
    const twice = { teacher: 0.2, step: 1, problem: 0.4 };
    expect(pace.correct('lori', twice, 'webgpu')).toMatchObject({ step: 0.4, problem: 0.2 });
    pace.forgetDevice();
    expect(pace.correct('lori', estimated, 'webgpu')).toBeNull();
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
