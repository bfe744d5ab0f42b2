import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { MemoryError } from '../../base/errors';
import type { Runtime } from '../../runtime/runtime';
import { tinyEnvironment, tinyPair } from '../../testing/tiny-pair.testing';
import { insideOf } from '../inside.testing';
import { LoriWorkbench } from '../workbench';
import { tinyRunBy } from './tiny-run.testing';

/**
 * A run whose n-th allocation or compilation fails, for every possible n: whatever was made before is freed,
 * sessions too once the failure is reported, and the next run goes as if nothing had happened.
 */
let workbench: LoriWorkbench;
let runtime: Runtime;
beforeAll(async () => {
  workbench = new LoriWorkbench(tinyEnvironment(await tinyPair()));
  await workbench.open('wasm');
  await workbench.loadPair('models');
  runtime = insideOf<{ opened: { runtime: Runtime } }>(workbench).opened.runtime;
});
afterAll(() => workbench.close());

/** Makes the n-th of these calls fail. @returns how many there were, and how to stop */
function failAt(n: number): { count: () => number; restore: () => void } {
  let calls = 0;
  const spies = (['upload', 'empty', 'compile'] as const).map((name) => {
    const real = runtime[name].bind(runtime) as (...args: unknown[]) => unknown;
    return vi.spyOn(runtime, name).mockImplementation(((...args: unknown[]) => {
      if (++calls !== n) return real(...args);
      const error = new MemoryError(`${name}, call ${n}: no room`);
      // As real failures come: tensors at once, programs later.
      if (name === 'compile') return Promise.resolve().then(() => Promise.reject(error));
      throw error;
    }) as never);
  });
  return {
    count: () => calls,
    restore: () => {
      for (const spy of spies) spy.mockRestore();
    },
  };
}

const small = {
  data: { samples: 3, validation: 1, heldOut: 1 },
  optimiser: { steps: 2, batch: 2 },
  observation: { every: 2, samples: 1 },
};

/**
 * A method with the teacher's targets, and one with modules and two paths: together they need all that others
 * do.
 */
describe.each(['lori', 'codi-self'])('a run of %s that fails half-way', (method) => {
  it('frees everything, whichever allocation or compilation fails', async () => {
    const config = tinyRunBy(method, small);
    const run = () => workbench.distil(config);
    await run();
    const counted = failAt(Number.POSITIVE_INFINITY);
    const result = await run();
    counted.restore();
    const settled = { tensors: runtime.liveTensors, programs: runtime.programCount };
    expect(counted.count()).toBeGreaterThan(5);
    for (let n = 1; n <= counted.count(); n++) {
      const failing = failAt(n);
      await expect(run(), `call ${n}`).rejects.toMatchObject({ code: 'memory' });
      failing.restore();
      expect(runtime.liveTensors, `tensors after call ${n} failed`).toBe(settled.tensors);
      // Programs kept for the next user may have been evicted.
      expect(runtime.programCount, `programs after call ${n} failed`).toBeLessThanOrEqual(settled.programs);
    }
    const again = await run();
    expect(again.heldOut).toEqual(result.heldOut);
    expect(runtime.liveTensors).toBe(settled.tensors);
  }, 60_000);
});
